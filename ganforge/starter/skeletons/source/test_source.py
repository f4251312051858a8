from pathlib import Path

import torch
from ganforge.testing import check_keymap, check_source

from mylab_plugin.source import NAMES, PublishedGAN


def test_names_come_back_as_they_went() -> None:
    check_keymap(NAMES)


def test_the_file_is_a_source(tmp_path: Path) -> None:
    file = tmp_path / "gan.pt"
    torch.save({"netG": {"to_grid.w": torch.ones(4, 2), "to_grid.b": torch.zeros(4)}}, file)
    check_source(PublishedGAN(path=file), tmp_path / "cache")
