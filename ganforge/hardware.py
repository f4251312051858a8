"""What the machine computes natively, and how it hands out memory."""

from __future__ import annotations

import ctypes

import torch


def has_fast_bf16(device: torch.device) -> bool:
    """Whether convolutions in bfloat16 have instructions of their own on the device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def keep_freed_memory() -> bool:
    """Let glibc's allocator keep what is freed instead of giving it back and asking again at each step.

    False, and nothing changed, where there is no glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    trim_threshold, top_pad, mmap_max = -1, -2, -4
    return all([mallopt(mmap_max, 0), mallopt(trim_threshold, -1), mallopt(top_pad, 256 * 2**20)])
