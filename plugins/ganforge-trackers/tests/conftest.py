"""The small recipes and the stub plugin that the tests of the core have."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # on tiny tensors, threads only wait for each other
_TESTS = Path(__file__).parents[3] / "tests"
sys.path[:0] = [str(_TESTS / folder) for folder in ("support", "plugin_stub")]
