"""Which papers a recipe's method comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ganforge import literature
from ganforge.interfaces import Component, Spec
from ganforge.recipe.models import Recipe

#: What is used of a paper, by the name that recipes give it, and the papers.
Use = tuple[str, Sequence[str]]


def method(recipe: Recipe) -> dict[str, list[str]]:
    """Paper -> what the recipe uses of it: kinds of components, and keys; in the order of the recipe."""
    found: dict[str, dict[str, None]] = {}
    for name, of in (*_keys(recipe), *_components(recipe)):
        for paper in of:
            found.setdefault(paper, {})[name] = None
    return {paper: list(names) for paper, names in found.items()}


def _keys(recipe: Recipe) -> Iterator[Use]:
    """What is no component."""
    generator, discriminator = recipe.generator, recipe.discriminator
    if generator.pretrained is not None and any(r.is_frozen for stage in recipe.stages for r in stage.generator):
        yield "frozen layers of a pretrained generator", (literature.LIMITED_DATA,)
    if discriminator.pretrained is not None and any(
        r.is_frozen for stage in recipe.stages for r in stage.discriminator
    ):
        yield "frozen layers of a pretrained discriminator", (literature.FREEZE_D,)
    if generator.adafm or discriminator.adafm:
        yield "adafm", (literature.LIMITED_DATA,)
    if discriminator.features is not None:
        yield "features", (literature.PROJECTED, literature.VISION_AIDED)
    if recipe.training.wrong_labels:
        yield "wrong_labels", (literature.GAN_CLS,)


def _components(value: object) -> Iterator[Use]:
    """Each component in a recipe, or a part of one."""
    if isinstance(value, Component):
        yield value.kind, value.papers
    if isinstance(value, Spec):
        for name in type(value).model_fields:
            yield from _components(getattr(value, name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _components(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _components(each)
