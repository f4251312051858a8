from pathlib import Path

from ganforge.testing import check_evaluator

from mylab_plugin.evaluator import Colour


def test_colour_is_an_evaluator(tmp_path: Path) -> None:
    check_evaluator(Colour(), tmp_path)
