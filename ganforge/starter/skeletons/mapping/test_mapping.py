from ganforge.testing import check_mapping

from mylab_plugin.mapping import Shallow


def test_shallow_is_a_mapping_network() -> None:
    check_mapping(Shallow(width=5))
