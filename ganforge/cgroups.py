"""Limits of a container or a job on Linux, which neither the count of processors nor free memory shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

#: Groups of processes with their limits: of version 2 in one tree, of version 1 in one for each kind of limit.
ROOT = Path("/sys/fs/cgroup")
#: The groups of this process, a line for each tree: `4:memory:/job_7`, or `0::/job_7` in version 2.
OWN = Path("/proc/self/cgroup")


def processor_quota() -> float | None:
    """How many processors' time this process may use together with its group; None without a limit."""
    return min(_quotas(), default=None)


def memory_headroom() -> int | None:
    """Bytes that this process' group may still take; None without a limit. What the file cache can give back counts."""
    return min(_headrooms(), default=None)


def _quotas() -> Iterator[float]:
    for group in _groups("cpu"):
        with suppress(OSError, ValueError):  # without a limit it says max
            share, period = (group / "cpu.max").read_text(encoding="ascii").split()
            yield int(share) / int(period)
        with suppress(OSError, ValueError):  # without a limit it is -1
            if (share_us := _number(group / "cpu.cfs_quota_us")) > 0:
                yield share_us / _number(group / "cpu.cfs_period_us")


def _headrooms() -> Iterator[int]:
    for group in _groups("memory"):
        for limit, used, reclaimable in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            with suppress(OSError, ValueError, KeyError):  # without a limit it says max, or a number near 2 ** 63
                statistics = dict(map(str.split, (group / "memory.stat").read_text(encoding="ascii").splitlines()))
                taken = _number(group / used) - int(statistics[reclaimable])
                yield max(0, _number(group / limit) - taken)


def _groups(controller: str) -> Iterator[Path]:
    """The folders of this process' groups and of those around them. A container sees its own as the root."""
    with suppress(OSError, ValueError):
        for line in OWN.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers or controller in controllers.split(","):
                tree = ROOT / controller if controllers else ROOT
                own = tree / path.lstrip("/")
                yield from (own, *own.parents[: len(own.relative_to(tree).parts)])


def _number(file: Path) -> int:
    return int(file.read_text(encoding="ascii"))
