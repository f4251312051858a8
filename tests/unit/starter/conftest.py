"""Folders of drawn pictures of which only the headers matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from PIL import Image

Drawn = Callable[..., Path]


@pytest.fixture
def drawn(tmp_path: Path) -> Drawn:
    """`drawn({"a": 3, "b": ["x_1", "x_2"]}, size=(40, 30), mode="L")`: a folder of PNG pictures, and the folder."""

    def draw(
        classes: Mapping[str, int | Sequence[str]],
        size: tuple[int, int] = (100, 80),
        mode: str = "RGB",
        root: Path = tmp_path / "pictures",
    ) -> Path:
        for name, stems in classes.items():
            folder = root / name
            folder.mkdir(parents=True, exist_ok=True)
            for stem in [f"im{number:03d}" for number in range(stems)] if isinstance(stems, int) else stems:
                Image.new(mode, size).save(folder / f"{stem}.png")
        return root

    return draw
