from ganforge.testing import check_feature_network

from mylab_plugin.feature_network import Edges


def test_edges_is_a_feature_network() -> None:
    check_feature_network(Edges())
