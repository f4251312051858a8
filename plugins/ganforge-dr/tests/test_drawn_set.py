"""The set of phantoms: proportions, patients, and the spec that draws them."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganforge.data.images import LoadContext
from ganforge.errors import DataError
from ganforge_dr import ganforge_datasets, phantom
from ganforge_dr.dataset import DiabeticRetinopathy
from ganforge_dr.drawn import draw_eyes, grade_counts


@given(st.integers(5, 3000))
def test_every_grade_has_four_percent(images: int) -> None:
    counts = grade_counts(images)
    assert sum(counts) == images and min(counts) >= ceil(0.04 * images)


def test_proportions_are_those_of_eyepacs_above_the_floor() -> None:
    assert grade_counts(1500) == [1085, 87, 208, 60, 60]


@given(st.integers(1, 4))
def test_fewer_images_than_grades_are_of_different_grades(images: int) -> None:
    assert grade_counts(images) == [1] * images + [0] * (5 - images)


@given(st.integers(1, 60), st.integers(0, 9))
def test_patients_have_two_eyes_and_every_eye_its_own_seed(images: int, seed: int) -> None:
    eyes = draw_eyes(images, seed)
    assert eyes == draw_eyes(images, seed)
    assert [sum(eye.grade == grade for eye in eyes) for grade in range(5)] == grade_counts(images)
    assert len({eye.seed for eye in eyes}) == len({eye.name for eye in eyes}) == images
    assert len({eye.patient for eye in eyes}) == (images + 1) // 2


def test_the_eyes_of_a_patient_have_similar_grades() -> None:
    grades = np.array([eye.grade for eye in draw_eyes(1500, 0)]).reshape(-1, 2)
    assert 0.7 < (grades[:, 0] == grades[:, 1]).mean() < 0.9
    assert np.corrcoef(grades.T)[0, 1] > 0.7


def test_phantoms_are_drawn_once_and_say_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = DiabeticRetinopathy(images=5, seed=1)
    images = spec.load(8, LoadContext(tmp_path))
    assert spec.is_phantom and images.card.is_phantom
    assert images.card.name == "digital fundus phantom (5 images, seed 1)"
    assert images.images.shape == (5, 3, 8, 8) and sorted(images.labels.tolist()) == [0, 1, 2, 3, 4]
    eye = draw_eyes(5, 1)[0]
    assert (images.images[0].transpose(1, 2, 0) == phantom.draw_phantom(eye.grade, 8, eye.seed)).all()

    def never(grade: int, resolution: int, seed: int) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(phantom, "draw_phantom", never)
    assert spec.load(8, LoadContext(tmp_path)).card == images.card


def test_too_small_a_resolution_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^phantoms have at least 8 pixels a side; the recipe asks for 4\.$"):
        DiabeticRetinopathy(images=1).load(4, LoadContext(tmp_path))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"labels": "x.csv"}, "`labels` would have no effect: without `root` phantoms are drawn."),
        ({"layout": "aptos"}, "`layout` would have no effect: without `root` phantoms are drawn."),
        (
            {"root": ".", "images": 3, "seed": 2},
            "`images`, `seed` would have no effect: they are for phantoms, without `root`.",
        ),
        (
            {"root": ".", "layout": "folders", "labels": "x.csv"},
            "`labels` would have no effect: with `layout: folders` the folder is the label.",
        ),
    ],
)
def test_a_field_without_effect_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        DiabeticRetinopathy.model_validate(fields)
    assert message in str(error.value)


@pytest.mark.parametrize("fields", [{}, {"images": 7}, {"root": "x", "labels": "y.csv"}])
def test_a_spec_survives_dump_and_validate(fields: dict[str, object]) -> None:
    spec = DiabeticRetinopathy.model_validate(fields)
    assert DiabeticRetinopathy.model_validate(spec.model_dump()) == spec


def test_the_plugin_registers_its_dataset() -> None:
    assert ganforge_datasets() == [DiabeticRetinopathy]
    assert len(DiabeticRetinopathy().classes()) == phantom.NUM_GRADES
