"""The doctor finds what stands in a training's way, and says what to do."""

from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from ganforge import doctor
from ganforge.registry import BrokenPlugin, Components, Origin

available_memory = doctor._available_memory
Usage = namedtuple("Usage", "total used free")


def findings(tmp_path: Path, components: Components | None = None) -> dict[str, doctor.Finding]:
    found = doctor.examine(components or Components(), tmp_path / "cache", tmp_path / "not" / "there" / "runs")
    assert len({finding.what for finding in found}) == len(found)
    return {finding.what: finding for finding in found}


@pytest.fixture(autouse=True)
def well(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing is wrong."""
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(doctor, "_available_memory", lambda: 64 * 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**12, 0, 10**12))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr("ganforge.hardware.has_fast_bf16", lambda device: True)


def test_where_all_is_well_there_is_no_advice(tmp_path: Path) -> None:
    found = findings(tmp_path)
    assert [finding for finding in found.values() if finding.advice] == []
    assert found["torch"].value == version("torch")
    assert found["disk for runs"].value == f"1000.0 GB free in {tmp_path / 'not' / 'there' / 'runs'}"
    assert not (tmp_path / "not").exists()


def test_each_trouble_has_its_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (99.0, 0.0, 0.0))
    monkeypatch.setattr(doctor, "_available_memory", lambda: 10**9)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, 10**6))
    monkeypatch.setattr("ganforge.hardware.has_fast_bf16", lambda device: False)
    monkeypatch.setattr(doctor, "PACKAGES", ("torch", "no-such-package"))
    components = Components()
    components.plugins.append(Origin("good", "good-plugin", "1.0"))
    components.broken.append(BrokenPlugin("bad", "bad-plugin 2.0", "ImportError: gone"))
    advice = {what: finding.advice for what, finding in findings(tmp_path, components).items() if finding.advice}
    assert advice == {
        "no-such-package": "Run: pip install no-such-package",
        "load": "Other work slows a training more than its share.",
        "bfloat16 on the cpu": "`training.step: auto` will be exact, in float32.",
        "memory": "Close something, or take a smaller training.batch.",
        "disk for runs": "Make room, or choose another by output.folder=DIR.",
        "disk for the cache": "Make room, or choose another by GANFORGE_CACHE.",
        "shared memory": "Processes that prepare images may fail: in a container, --shm-size=1g.",
        "plugin bad": "ImportError: gone",
    }


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    finding = findings(tmp_path)["disk for the cache"]
    assert (finding.value, finding.advice) == (
        f"{tmp_path / 'cache'}: no permission to write",
        "Choose another by GANFORGE_CACHE.",
    )


def test_the_verb_prints_a_table_or_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from ganforge.cli.main import app

    call: Callable[..., str] = lambda *words: CliRunner().invoke(app, ["doctor", *words]).stdout  # noqa: E731
    assert call().splitlines()[-1] == "nothing stands in the way"
    rows = json.loads(call("--json"))
    assert {"what": "torch", "value": version("torch"), "advice": ""} in rows
    monkeypatch.setattr(os, "getloadavg", lambda: (99.0, 0.0, 0.0))
    assert call().splitlines()[-2:] == ["to look at:", "  load: Other work slows a training more than its share."]


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert findings(tmp_path)["disk for the cache"].value == f"{tmp_path / 'cache'} is no folder"


def test_memory_is_told_in_bytes() -> None:
    assert 10**8 < available_memory() < 10**14


def test_memory_ends_at_the_limit_of_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "memory_headroom", lambda: 2 * 10**8)
    assert available_memory() == 2 * 10**8


def test_no_more_threads_than_a_container_has_time_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)))
    monkeypatch.setattr("ganforge.processors.processor_quota", lambda: 3.5)
    assert findings(tmp_path)["threads"].value == "4 on 4 processors"


def test_what_macos_lacks_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sysconf(name: str) -> int:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(doctor, "_available_memory", available_memory)
    monkeypatch.setattr(doctor, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(doctor, "memory_headroom", lambda: None)
    monkeypatch.setattr(os, "sysconf", sysconf)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    found = findings(tmp_path)
    assert (found["threads"].value, found["memory"].value) == ("1 on 4 processors", "unknown")
    assert [finding for finding in found.values() if finding.advice] == []
