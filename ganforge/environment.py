"""What the numbers of a run depend on besides its recipe."""

from __future__ import annotations

import platform
from collections.abc import Mapping

import torch

from ganforge.errors import CheckpointError
from ganforge.files import read_json, write_json
from ganforge.listener import Listener
from ganforge.runs.rundir import RunDir
from ganforge.versions import package_version


def environment(device: torch.device, processes: int, plugins: Mapping[str, str]) -> dict[str, str | int]:
    """What the numbers of a run depend on besides its recipe.

    plugins: distribution -> version, of those that have components of the recipe.
    """
    packages = ("ganforge", "torch", "numpy", "pillow")
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "device": str(device),
        **({"gpu": torch.cuda.get_device_name(device)} if device.type == "cuda" else {}),
        "threads": torch.get_num_threads(),
        "processes": processes,
        **{name: found for name in packages if (found := package_version(name))},
        **plugins,
    }


def note_other_environment(run_dir: RunDir, found: dict[str, str | int], listener: Listener) -> None:
    """Warn where a resumed run is no longer computed as it began, and record how it is now.

    Nothing is said of what its folder doesn't tell: those of earlier versions tell less.
    """
    path = run_dir.path / "environment.json"
    before = read_json(path, CheckpointError) if path.exists() else found
    if not isinstance(before, dict):
        raise CheckpointError(f"{path} is damaged: it says nothing of the environment.")
    before = {"processes": 1, **before}  # there were no others once
    changed = [
        f"{name} {before[name]}, now {value}" for name, value in found.items() if before.get(name, value) != value
    ]
    if changed:
        listener.warning(
            f"the run began with {'; '.join(changed)}: from here on its bytes are not those of a run that was never "
            "stopped."
        )
    if found != before:
        write_json(path, found)
