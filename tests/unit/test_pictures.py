"""Pictures of tensors: levels, and grids with the names of their rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from cases import recipe_data
from PIL import Image
from runs import LABEL
from trainings import trainer

from ganforge.pictures import from_uint8, grid, is_marked, row_names, tile, to_uint8


def test_each_level_goes_to_a_number_and_back() -> None:
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(2, 3, 16, 16)
    images = from_uint8(levels)
    assert images.dtype == torch.float32 and (images.min(), images.max()) == (-1, 1)
    assert torch.equal(images, levels.float() / 127.5 - 1)
    assert torch.equal(torch.from_numpy(to_uint8(images)), levels)


@pytest.mark.parametrize("side", [8, 16, 64, 128])
def test_a_grid_is_a_tile_with_a_name_beside_each_row(side: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 3, side, side), dtype=np.uint8)
    classes = ("0 no DR", "\u8efd\u5ea6", "severe, " * 40)
    sheet, found = tile(images, 2), grid(images, 2, classes)
    assert np.array_equal(found[:, -sheet.shape[1] :], sheet)
    margin = found[:, : -sheet.shape[1]]
    assert all((row < 250).any() for row in (margin[top : top + side] for top in range(0, len(sheet), side + 2)))
    assert (margin[:, 0] == 255).all() and (margin[:, -1] == 255).all()
    assert np.array_equal(grid(images, 2, ()), sheet)


@pytest.mark.parametrize(
    ("name", "most", "shown"),
    [
        ("4 proliferative", 1, "4 proliferative"),
        ("r\u00e9tinopathie  s\u00e9v\u00e8re", 2, "retinopathie\nsevere"),
        ("diabetic retinopathy, severe", 2, "diabetic\nretinopathy,..."),
        ("severe_nonproliferative_retinopathy", 2, "severe_nonprolif\nerative_retin..."),
        *((name, 2, "label 1") for name in ("", " ", "\u8efd\u5ea6", "3 \u2013 severe", "a\nb", "\u200b", "\u0301")),
    ],
)
def test_names_of_rows_are_short_lines_of_what_the_font_has(name: str, most: int, shown: str) -> None:
    assert row_names(("0 no DR", name), most) == ["0 no DR", shown]


def test_names_that_would_look_alike_are_numbers() -> None:
    names = ("diabetic retinopathy, mild", "e\u0301", "diabetic retinopathy, severe", "e", "none")
    assert row_names(names, 1) == ["label 0", "label 1", "label 2", "label 3", "none"]


@pytest.mark.parametrize("is_conditional", [True, False])
def test_grids_of_a_training_name_their_rows_and_say_that_they_are_of_phantoms(
    is_conditional: bool, tmp_path: Path
) -> None:
    data = recipe_data()
    if is_conditional:
        data["generator"]["label"] = [LABEL]
    training = trainer(data, tmp_path)
    training.fit()
    path = tmp_path / "samples" / "step_00000004.png"
    assert is_marked(path)
    with Image.open(path) as picture:
        assert picture.text == {  # type: ignore[attr-defined]
            "Software": "ganforge",
            "Source": "generated, not a photograph",
            "Warning": "PHANTOM: learnt from images drawn by a program; says nothing about patients",
        }
        assert (picture.width > 2 * 10 - 2) == is_conditional and picture.height == 2 * 10 - 2
