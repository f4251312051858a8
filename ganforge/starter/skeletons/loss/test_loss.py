from ganforge.testing import check_loss

from mylab_plugin.loss import SquaredHinge


def test_squared_hinge_is_a_loss() -> None:
    check_loss(SquaredHinge())
