"""What the key maps of this package share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

PLAIN = ("weight", "bias")


def pairs_of(theirs: str, ours: str, names: Iterable[str] = PLAIN) -> dict[str, str]:
    """Names that are the same on both sides, behind their prefixes."""
    return {f"{theirs}.{name}": f"{ours}.{name}" for name in names}


def spectral_pairs(theirs: str, ours: str, norm: str, *, bias: bool = True) -> dict[str, str]:
    """A layer under torch's `spectral_norm`; `norm` is our name of the vectors' owner, `block_0.spectral_1`."""
    pairs = {f"{theirs}.weight_orig": f"{ours}.weight"}
    pairs |= {f"{theirs}.weight_{vector}": f"{norm}.{vector}" for vector in ("u", "v")}
    return pairs | ({f"{theirs}.bias": f"{ours}.bias"} if bias else {})


def spectral_linear_pairs(theirs: str, ours: str, *, bias: bool = True) -> dict[str, str]:
    return spectral_pairs(theirs, ours, f"{ours}.spectral", bias=bias)


def spectral_conv_pairs(theirs: str, block: str, index: str, *, bias: bool = True) -> dict[str, str]:
    return spectral_pairs(theirs, f"{block}.conv_{index}", f"{block}.spectral_{index}", bias=bias)


def with_sigmas(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same, with the `sigma` that belongs to each pair of vectors u and v."""
    import torch

    found = dict(weights)
    for name, u in weights.items():
        owner, _, last = name.rpartition(".")
        if last != "u" or f"{owner}.v" not in weights or _normalised_by(owner) not in weights:
            continue
        weight, v = weights[_normalised_by(owner)], weights[f"{owner}.v"]
        matrix = weight.flatten(1) if weight.dim() > 2 else weight
        # strict loading says what is wrong with others
        if matrix.dim() == 2 and matrix.shape == (*u.shape, *v.shape):
            # checkpoints may mix formats; half precision is too coarse for a product of thousands of terms
            dtype = torch.promote_types(weight.dtype, torch.float32)
            found[f"{owner}.sigma"] = torch.dot(u.to(dtype), torch.mv(matrix.to(dtype), v.to(dtype)))
    return found


def _normalised_by(norm: str) -> str:
    """`block_0.conv_1.weight` for `block_0.spectral_1`, `fc.weight` for `fc.spectral`."""
    owner, _, last = norm.rpartition(".")
    return f"{owner}.weight" if last == "spectral" else f"{owner}.{last.replace('spectral_', 'conv_')}.weight"
