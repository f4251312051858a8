"""What the launcher gives the processes that it starts."""

from __future__ import annotations

import os

import pytest

from ganforge.processes.launch import launch


@pytest.mark.parametrize(("size", "threads"), [(1, "3"), (2, "1"), (4, "1")])
def test_processes_share_the_processors_that_a_scheduler_gave(
    monkeypatch: pytest.MonkeyPatch, size: int, threads: str
) -> None:
    monkeypatch.setattr("torch.distributed.launcher.api.elastic_launch", lambda *words: lambda *more: None)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5, 7}, raising=False)
    for name in ("OMP_NUM_THREADS", "TORCH_CPP_LOG_LEVEL"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    assert launch(["run"], size, 0, "") == 0
    assert os.environ["OMP_NUM_THREADS"] == threads
