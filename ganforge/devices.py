"""Which device to compute on, and the way there.

Importing this imports no torch, so that a command can list the devices without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganforge.errors import UsageError

if TYPE_CHECKING:
    import torch

DeviceName = Literal["auto", "cpu", "cuda"]


def find_device(name: DeviceName) -> torch.device:
    """The device of this name; auto: the GPU if there is one. Raises UsageError for a GPU that isn't there."""
    import torch

    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise UsageError("torch finds no CUDA device. Leave --device out, or say --device cpu.")
    if not has_gpu or name == "cpu":
        return torch.device("cpu")
    # where several processes train, each has its own
    return torch.device("cuda", torch.cuda.current_device())


def moved(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The tensor on the device. A GPU fetches it by itself, and neither waits for the other."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
