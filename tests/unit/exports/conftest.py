"""A finished run of phantoms, and its generator."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from cases import components
from runs import finished_run

from ganforge.listener import Listener
from ganforge.opening import open_trained
from ganforge.trained import Trained


@pytest.fixture(scope="package")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("smith_john"), description="Stripes [of] 8 px")


@pytest.fixture
def trained(run: Path) -> Trained:
    return open_trained(run, components(), torch.device("cpu"), Listener())
