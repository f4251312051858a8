from ganforge.testing import check_extractor

from mylab_plugin.extractor import Histogram


def test_histogram_is_an_extractor() -> None:
    check_extractor(Histogram())
