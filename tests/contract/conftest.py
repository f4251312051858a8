"""Makes the tests' own helpers and the stub plugin importable."""

import sys
from pathlib import Path

TESTS = next(folder for folder in Path(__file__).parents if folder.name == "tests")
sys.path[:0] = [str(TESTS / name) for name in ("support", "plugin_stub") if str(TESTS / name) not in sys.path]
