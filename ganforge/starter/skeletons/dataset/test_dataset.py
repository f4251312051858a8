from pathlib import Path

from ganforge.testing import check_dataset

from mylab_plugin.dataset import Stripes


def test_stripes_is_a_dataset(tmp_path: Path) -> None:
    check_dataset(Stripes(images=6), tmp_path)
