"""Datasets are listed, described and loaded without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_data_modules_import_no_torch() -> None:
    root = Path(__file__).parents[3]
    modules = "specs, samplers, split, assemble, prepared, folder, labelled"
    code = f"from ganforge.data import {modules}; import sys; sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
