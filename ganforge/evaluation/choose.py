"""Components given on the command line: by name, or as a mapping such as `{kind: kd, extractor: {kind: inception}}`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from ganforge.errors import UsageError
from ganforge.interfaces import EvaluatorSpec
from ganforge.recipe.nodes import Origin
from ganforge.recipe.yaml import parse_whole
from ganforge.registry import Components


def is_mapping(text: str) -> bool:
    return text.lstrip().startswith("{")


def component_from(text: str, family: str, components: Components, option: str) -> Any:
    """The component of that family that `text`, a mapping in YAML, describes. Raises UsageError."""
    node = parse_whole(text.strip(), Origin(override=text))
    data = node.plain() if node is not None else None
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        raise UsageError(f"{option} '{text}' is no mapping with a kind, such as '{{kind: NAME, field: value}}'.")
    return _made(data, family, components, option)


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
            chosen += known or [_made({"kind": kind}, "evaluator", components, "--metrics")]
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


def _made(data: dict[str, Any], family: str, components: Components, option: str) -> Any:
    spec = components[family].get(data["kind"])
    if spec is None:
        raise UsageError(components[family].explain_missing(data["kind"]))
    try:
        return spec.model_validate(data, context={"components": components})
    except ValidationError as error:
        raise UsageError(f"{option} {data['kind']}: {_reasons(error)}") from error


def _reasons(error: ValidationError) -> str:
    def reason(item: Any) -> str:
        place = ".".join(map(str, item["loc"]))
        return f"{place}{': ' if place else ''}{item['msg'].removeprefix('Value error, ')}"

    return "; ".join(map(reason, error.errors()))


def _installed(components: Components) -> str:
    names: Iterable[str] = (name for name, _, _ in components["evaluator"])
    return f"Installed: {', '.join(names) or 'none'}."
