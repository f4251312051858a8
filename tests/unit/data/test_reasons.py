"""Reasons why files can't be used, grouped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.data.images import LoadContext
from ganforge.data.reasons import faults, ways_out
from ganforge.data.specs import ImageFolder
from ganforge.errors import DataError

DARK = (
    "has 16-bit pixels of which the largest is {}; say their range with `window`, or rescale it to 0..65535 or to 8 "
    "bits"
)


def test_files_with_the_same_fault_are_one_line_with_a_window_for_all_of_them() -> None:
    found = faults([(f"{i}.png", DARK.format(1900 + i)) for i in range(20)] + [("x.png", "is empty")])
    assert [line for fault in found for line in fault.lines()] == [
        f"20 files, such as 0.png, 1.png, 2.png: each {DARK.format('1900 to 1919')}",
        "x.png is empty",
    ]
    assert ways_out(found) == [
        "Their largest value is 1919: data.window='{center: 1024, width: 2048}' makes 0 black and 2047 white in all of "
        "them."
    ]


def test_few_files_keep_their_own_reasons_and_one_way_out() -> None:
    found = faults([(f"{i}.png", DARK.format(300 + i)) for i in range(3)])
    assert [line for fault in found for line in fault.lines()] == [f"{i}.png {DARK.format(300 + i)}" for i in range(3)]
    assert len(ways_out(found)) == 1 and "width: 512" in ways_out(found)[0]


@pytest.fixture
def dark(tmp_path: Path) -> Path:
    """Two classes of 16-bit pictures with values of 12 bits, and one of eight bits."""
    random = np.random.default_rng(0)
    for i in range(20):
        file = tmp_path / "set" / "ab"[i % 2] / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 3000 + i, (16, 16), np.uint16)).save(file)
    Image.new("L", (16, 16), 99).save(tmp_path / "set" / "a" / "99.png")
    return tmp_path / "set"


def test_a_set_is_refused_with_the_group_once_and_the_window_that_it_asks_for_mends_it(dark: Path) -> None:
    context = LoadContext(dark.parent / "cache", workers=1, is_of_recipe=True)
    with pytest.raises(DataError) as refused:
        ImageFolder(root=dark).load(16, context)
    heading, group, way_out, advice = str(refused.value).splitlines()
    assert heading == "some images can't be used (20 problems):"
    assert group.startswith(
        "  20 files, such as a/0.png, a/2.png, a/4.png: each has 16-bit pixels of which the largest"
    )
    assert "data.window='{center: 2048, width: 4096}'" in way_out
    assert advice.endswith("`bad_images={policy: quarantine, max_fraction: 0.953}` leaves them out of a run.")
    mended = ImageFolder.model_validate({"root": dark, "window": {"center": 2048, "width": 4096}})
    assert len(mended.load(16, context).images) == 21


def test_where_no_recipe_can_say_so_no_quarantine_is_advised(dark: Path) -> None:
    with pytest.raises(DataError) as refused:
        ImageFolder(root=dark).load(16, LoadContext(dark.parent / "cache", workers=1))
    assert "bad_images" not in str(refused.value)
