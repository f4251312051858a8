from ganforge.shapes import Shape
from ganforge.testing import check_block

from mylab_plugin.block import Gate


def test_gate_is_a_block() -> None:
    check_block(Gate(channels=3))


def test_gate_declares_its_channels() -> None:
    assert Gate(channels=8).out_shape(Shape(4, 16, 16)) == Shape(8, 16, 16)
