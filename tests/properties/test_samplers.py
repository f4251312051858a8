"""Samplers: how often each class comes."""

from __future__ import annotations

from collections import Counter
from math import sqrt

import pytest
from cases import PROPERTY, components
from hypothesis import given
from hypothesis import strategies as st

counts = st.lists(st.integers(1, 20), min_size=1, max_size=5)


def totals(kind: str, counts: list[int], **fields: object) -> list[float]:
    """Probability of each class under a sampler."""
    spec = components()["sampler"].get(kind)
    assert spec is not None
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    weights = spec(**fields).weights(labels, len(counts))
    found: Counter[int] = Counter()
    for label, weight in zip(labels, weights, strict=True):
        found[label] += weight
    return [found[label] for label in range(len(counts))]


@PROPERTY
@given(counts)
def test_class_totals_are_their_closed_forms(counts: list[int]) -> None:
    n, k = sum(counts), len(counts)
    assert totals("natural", counts) == pytest.approx([count / n for count in counts])
    assert totals("balanced", counts) == pytest.approx([1 / k] * k)
    roots = [sqrt(count) for count in counts]
    assert totals("square_root", counts) == pytest.approx([root / sum(roots) for root in roots])


def test_the_weights_of_the_paper_nearly_balance_the_grades() -> None:
    grades = [25_810, 2_443, 5_292, 873, 708]
    found = totals("class_weights", grades, weights=[0.1, 1, 0.5, 3, 4])
    per_class = [2_581, 2_443, 2_646, 2_619, 2_832]
    assert found == pytest.approx([count / sum(per_class) for count in per_class])
