import pytest
from ganforge.interfaces import Sites
from ganforge.shapes import Shape
from ganforge.testing import check_depth

from mylab_plugin.depth import Middle


def test_middle_is_a_depth() -> None:
    check_depth(Middle())


def test_a_network_of_one_block_has_no_middle() -> None:
    sites = Sites("generator", ("only",), (Shape(4, 1, 1), Shape(3, 8, 8)), frozenset())
    with pytest.raises(ValueError, match="the generator has only one block"):
        Middle().locate(sites)
