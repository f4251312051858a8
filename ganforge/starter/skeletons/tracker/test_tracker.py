from pathlib import Path

from ganforge.testing import check_tracker

from mylab_plugin.tracker import Table


def test_table_is_a_tracker(tmp_path: Path) -> None:
    check_tracker(Table(), tmp_path)
    assert [path.name for path in tmp_path.rglob("*.csv")] == ["metrics.csv"]
