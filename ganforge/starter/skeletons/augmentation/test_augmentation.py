from ganforge.testing import check_augmentation

from mylab_plugin.augmentation import Grain


def test_grain_is_an_augmentation() -> None:
    check_augmentation(Grain())
