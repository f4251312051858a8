"""What an evaluator gave is looked over once, before anything is computed from it, written or printed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from ganforge.errors import GanforgeError, PluginError
from ganforge.evaluation.score import Score
from ganforge.interfaces import EvaluatorSpec

_NUMBERS = ("value", "spread", "floor", "floor_spread", "seed_spread", "target")
_COUNTS = ("n_real", "n_fake", "num_seeds")
_TEXTS = ("name", "spread_of", "of_class", "extractor", "resizer", "dataset", "split", "fingerprint", "meaning")
#: Fields that may be None.
_OPTIONAL = ("spread", "floor", "floor_spread", "seed_spread", "of_class", "target")


def checked(found: Any) -> list[Score]:
    """`found`, if it is a list of scores with finite numbers, text as text, and a matrix that fits its classes.

    Raises PluginError with the first thing that is wrong: files and tables could not hold it.
    """
    if not isinstance(found, list):
        raise PluginError(f"it gave {_shown(found)}, not a list of scores.")
    for score in found:
        if not isinstance(score, Score):
            raise PluginError(f"it gave a list with {_shown(score)}, which is no Score.")
        for field, value, expected in _unfit(score):
            raise PluginError(
                f"the field `{field}` of its score {_shown(score.name)} is {_shown(value)}, not {expected}."
            )
    for (name, _), count in Counter((score.name, score.of_class) for score in found).items():
        if count > 1:
            raise PluginError(f"it gave two scores with the name '{name}' and the same class.")
    return found


def preflight(evaluators: Iterable[EvaluatorSpec]) -> None:
    """Let each look for what it needs. Raises GanforgeError; PluginError, with its name, for one that is broken."""
    for evaluator in evaluators:
        try:
            evaluator.preflight()
        except (GanforgeError, KeyboardInterrupt):
            raise
        except BaseException as error:  # also what ends a program: that is not for an evaluator to do
            raise PluginError(f"evaluator '{evaluator.kind}' failed in its preflight: {described(error)}") from error


def described(error: BaseException) -> str:
    """`ValueError: no second set`; the type alone where the error says nothing."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _unfit(score: Score) -> Iterable[tuple[str, Any, str]]:
    """The fields that are not what they say, with what they should be."""
    for fields, is_fit, expected in (
        (_NUMBERS, _is_finite, "a finite Python number"),
        (_COUNTS, _is_count, "a count"),
        (_TEXTS, lambda value: isinstance(value, str), "text"),
        (("lower_is_better",), lambda value: isinstance(value, bool), "True or False"),
        (("classes", "warnings"), _is_texts, "a tuple of text"),
    ):
        for field in fields:
            value = getattr(score, field)
            if not (is_fit(value) or (value is None and field in _OPTIONAL)):
                yield field, value, expected
    if score.matrix is not None and not _fits(score.matrix, len(score.classes)):
        expected = f"{len(score.classes)} tuples of {len(score.classes)} counts, one for each of its `classes`"
        yield "matrix", score.matrix, expected


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_texts(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, str) for each in value)


def _fits(matrix: Any, size: int) -> bool:
    return (
        isinstance(matrix, tuple)
        and [isinstance(row, tuple) and len(row) == size and all(map(_is_count, row)) for row in matrix]
        == [True] * size
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
