"""From pixels to tensors and back."""

from __future__ import annotations

import torch

from ganforge.pictures import from_uint8, to_uint8


def test_each_level_goes_to_a_number_and_back() -> None:
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(2, 3, 16, 16)
    images = from_uint8(levels)
    assert images.dtype == torch.float32 and (images.min(), images.max()) == (-1, 1)
    assert torch.equal(images, levels.float() / 127.5 - 1)
    assert torch.equal(torch.from_numpy(to_uint8(images)), levels)
