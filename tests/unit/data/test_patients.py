"""The patient of an image from its file's name."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganforge.data.patients import PatientPattern, patient_of

LETTERS = st.text("ab_-1", max_size=12)


@pytest.mark.parametrize(
    ("pattern", "stem", "patient"),
    [
        ("{patient}_*", "10_left", "10"),
        ("{patient}_*", "10_left_2", "10"),
        ("{patient}_*", "10", None),
        ("{patient}", "10_left", "10_left"),
        ("*-{patient}", "a-b-c", "b-c"),
        ("IM-{patient}-*", "IM-0115-0001", "0115"),
        ("person{patient}_*", "person7_virus_3", "7"),
        ("[0-9][0-9]{patient}", "x12abc", None),
        ("??{patient}", "x1abc", "abc"),
        ("{patient}_*", "_left", None),
        ("{patient}.*", "10.left", "10"),
    ],
)
def test_a_pattern_finds_the_first_and_shortest_text_that_fits(pattern: str, stem: str, patient: str | None) -> None:
    assert PatientPattern(pattern).patient(stem) == patient


def test_of_several_patterns_the_first_that_fits_counts() -> None:
    patterns = [PatientPattern("IM-{patient}-*"), PatientPattern("{patient}_*")]
    assert patient_of("IM-7-1_x", patterns) == "7" and patient_of("9_x", patterns) == "9"
    assert patient_of("x", patterns) is None


@given(LETTERS, LETTERS.filter(bool), LETTERS)
def test_what_is_found_is_part_of_the_name_between_what_was_said(before: str, patient: str, after: str) -> None:
    found = PatientPattern(f"{before}{{patient}}{after}").patient(before + patient + after)
    assert found is not None and before + found + after == before + patient + after


@pytest.mark.parametrize("pattern", ["*" * 100 + "{patient}" + "*a" * 70, "[ab]*" * 40 + "{patient}_" + "*b" * 20])
def test_no_pattern_and_no_name_take_long(pattern: str) -> None:
    started = time.monotonic()
    for _ in range(10):
        PatientPattern(pattern).patient("a" * 254 + "!")
    assert time.monotonic() - started < 10  # a regular expression of this kind would take years


@pytest.mark.parametrize("pattern", ["", "*", "{patient}{patient}", r"^(\d+)_", "{patient}" + "x" * 250])
def test_a_pattern_without_its_one_place_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"must hold \{patient\} once"):
        PatientPattern(pattern)
