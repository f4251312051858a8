"""What the machine computes natively, and how it hands out memory."""

from __future__ import annotations

import ctypes

import torch

from ganforge.processors import usable_processors


def has_fast_bf16(device: torch.device) -> bool:
    """Whether convolutions in bfloat16 have instructions of their own on the device."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).major >= 8
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def set_up_process(threads: int | None = None) -> None:
    """Let this process compute as all of ganforge's do, so that a run gives the same bytes however it is continued.

    threads: of the processor; None: as many as torch has taken, within the quota of a container.
    """
    keep_freed_memory()
    torch.set_num_threads(threads or suitable_threads())


def suitable_threads() -> int:
    """How many threads compute best: OpenMP counts the processors of the host, of which a container has a share."""
    return min(torch.get_num_threads(), usable_processors())


def round_products(device: torch.device, *, allowed: bool) -> None:
    """Whether products in float32 may be computed in TF32, which an Ampere GPU does by itself in convolutions."""
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = allowed
        torch.backends.cuda.matmul.allow_tf32 = allowed


def is_out_of_memory(error: Exception) -> bool:
    """Whether fewer images at once would help: a full GPU or CPU, or a tensor with more numbers than a kernel counts.

    torch has an error of its own for the first of these alone.
    """
    kinds = torch.OutOfMemoryError | MemoryError
    return isinstance(error, kinds) or any(sign in str(error) for sign in ("DefaultCPUAllocator", "INT_MAX"))


def keep_freed_memory() -> bool:
    """Let glibc's allocator keep what is freed instead of giving it back and asking again at each step.

    For the whole process. False where there is no glibc or it refuses.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    trim_threshold, top_pad, mmap_max = -1, -2, -4
    return all([mallopt(mmap_max, 0), mallopt(trim_threshold, -1), mallopt(top_pad, 256 * 2**20)])
