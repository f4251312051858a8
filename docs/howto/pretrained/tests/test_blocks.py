"""The blocks keep the promises of their interface, and batch norm computes with the stored statistics."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganforge.interfaces import BlockSpec
from ganforge.shapes import Shape, ShapeError
from ganforge.testing import check_block
from ganforge_dcgan.blocks import DCGANImage, DCGANProject, DCGANUp
from ganforge_dcgan.modules import StoredBatchNorm


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        (DCGANProject(channels=3), Shape(6, 1, 1)),
        (DCGANProject(channels=3, side=2), Shape(6, 1, 1)),
        (DCGANUp(channels=3), Shape(4, 6, 6)),
        (DCGANUp(channels=5), Shape(2, 1, 3)),
        (DCGANImage(), Shape(4, 6, 6)),
    ],
)
def test_blocks_conform(spec: BlockSpec, shape: Shape) -> None:
    check_block(spec, shape)


def test_only_a_latent_can_be_projected() -> None:
    with pytest.raises(ShapeError) as caught:
        DCGANProject(channels=3).out_shape(Shape(6, 2, 2))
    assert str(caught.value) == "expects a latent (Z x 1 x 1), but gets 6 x 2 x 2."


def test_batch_norm_is_torchs_in_eval_mode_and_keeps_its_statistics_in_training() -> None:
    theirs, ours = nn.BatchNorm2d(3).double(), StoredBatchNorm(3).double()
    h = torch.randn(4, 3, 5, 5, dtype=torch.float64)
    theirs(2 * h + 1)  # moves their statistics
    stored = {name: value for name, value in theirs.state_dict().items() if name != "num_batches_tracked"}
    ours.load_state_dict(stored)
    assert ours.training
    torch.testing.assert_close(ours(h), theirs.eval()(h), rtol=0, atol=1e-12)
    assert all(torch.equal(value, stored[name]) for name, value in ours.state_dict().items())
