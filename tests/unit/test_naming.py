"""Names for what a recipe lists by kind."""

from __future__ import annotations

import pytest

from ganforge.interfaces import Component
from ganforge.naming import by_name


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        ([], []),
        (["ada", "flip"], ["ada", "flip"]),
        (["ada", "flip", "ada", "ada"], ["ada", "flip", "ada_1", "ada_2"]),
        (["a_1", "a", "a"], ["a_1", "a", "a_2"]),
    ],
)
def test_names_are_kinds_with_a_number_from_the_second_on(kinds: list[str], names: list[str]) -> None:
    specs = [Component(kind=kind) for kind in kinds]
    assert list(by_name(specs).items()) == list(zip(names, specs, strict=True))
