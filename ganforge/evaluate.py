"""What `ganforge eval` does: measure a run's generator, or any folder of pictures, against real images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ganforge.cache import cache_folder
from ganforge.data.images import LabelledImages, LoadContext
from ganforge.errors import DataError, ProcessError, UsageError
from ganforge.evaluation.checks import preflight
from ganforge.evaluation.choose import all_evaluators, choose_evaluators, component_from, is_mapping
from ganforge.evaluation.evaluation import Evaluation, reference_of, reported
from ganforge.evaluation.measure import Measured, Reference, measure
from ganforge.evaluation.pictures import (
    in_classes_of,
    load_pictures,
    sampling_caveats,
    side_of_first,
    without_classes,
)
from ganforge.evaluation.store import FeatureStore
from ganforge.files import is_folder
from ganforge.interfaces import DatasetSpec
from ganforge.listener import Listener
from ganforge.loading import load_data
from ganforge.opening import load_generator, open_run
from ganforge.phantoms import AGAINST_PHANTOMS
from ganforge.plan.plan import Plan
from ganforge.processes.crew import Crew
from ganforge.processes.group import ALONE, Processes
from ganforge.processes.stop import Stops
from ganforge.registry import Components
from ganforge.runs.rundir import RunDir, is_run


@dataclass(frozen=True)
class Wanted:
    """What to measure, as the command line says it."""

    #: Kinds of evaluators or mappings; empty: those of the run's recipe, else all that need no field.
    metrics: tuple[str, ...] = ()
    #: A run, a folder, or a dataset as a mapping; None: the run's own held-out images.
    real: str | None = None
    #: The same, for what the generator was trained on.
    train: str | None = None
    #: Generated images in a set, and sets; None: as the recipe says.
    images: int | None = None
    seeds: int | None = None
    #: Generate as many images of each class, rather than in the proportions of the real ones.
    equal: bool = False
    #: Side to which pictures are brought; None: that of the run, else of the first generated picture.
    resolution: int | None = None


def evaluate(
    what: Path,
    wanted: Wanted,
    components: Components,
    listener: Listener,
    device: torch.device,
    processes: Processes = ALONE,
) -> Measured:
    """The scores of a run's generator or of the pictures in a folder.

    All processes call this; on others than the first, which help it, nothing comes back. Raises GanforgeError for what
    can't be compared, and for evaluators that could not give a score anyway; RunStopped at a signal.
    """
    with Stops(for_good=processes.size > 1) as stops:
        try:
            if not processes.is_first:
                _help(what, components, device, processes, stops)
                return Measured([])
            if is_run(what):
                return _evaluate_run(what, wanted, components, listener, device, processes, stops)
            return _evaluate_folder(what, wanted, components, listener, device, processes, stops)
        except ProcessError as error:
            raise error.with_advice("Nothing was measured; the same command begins again.") from error.__cause__


def _help(what: Path, components: Components, device: torch.device, processes: Processes, stops: Stops) -> None:
    processes.wait_for_first()
    if not is_run(what):
        crew = Crew(processes, stops)
        FeatureStore(str(device), crew, components)
        crew.help()
        return
    generator, plan = load_generator(what, components, device, Listener())
    processes.copy_from_first((generator,))
    Evaluation(plan.recipe, None, Listener(), components, processes).measured(generator, (), (), stops)


def _evaluate_run(
    what: Path,
    wanted: Wanted,
    components: Components,
    listener: Listener,
    device: torch.device,
    processes: Processes,
    stops: Stops,
) -> Measured:
    if wanted.resolution is not None:
        raise UsageError("--resolution is for folders; a run has a resolution of its own.")
    plan, run_dir = open_run(what, components)
    recipe = plan.recipe
    changes = {"images": wanted.images, "seeds": wanted.seeds}
    chosen = choose_evaluators(wanted.metrics, recipe.evaluation.evaluators, components)
    evaluators = chosen or list(recipe.evaluation.evaluators) or all_evaluators(components)
    preflight(evaluators)
    update = {key: value for key, value in changes.items() if value is not None}
    recipe = recipe.model_copy(update={"evaluation": recipe.evaluation.model_copy(update=update)})
    if wanted.real is None:
        reference = reference_of(recipe, *load_data(plan, run_dir, listener))
        if (best := recipe.evaluation.best) is not None:
            caveat = f"of the checkpoint chosen as the best by {best.by} on these same real images, which favours it"
            reference = replace(reference, caveats=(*reference.caveats, caveat))
    else:
        reference = _reference(wanted.real, recipe.resolution, components, listener)
        images = _same_classes(reference.images, plan.classes)
        train = _trained_on(plan, run_dir, listener) if wanted.train is None else None
        caveats = (*reference.caveats, *_overlap(images, train))
        reference = replace(reference, images=images, train=train, caveats=caveats)
    reference = _with_train(reference, wanted.train, recipe.resolution, components, listener)
    generator, _ = load_generator(what, components, device, listener)
    if wanted.equal and not generator.is_conditional:
        raise UsageError("--equal would have no effect: the generator takes no label, and draws classes as it likes.")
    processes.wait_for_first()
    processes.copy_from_first((generator,))
    evaluation = Evaluation(recipe, reference, listener, components, processes)
    return evaluation.measured(generator, evaluators, reported(recipe.evaluation.seeds), stops, is_equal=wanted.equal)


def _evaluate_folder(
    what: Path,
    wanted: Wanted,
    components: Components,
    listener: Listener,
    device: torch.device,
    processes: Processes,
    stops: Stops,
) -> Measured:
    if not is_folder(what):
        raise UsageError(f"there is no run and no folder of pictures {what}.")
    if wanted.real is None:
        raise UsageError(f"{what} is no run, so say with what to compare it: --real RUN, or --real FOLDER.")
    if wanted.images is not None or wanted.seeds is not None or wanted.equal:
        raise UsageError("--images, --seeds and --equal are for runs; of a folder, all pictures are taken.")
    evaluators = choose_evaluators(wanted.metrics, (), components) or all_evaluators(components)
    preflight(evaluators)
    resolution = wanted.resolution or side_of_first(what)
    reference = _reference(wanted.real, resolution, components, listener)
    reference = _with_train(reference, wanted.train, resolution, components, listener)
    fake = load_pictures(what, resolution, _context(listener))
    reference = replace(reference, caveats=(*reference.caveats, *sampling_caveats(what)))
    classes = reference.images.card.classes
    is_labelled = len(classes) > 1 and (len(fake.card.classes) > 1 or fake.card.classes[0] in classes)
    if is_labelled:
        fake = in_classes_of(reference.images, fake)
    else:
        listener.note("the pictures are compared without classes.")
        train = reference.train and without_classes(reference.train)
        reference = replace(reference, images=without_classes(reference.images), train=train)
        fake = without_classes(fake)
    processes.wait_for_first()
    crew = Crew(processes, stops)
    with crew.asking():
        store = FeatureStore(str(device), crew, components)
        return measure(
            evaluators, reference, [fake], seed=0, is_conditional=is_labelled, listener=listener, store=store
        )


def _trained_on(plan: Plan, run_dir: RunDir, listener: Listener) -> LabelledImages | None:
    """What the run was trained on; None, with a warning, where that can't be read on this machine."""
    try:
        return load_data(plan, run_dir, listener)[0]
    except DataError as error:
        listener.warning(f"what {run_dir.path} was trained on can't be read, so that some evaluators fail: {error}")
        return None


def _overlap(real: LabelledImages, train: LabelledImages | None) -> tuple[str, ...]:
    """A warning if patients of the same set are on both sides."""
    if train is None or train.card.name != real.card.name:
        return ()
    trained = set(train.groups)
    number = sum(group in trained for group in real.groups)
    if not number:
        return ()
    return (f"{number} of the {len(real)} real images are of patients that the generator was TRAINED on",)


def _reference(text: str, resolution: int, components: Components, listener: Listener) -> Reference:
    """The held-out images of a run, or all images of a folder or dataset."""
    if not is_mapping(text) and is_run(Path(text)):
        plan, run_dir = open_run(Path(text), components)
        if plan.recipe.resolution != resolution:
            raise UsageError(
                f"the images of {text} have {plan.recipe.resolution} pixels a side, the generated ones {resolution}. "
                f"For pictures in a folder, --resolution {plan.recipe.resolution} brings both to one size."
            )
        return reference_of(plan.recipe, *load_data(plan, run_dir, listener))
    images = _images(text, resolution, components, listener, "--real")
    caveats = (AGAINST_PHANTOMS,) if images.card.is_phantom else ()
    return Reference(images, f"all {len(images):,}", None, caveats)


def _with_train(
    reference: Reference, text: str | None, resolution: int, components: Components, listener: Listener
) -> Reference:
    if text is None:
        return reference
    train = _images(text, resolution, components, listener, "--train")
    return replace(reference, train=_same_classes(train, reference.images.card.classes))


def _images(text: str, resolution: int, components: Components, listener: Listener, option: str) -> LabelledImages:
    if not is_mapping(text):
        return load_pictures(Path(text), resolution, _context(listener))
    dataset: DatasetSpec = component_from(text, "dataset", components, option)
    dataset.preflight()
    return dataset.load(resolution, _context(listener))


def _same_classes(images: LabelledImages, classes: tuple[str, ...]) -> LabelledImages:
    if images.card.classes != classes:
        raise DataError(
            f"{images.card.name} has the classes {', '.join(images.card.classes)}, but {', '.join(classes)} are needed."
        )
    return images


def _context(listener: Listener) -> LoadContext:
    return LoadContext(cache_folder(), progress=listener.progress, warn=listener.warning)
