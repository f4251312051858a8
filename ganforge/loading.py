"""The images of a recipe: with what they are loaded, and which are trained on and held out."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from ganforge.cache import cache_folder
from ganforge.data.images import LabelledImages, LoadContext
from ganforge.data.quarantine import write_quarantine
from ganforge.data.split import num_shared, split_images
from ganforge.errors import CheckpointError, DataError
from ganforge.files import read_json, write_json
from ganforge.listener import Listener
from ganforge.plan.plan import Plan
from ganforge.recipe.models import BadImagesSpec
from ganforge.runs.rundir import RunDir


def load_context(bad_images: BadImagesSpec, listener: Listener) -> LoadContext:
    """A context that leaves out as many bad images as the recipe allows."""
    most = bad_images.max_fraction if bad_images.policy == "quarantine" else None
    return LoadContext(
        cache_folder(), progress=listener.progress, max_bad_fraction=most, is_of_recipe=True, warn=listener.warning
    )


def load_data(plan: Plan, run_dir: RunDir, listener: Listener) -> tuple[LabelledImages, LabelledImages]:
    """Images to train on and images that are held out.

    Writes data.json, and quarantine.csv where images were left out. Raises DataError where data.json is there and
    describes other images.
    """
    recipe = plan.recipe
    record = run_dir.path / "data.json"
    # a run that has begun with its images keeps to what its recipe says of bad ones
    context = replace(load_context(recipe.bad_images, listener), is_of_recipe=not record.exists())
    images = recipe.data.load(recipe.resolution, context)
    if images.labels.size and images.labels.max() >= len(plan.classes):
        raise DataError(f"a label is {images.labels.max()}, but there are only {len(plan.classes)} classes.")
    indices = split_images(images, recipe.split)
    train, held_out = (images.subset(index) for index in indices)
    if images.sides is not None:
        listener.note("the split is that of the set; split.held_out has no effect.")
    if shared := num_shared(train, held_out):
        listener.warning(
            f"{shared} of {len(held_out)} held-out images have the pixels of one that is trained on, "
            "so scores will be too good; `ganforge data check` names them."
        )
    empty = [name for name, count in zip(plan.classes, train.class_counts(), strict=True) if count == 0]
    if empty and plan.generator.is_conditional:
        names = ", ".join(repr(name) for name in empty)
        raise DataError(
            f"no image to train on has the class {names}. Where there are some, split.seed=N or a smaller "
            f"split.held_out may bring them back; else train without labels."
        )
    if not record.exists():
        if images.left_out:
            write_quarantine(run_dir.quarantine, images.left_out)
            listener.note(f"what was left out, and why: {run_dir.quarantine}")
        counts = {"train": train.class_counts(), "held_out": held_out.class_counts(), "left_out": len(images.left_out)}
        write_json(record, {"card": asdict(images.card), "images": counts})
    elif _recorded_fingerprint(record) != images.card.fingerprint:
        raise DataError(
            f"the images of {images.card.name} are not those that {run_dir.path} began with. "
            "Put them back as they were, or start a new run."
        )
    listener.data(train, held_out)
    return train, held_out


def _recorded_fingerprint(record: Path) -> str:
    try:
        return str(read_json(record, CheckpointError)["card"]["fingerprint"])
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{record} is damaged: it doesn't say which images the run began with.") from error
