"""What the page shows is what the files hold, and its check runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from torch import nn

from ganforge.shapes import Shape
from ganforge.testing import check_block
from ganforge_dcgan.blocks import DCGANUp
from ganforge_dcgan.modules import DCGANBlock

HOWTO = Path(__file__).parents[1]
PAGE = (HOWTO / "README.md").read_text()
*SHOWN, CHECK = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("code", SHOWN)
def test_code_on_the_page_is_that_of_the_files(code: str) -> None:
    assert any(code in file.read_text() for file in (HOWTO / "ganforge_dcgan").glob("*.py"))


def test_the_check_on_the_page_runs() -> None:
    assert len(SHOWN) == 5
    exec(compile(CHECK, "README.md", "exec"), {"__name__": "page"})


class WithBatchStatistics(DCGANUp):
    """As most would write it."""

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        block = DCGANBlock(shape.channels, self.channels, kernel=4, stride=2, padding=1)
        block.norm_0 = nn.BatchNorm2d(self.channels)  # type: ignore[assignment]
        return block


def test_the_kit_refuses_statistics_of_the_batch_as_the_page_says() -> None:
    with pytest.raises(AssertionError) as caught:
        check_block(WithBatchStatistics(channels=3))
    assert f"\n{caught.value}\n" in PAGE


def test_links_of_the_page_are_there() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert targets and all((HOWTO / target).exists() for target in targets)
