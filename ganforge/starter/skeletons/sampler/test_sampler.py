import pytest
from ganforge.testing import check_sampler

from mylab_plugin.sampler import Power


def test_power_is_a_sampler() -> None:
    check_sampler(Power())


def test_a_power_of_0_draws_all_classes_equally_often() -> None:
    assert Power(power=0).weights([0, 1, 1], 2) == pytest.approx([0.5, 0.25, 0.25])
