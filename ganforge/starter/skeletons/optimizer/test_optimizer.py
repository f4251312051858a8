from ganforge.testing import check_optimizer

from mylab_plugin.optimizer import RMSProp


def test_rmsprop_is_an_optimizer() -> None:
    check_optimizer(RMSProp())
