from ganforge.testing import check_injection

from mylab_plugin.injection import Scale


def test_scale_is_an_injection() -> None:
    check_injection(Scale())
