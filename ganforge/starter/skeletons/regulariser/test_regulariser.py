from ganforge.testing import check_regulariser

from mylab_plugin.regulariser import SoftSlope


def test_soft_slope_is_a_regulariser() -> None:
    check_regulariser(SoftSlope(gamma=2.0))
