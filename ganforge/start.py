"""What the networks of a run start from: initial values, and those of a source where the recipe asks for them."""

from __future__ import annotations

import copy
from functools import cache

import torch

from ganforge.cache import cache_folder
from ganforge.data.images import LabelledImages
from ganforge.errors import CheckpointError, GanforgeError
from ganforge.files import write_json
from ganforge.listener import Listener
from ganforge.networks.staged import Discriminator, Generator
from ganforge.plan.build import assemble, build_network
from ganforge.plan.plan import NETWORKS, Plan
from ganforge.randomness import derive_seed
from ganforge.runs.rundir import RunDir
from ganforge.weights.classes import nearest_classes
from ganforge.weights.load import load_strict
from ganforge.weights.pretrained import PretrainedWeights, StoreContext


def build_networks(plan: Plan) -> tuple[Generator, Discriminator]:
    """Both networks with their initial values."""
    seed = plan.recipe.seed
    generator = build_network(plan.generator, derive_seed(seed, "initialisation", "generator"))
    discriminator = build_network(plan.discriminator, derive_seed(seed, "initialisation", "discriminator"))
    assert isinstance(generator, Generator) and isinstance(discriminator, Discriminator)
    return generator, discriminator


def is_at_hand(plan: Plan) -> bool:
    """Whether the recipe has a source that can be loaded now, without a download."""
    source = plan.recipe.source
    if source is None:
        return False
    try:
        source.preflight()
    except GanforgeError:
        return False
    return source.published() is None or source.cached(cache_folder()) is not None


def fetch_source(plan: Plan, listener: Listener) -> PretrainedWeights | None:
    """The weights of the recipe's source, if it has one.

    Raises GanforgeError where they can't be had, and CheckpointError with all that doesn't fit into either network. No
    image is needed for that: a run finds out before it prepares its data.
    """
    if plan.recipe.source is None:
        return None
    pretrained = plan.recipe.source.fetch(StoreContext(cache_folder(), listener.progress))
    problems = []
    for name in NETWORKS:
        rules, weights = plan.network(name).spec.pretrained, getattr(pretrained, name)
        if rules is None:
            continue
        if weights is None:
            problems.append(
                f"{pretrained.provenance.name} has no {name}. Remove `{name}.pretrained`, or choose another source."
            )
            continue
        with torch.device("meta"):
            network = assemble(plan.network(name))
        try:
            # whichever classes are nearest, the first is as good as they are for the shapes
            load_strict(name, network, weights, rules, lambda num_classes: (0,) * num_classes)
        except CheckpointError as error:
            problems.append(str(error))
    if problems:
        raise CheckpointError("\n".join(problems))
    return pretrained


def load_pretrained(
    plan: Plan,
    pretrained: PretrainedWeights,
    generator: Generator,
    discriminator: Discriminator,
    train: LabelledImages,
    run_dir: RunDir,
    listener: Listener,
) -> None:
    """Pretrained values where the recipe asks for them; writes source.json and load.json."""
    reports = []

    @cache
    def nearest(num_classes: int) -> tuple[int, ...]:
        return _nearest_classes(plan, discriminator, pretrained, train, num_classes)

    # the discriminator first: it may have to say which classes of the source are nearest
    for name, network in zip(NETWORKS[::-1], (discriminator, generator), strict=True):
        rules, weights = plan.network(name).spec.pretrained, getattr(pretrained, name)
        if rules is not None:
            reports.append(load_strict(name, network, weights, rules, nearest))
    listener.source(pretrained.provenance, reports[::-1])
    write_json(run_dir.path / "source.json", pretrained.provenance.as_dict())
    write_json(run_dir.path / "load.json", [report.as_dict() for report in reports[::-1]])


def _nearest_classes(
    plan: Plan, discriminator: Discriminator, pretrained: PretrainedWeights, train: LabelledImages, num_classes: int
) -> tuple[int, ...]:
    """For each class, the source's class that its discriminator finds nearest in the images to train on."""
    rules = plan.discriminator.spec.pretrained
    if pretrained.discriminator is None:
        raise CheckpointError(
            f"`pretrained.classes: nearest` asks the source's discriminator; {pretrained.provenance.name} has none: "
            "choose `mean`, or name the source's classes, `pretrained.classes: [0, 1]`."
        )
    if rules is None:
        raise CheckpointError(
            "`pretrained.classes: nearest` asks the source's discriminator, which the recipe doesn't load. "
            "Add `discriminator.pretrained: {classes: nearest}`, or choose `mean`."
        )
    judge = copy.deepcopy(discriminator)
    load_strict("discriminator", judge, pretrained.discriminator, rules.model_copy(update={"classes": "mean"}))
    return nearest_classes(judge, pretrained.discriminator, train.images, train.labels, num_classes)
