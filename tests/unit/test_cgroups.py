"""Limits of containers and jobs are read as Linux writes them, in both versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganforge import cgroups

STATISTICS = "anon 1\ninactive_file 1000\ntotal_inactive_file 1500\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path / "tree")
    monkeypatch.setattr(cgroups, "OWN", tmp_path / "own")
    return tmp_path / "tree"


def write(group: Path, **limits: str) -> None:
    group.mkdir(parents=True, exist_ok=True)
    for name, text in limits.items():
        (group / name.replace("__", ".")).write_text(text)


def test_a_container_sees_its_limits_at_the_root(root: Path) -> None:
    cgroups.OWN.write_text("0::/\n")
    limits = {"memory__max": "5000\n", "memory__current": "3000\n", "memory__stat": STATISTICS}
    write(root, cpu__max="250000 100000\n", **limits)
    assert (cgroups.processor_quota(), cgroups.memory_headroom()) == (2.5, 3000)


def test_the_narrowest_group_around_a_job_counts(root: Path) -> None:
    cgroups.OWN.write_text("0::/slurm/job_7/step_0\n")
    write(root / "slurm", cpu__max="400000 100000\n")
    limits = {"memory__max": "9000\n", "memory__current": "3000\n", "memory__stat": STATISTICS}
    write(root / "slurm" / "job_7", cpu__max="100000 100000\n", **limits)
    limits |= {"memory__max": "max\n"}
    write(root / "slurm" / "job_7" / "step_0", cpu__max="max 100000\n", **limits)
    assert (cgroups.processor_quota(), cgroups.memory_headroom()) == (1.0, 7000)


def test_version_1_has_a_tree_for_each_kind(root: Path) -> None:
    cgroups.OWN.write_text("5:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/x\n0::/\n")
    write(root / "cpu", cpu__cfs_quota_us="150000\n", cpu__cfs_period_us="100000\n")
    usage = {"memory__usage_in_bytes": "5500\n", "memory__stat": STATISTICS}
    write(root / "memory", memory__limit_in_bytes="4000\n", **usage)
    assert (cgroups.processor_quota(), cgroups.memory_headroom()) == (1.5, 0)


def test_without_a_limit_there_is_none(root: Path) -> None:
    cgroups.OWN.write_text("3:cpu:/\n0::/\n")
    write(root, cpu__max="max 100000\n", memory__max="max\n", memory__current="5\n", memory__stat=STATISTICS)
    write(root / "cpu", cpu__cfs_quota_us="-1\n", cpu__cfs_period_us="100000\n")
    assert (cgroups.processor_quota(), cgroups.memory_headroom()) == (None, None)


def test_where_there_are_no_groups_there_is_no_limit(root: Path) -> None:
    assert not root.exists() and not cgroups.OWN.exists()
    assert (cgroups.processor_quota(), cgroups.memory_headroom()) == (None, None)
