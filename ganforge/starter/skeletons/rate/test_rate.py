from ganforge.testing import check_rate

from mylab_plugin.rate import WarmUp


def test_warm_up_is_a_rate() -> None:
    check_rate(WarmUp(rate=1e-3, over=10))


def test_the_rate_rises_and_stays() -> None:
    rate = WarmUp(rate=1.0, over=4)
    assert [rate.at(step, 10) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
