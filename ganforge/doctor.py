"""What this machine offers a training, and what stands in its way."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ganforge.cgroups import memory_headroom
from ganforge.files import nearest_existing
from ganforge.processors import usable_processors
from ganforge.registry import Components
from ganforge.versions import package_version

#: Packages that decide what a run computes.
PACKAGES = ("ganforge", "torch", "torchvision", "numpy", "pillow", "safetensors", "pydantic", "pluggy", "ruamel.yaml")
#: Free bytes below which a run or the cache is likely to stop: a few checkpoints of the largest recipe.
LITTLE_DISK = 5 * 10**9
LITTLE_MEMORY = 4 * 10**9
#: Where Linux tells how its memory is used.
MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True)
class Finding:
    """One fact about the machine."""

    what: str
    value: str
    #: What is wrong and what to do; empty where all is well.
    advice: str = ""


def examine(components: Components, cache: Path, folder: Path) -> list[Finding]:
    """All findings. folder: where runs would be written; neither it nor the cache needs to exist."""
    return [
        Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *(_package(name) for name in PACKAGES),
        *_processors(),
        _memory(),
        _disk("disk for runs", folder, "output.folder=DIR"),
        _disk("disk for the cache", cache, "GANFORGE_CACHE"),
        _shared_memory(),
        *_plugins(components),
    ]


def _package(name: str) -> Finding:
    if found := package_version(name):
        return Finding(name, found)
    return Finding(name, "not installed", f"Run: pip install {name}")


def _processors() -> Iterable[Finding]:
    import torch

    from ganforge.hardware import has_fast_bf16, suitable_threads

    cpus = usable_processors()
    yield Finding("threads", f"{suitable_threads()} on {cpus} processors")
    busy = os.getloadavg()[0]
    shared = "Other work slows a training more than its share." if busy > 0.5 * cpus else ""
    yield Finding("load", f"{busy:.1f} over the last minute", shared)
    if torch.cuda.is_available():
        yield Finding("GPU", torch.cuda.get_device_name())
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    natively = has_fast_bf16(device)
    slower = "" if natively else "`training.step: auto` will be exact, in float32."
    yield Finding(f"bfloat16 on the {device.type}", "native" if natively else "emulated", slower)


def _memory() -> Finding:
    free = _available_memory()
    if free is None:
        return Finding("memory", "unknown")
    advice = "Close something, or take a smaller training.batch." if free < LITTLE_MEMORY else ""
    return Finding("memory", f"{free / 1e9:.1f} GB free", advice)


def _available_memory() -> int | None:
    """Bytes that can be had without swapping, within the limit of a container or job; None where nothing tells them.

    What the file cache holds counts, where the system says so.
    """
    return min((size for size in (_free_memory(), memory_headroom()) if size is not None), default=None)


def _free_memory() -> int | None:
    with suppress(OSError):
        for line in MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    with suppress(ValueError):  # macOS has no such name
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _disk(what: str, folder: Path, changed_by: str) -> Finding:
    there = nearest_existing(folder)
    if not there.is_dir():
        return Finding(what, f"{there} is no folder", f"Choose another by {changed_by}.")
    if not os.access(there, os.W_OK):
        return Finding(what, f"{folder}: no permission to write", f"Choose another by {changed_by}.")
    free = shutil.disk_usage(there).free
    advice = f"Make room, or choose another by {changed_by}." if free < LITTLE_DISK else ""
    return Finding(what, f"{free / 1e9:.1f} GB free in {folder}", advice)


def _shared_memory() -> Finding:
    shared = Path("/dev/shm")  # noqa: S108 - looked at, not written to
    if not shared.is_dir():
        return Finding("shared memory", "no /dev/shm")
    free = shutil.disk_usage(shared).free
    advice = "Processes that prepare images may fail: in a container, --shm-size=1g." if free < 64 * 10**6 else ""
    return Finding("shared memory", f"{free / 1e6:.0f} MB free", advice)


def _plugins(components: Components) -> Iterable[Finding]:
    for origin in components.plugins:
        yield Finding(f"plugin {origin.plugin}", str(origin))
    for broken in components.broken:
        yield Finding(f"plugin {broken.plugin}", "broken", broken.reason)
