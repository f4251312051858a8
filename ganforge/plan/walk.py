"""Cross-field checks of a recipe: every block, site, glob and class count, before a tensor exists.

Parameter names come from a build on torch's `meta` device, which allocates nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from ganforge.data.samplers import image_probabilities
from ganforge.errors import DataError, Problem, RecipeError
from ganforge.freeze.policy import describe_names, resolve, unmatched
from ganforge.interfaces import Sites
from ganforge.plan.place import place_features, place_label, place_labels
from ganforge.plan.plan import NETWORKS, NetworkName, NetworkPlan, Plan
from ganforge.recipe.models import GeneratorSpec, NetworkSpec, Recipe
from ganforge.shapes import Shape

Path = tuple[str | int, ...]
RESERVED_KEYS = frozenset({"mapping", "keys", "injections", "training", "latent_dim"})


def walk(recipe: Recipe, classes: tuple[str, ...] = ()) -> Plan:
    """The recipe with all that follows from it. Raises RecipeError with every problem, each with its path, and
    PluginError for a sampler that gives no probabilities.

    classes: names of the classes where they are known, as in a run; then the data need not be there.
    """
    problems: list[Problem] = []
    classes = classes or _classes(recipe, problems)
    plans = {name: _network(recipe, name, len(classes), problems) for name in NETWORKS}
    _check_ends(recipe, plans, problems)
    _check_sampler(recipe, len(classes), problems)
    _check_wrong_labels(recipe, plans["discriminator"], len(classes), problems)
    _check_microbatch(recipe, problems)
    _check_source(recipe, problems)
    _check_stage_names(recipe, problems)
    _check_best(recipe, problems)
    if problems or not classes:
        raise RecipeError(problems)
    generator, discriminator = plans["generator"], plans["discriminator"]
    assert generator is not None and discriminator is not None
    return Plan(recipe, classes, generator, discriminator)


def plan_generator(spec: GeneratorSpec, sites: Sequence[int], num_classes: int, resolution: int) -> NetworkPlan:
    """The plan of a trained generator, whose labels enter at these sites; it can't train.

    Raises RecipeError with every problem.
    """
    problems: list[Problem] = []
    shapes = _walk_shapes(resolution, "generator", spec, problems)
    adafm = _adafm("generator", spec, problems)
    if not problems and shapes[-1] != Shape(3, resolution, resolution):
        problems.append(Problem(f"ends in {shapes[-1]}, but the images have {resolution} pixels.", ("generator",)))
    if len(sites) != len(spec.label):
        problems.append(Problem(f"{len(spec.label)} labels have {len(sites)} sites.", ("generator", "label")))
    if problems:
        raise RecipeError(problems)
    trunk = NetworkPlan(
        "generator", spec, spec.blocks, tuple(shapes), _style_dim(spec), frozenset(), (), num_classes, {}, ()
    )
    problems += _check_classes(trunk)
    plan = replace(trunk, adafm=adafm)
    labels = []
    for index, (label, site) in enumerate(zip(spec.label, sites, strict=True)):
        try:
            labels.append(place_label(plan, label, site))
        except ValueError as error:
            problems.append(Problem(str(error), ("generator", "label", index)))
    if problems:
        raise RecipeError(problems)
    return replace(plan, labels=tuple(labels))


def _classes(recipe: Recipe, problems: list[Problem]) -> tuple[str, ...]:
    try:
        classes = recipe.data.classes()
    except DataError as error:
        problems.append(Problem(str(error), ("data",)))
        return ()
    if not classes:
        problems.append(Problem("has no classes.", ("data",)))
    return classes


def _network(recipe: Recipe, name: NetworkName, num_classes: int, problems: list[Problem]) -> NetworkPlan | None:
    """The plan of one network, or None if it has problems that hide all further ones."""
    found: list[Problem] = []
    spec: NetworkSpec = getattr(recipe, name)
    shapes = _walk_shapes(recipe.resolution, name, spec, found)
    adafm = _adafm(name, spec, found)
    if not found:
        trunk = NetworkPlan(
            name, spec, spec.blocks, tuple(shapes), _style_dim(spec), frozenset(), (), num_classes, {}, ()
        )
        found += _check_classes(trunk)
    if not found:
        sites = Sites(name, tuple(trunk.blocks), trunk.shapes, _frozen_blocks(recipe, trunk))
        plan = place_features(place_labels(replace(trunk, adafm=adafm), sites, found), sites, found)
    if not found:
        plan = _resolve_parameters(recipe, plan, found)
    problems += found
    return None if found else plan


def _walk_shapes(resolution: int, name: NetworkName, spec: NetworkSpec, problems: list[Problem]) -> list[Shape]:
    """The input's shape and what each block gives; stops at the first block that can't take its input."""
    shape = Shape(spec.latent_dim, 1, 1) if isinstance(spec, GeneratorSpec) else Shape(3, resolution, resolution)
    shapes = [shape]
    for key, block in spec.blocks.items():
        path: Path = (name, "blocks", key)
        if _is_reserved(key):
            problems.append(Problem(f"'{key}' can't be the key of a block: the name is taken.", path))
        if block.needs_style and not _style_dim(spec):
            problems.append(Problem(f"a block of kind '{block.kind}' needs `generator.mapping`.", path))
        if block.starts_from_style and len(shapes) > 1:
            text = f"a block of kind '{block.kind}' starts from the style, so it must be the first."
            problems.append(Problem(text, path))
        try:
            shape = block.out_shape(shape)
        except ValueError as error:
            problems.append(Problem(f"a block of kind '{block.kind}' {error}", path))
            break
        shapes.append(shape)
    if _style_dim(spec) and not any(block.needs_style for block in spec.blocks.values()):
        problems.append(Problem("no block of the generator reads the style.", (name, "mapping")))
    return shapes


def _is_reserved(key: str) -> bool:
    """Whether a network has something else under this name: a label part, an attribute or a method (`style`, `to`)."""
    from ganforge.networks.staged import Discriminator, Generator

    is_taken = key in RESERVED_KEYS or hasattr(Generator, key) or hasattr(Discriminator, key)
    return is_taken or key.startswith("label_")


def _style_dim(spec: NetworkSpec) -> int:
    if isinstance(spec, GeneratorSpec) and spec.mapping is not None:
        return spec.mapping.style_dim(spec.latent_dim)
    return 0


def _adafm(name: NetworkName, spec: NetworkSpec, problems: list[Problem]) -> frozenset[str]:
    able = [key for key, block in spec.blocks.items() if block.adapts]
    chosen: set[str] = set()
    for index, glob in enumerate(spec.adafm):
        matches = [key for key in able if fnmatchcase(key, glob)]
        chosen.update(matches)
        if not matches:
            text = f"'{glob}' matches no block that AdaFM can adapt; these can be: {', '.join(able) or 'none'}."
            problems.append(Problem(text, (name, "adafm", index)))
    return frozenset(chosen)


def _check_classes(plan: NetworkPlan) -> list[Problem]:
    """Blocks and a mapping network with classes of their own must have enough of them."""
    return [
        Problem(f"is {count}, but the data has {plan.num_classes} classes.", (plan.name, *path))
        for path, count in plan.class_counts.items()
        if count < plan.num_classes
    ]


def _frozen_blocks(recipe: Recipe, trunk: NetworkPlan) -> frozenset[str]:
    """Blocks with parameters of their own (AdaFM and label parts don't count) that never train."""
    from ganforge.plan.build import parameter_sizes

    names = list(parameter_sizes(replace(trunk, adafm=frozenset())))
    trained: set[str] = set()
    for stage in recipe.stages:
        trains = resolve(getattr(stage, trunk.name), names)
        trained.update(name.split(".")[0] for name, is_trained in trains.items() if is_trained)
    return frozenset(name.split(".")[0] for name in names) - trained


def _resolve_parameters(recipe: Recipe, plan: NetworkPlan, problems: list[Problem]) -> NetworkPlan:
    from ganforge.plan.build import parameter_sizes, tensor_names

    sizes = parameter_sizes(plan)
    names = list(sizes)
    for index, stage in enumerate(recipe.stages):
        rules = getattr(stage, plan.name)
        for position, rule in enumerate(rules):
            if unmatched([rule.glob], names):
                text = (
                    f"freeze rule '{rule.glob}' in stage '{stage.name}' matches no parameter of the {plan.name}; "
                    f"its parameters are: {describe_names(names)}."
                )
                problems.append(Problem(text, ("stages", index, plan.name, position)))
        if not any(resolve(rules, names).values()):
            text = f"freezes the whole {plan.name}: nothing of it would train."
            problems.append(Problem(text, ("stages", index, plan.name)))
    if plan.spec.pretrained is not None:
        for index, glob in enumerate(plan.spec.pretrained.fresh):
            if unmatched([glob], names) and unmatched([glob], tensor_names(plan)):
                text = f"'{glob}' matches no parameter of the {plan.name}; its parameters are: {describe_names(names)}."
                problems.append(Problem(text, (plan.name, "pretrained", "fresh", index)))
    trains = tuple(resolve(getattr(stage, plan.name), names) for stage in recipe.stages)
    return replace(plan, sizes=sizes, trains=trains)


def _check_ends(recipe: Recipe, plans: dict[NetworkName, NetworkPlan | None], problems: list[Problem]) -> None:
    image = Shape(3, recipe.resolution, recipe.resolution)
    for name, expected, what in (("generator", image, "images of"), ("discriminator", Shape(1, 1, 1), "a logit of")):
        plan = plans[name]  # type: ignore[index]
        if plan is not None and plan.shapes[-1] != expected:
            last = list(plan.blocks)[-1]
            text = f"the {name} must end in {what} {expected}, but '{last}' gives {plan.shapes[-1]}."
            problems.append(Problem(text, (name, "blocks", last)))


def _check_sampler(recipe: Recipe, num_classes: int, problems: list[Problem]) -> None:
    if num_classes == 0:
        return
    try:
        image_probabilities(recipe.training.sampler, list(range(num_classes)), num_classes)
    except ValueError as error:
        problems.append(Problem(str(error), ("training", "sampler")))


def _check_wrong_labels(
    recipe: Recipe, discriminator: NetworkPlan | None, num_classes: int, problems: list[Problem]
) -> None:
    if not recipe.training.wrong_labels:
        return
    path: Path = ("training", "wrong_labels")
    if discriminator is not None and not discriminator.is_conditional:
        problems.append(Problem("would have no effect: the discriminator reads no label.", path))
    if num_classes == 1:
        problems.append(Problem("needs a second class, for a label to be wrong.", path))


def _check_microbatch(recipe: Recipe, problems: list[Problem]) -> None:
    training = recipe.training
    if training.microbatch is not None and training.microbatch > training.batch:
        text = f"is {training.microbatch}, but the batch has {training.batch} images."
        problems.append(Problem(text, ("training", "microbatch"), related=(("training", "batch"),)))


def _check_stage_names(recipe: Recipe, problems: list[Problem]) -> None:
    names = [stage.name for stage in recipe.stages]
    for index, name in enumerate(names):
        if name in names[:index]:
            problems.append(Problem(f"two stages are called '{name}'.", ("stages", index, "name")))


def _check_source(recipe: Recipe, problems: list[Problem]) -> None:
    wanting = [name for name in NETWORKS if getattr(recipe, name).pretrained is not None]
    if wanting and recipe.source is None:
        text = f"the {wanting[0]} is to be loaded, but the recipe names no `source`."
        problems.append(Problem(text, (wanting[0], "pretrained")))
    if recipe.source is not None and not wanting:
        text = "is never used: neither generator nor discriminator has `pretrained`."
        problems.append(Problem(text, ("source",)))


def _check_best(recipe: Recipe, problems: list[Problem]) -> None:
    """What is measured must be an evaluator's, and saved."""
    best, saved = recipe.evaluation.best, recipe.output.checkpoints_every
    if best is None:
        return
    kinds = [evaluator.kind for evaluator in recipe.evaluation.evaluators]
    if best.by not in kinds:
        known = ", ".join(dict.fromkeys(kinds)) or "none"
        text = (
            f"'{best.by}' is no evaluator of this recipe; `evaluation.evaluators` has: {known}. Take one of those, or "
            "keep no best checkpoint: `evaluation.best: null`."
        )
        problems.append(Problem(text, ("evaluation", "best", "by"), related=(("evaluation", "evaluators"),)))
    elif kinds.count(best.by) > 1:
        text = (
            f"there are {kinds.count(best.by)} evaluators '{best.by}', so that it isn't clear which decides; keep one."
        )
        problems.append(Problem(text, ("evaluation", "best", "by")))
    if best.every % saved:
        text = f"is {best.every}, but checkpoints are written every {saved} steps; make it a multiple of that."
        of_saved = ("output", "checkpoints_every")
        problems.append(Problem(text, ("evaluation", "best", "every"), related=(of_saved,)))
