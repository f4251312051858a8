"""Components given on the command line: by name, or as a mapping such as `{kind: kd, extractor: {kind: inception}}`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from ganforge.errors import Problem, UsageError
from ganforge.interfaces import EvaluatorSpec
from ganforge.recipe.messages import problems_of
from ganforge.recipe.nodes import DEFAULT, Node
from ganforge.recipe.yaml import parse_whole
from ganforge.registry import Components


def is_mapping(text: str) -> bool:
    return text.lstrip().startswith("{")


def component_from(text: str, family: str, components: Components, option: str) -> Any:
    """The component of that family that `text`, a mapping in YAML, describes. Raises UsageError."""
    node = parse_whole(text.strip(), DEFAULT)
    kind = node.child("kind") if node is not None else None
    if node is None or kind is None or not isinstance(kind.value, str):
        raise UsageError(f"{option} '{text}' is no mapping with a kind, such as '{{kind: NAME, field: value}}'.")
    return _made(kind.value, node, family, components, option)


def choose_evaluators(
    wanted: Sequence[str], of_recipe: Sequence[EvaluatorSpec], components: Components
) -> list[EvaluatorSpec]:
    """One for each word (kinds, several of them joined by commas, or one mapping).

    A kind means the recipe's evaluator of that kind if there is one, else one with its defaults. Raises UsageError.
    """
    chosen: list[EvaluatorSpec] = []
    for text in wanted:
        if is_mapping(text):
            chosen.append(component_from(text, "evaluator", components, "--metrics"))
            continue
        for kind in filter(None, map(str.strip, text.split(","))):
            known = [each for each in of_recipe if each.kind == kind]
            chosen += known or [_made(kind, _of_kind(kind), "evaluator", components, "--metrics")]
    if wanted and not chosen:
        raise UsageError(f"--metrics names none. {_installed(components)}")
    return chosen


def all_evaluators(components: Components) -> list[EvaluatorSpec]:
    """Every evaluator that needs no field."""
    specs: list[EvaluatorSpec] = []
    for kind, spec, _ in components["evaluator"]:
        try:
            specs.append(spec.model_validate({"kind": kind}, context={"components": components}))
        except ValidationError:
            continue
    return specs


def _of_kind(kind: str) -> Node:
    return Node({"kind": Node(kind, DEFAULT)}, DEFAULT)


def _made(kind: str, node: Node, family: str, components: Components, option: str) -> Any:
    spec = components[family].get(kind)
    if spec is None:
        raise UsageError(components[family].explain_missing(kind))
    try:
        return spec.model_validate(node.plain(), context={"components": components})
    except ValidationError as error:
        problems: list[Problem] = problems_of(error, node, spec, components)
        raise UsageError(f"{option} {kind}: {' '.join(map(str, problems))}") from error


def _installed(components: Components) -> str:
    names: Iterable[str] = (name for name, _, _ in components["evaluator"])
    return f"Installed: {', '.join(names) or 'none'}."
