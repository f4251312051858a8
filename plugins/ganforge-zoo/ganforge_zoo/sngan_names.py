"""Checkpoints of torch-mimicry: their names, and ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ganforge.errors import CheckpointError
from ganforge.weights.foreign import read_torch_file, state_dict
from ganforge.weights.keymap import KeyMap
from ganforge_zoo.names import PLAIN, pairs_of, spectral_conv_pairs, spectral_linear_pairs, with_sigmas

if TYPE_CHECKING:
    from torch import Tensor

STATISTICS = ("running_mean", "running_var")
_CONVOLUTIONS = {"c1": "0", "c2": "1", "c_sc": "s"}


def generator_names(num_blocks: int, *, conditional: bool) -> KeyMap:
    """Names of a generator: l1, block2, ..., b and c with the next number (32 and 48 px: 3 blocks, 64: 4, 128: 5)."""
    pairs = pairs_of("l1", "fc")
    for index in range(num_blocks):
        theirs, ours = f"block{index + 2}", f"block_{index}"
        for name, number in _CONVOLUTIONS.items():
            pairs |= pairs_of(f"{theirs}.{name}", f"{ours}.conv_{number}")
        for name, norm in (("b1", "bn_0"), ("b2", "bn_1")):
            if conditional:
                pairs |= pairs_of(f"{theirs}.{name}.bn", f"{ours}.{norm}", STATISTICS)
                pairs |= pairs_of(f"{theirs}.{name}.embed", f"{ours}.{norm}.embedding", ("weight",))
            else:
                pairs |= pairs_of(f"{theirs}.{name}", f"{ours}.{norm}", (*PLAIN, *STATISTICS))
    last = num_blocks + 2
    pairs |= pairs_of(f"b{last}", "conv_img.bn", (*PLAIN, *STATISTICS)) | pairs_of(f"c{last}", "conv_img")
    return KeyMap(f"sngan_generator_{num_blocks}{'_conditional' if conditional else ''}", pairs)


def discriminator_names(num_blocks: int, last: int, *, own_norms: bool = False) -> KeyMap:
    """Names of a discriminator: block1, ..., l with the number `last`, and l_y where it is conditional.

    own_norms: the last two have the package's own spectral norm, as in cGAN-PD at 32 px, and not torch's.
    """
    head = _own_spectral_pairs if own_norms else spectral_linear_pairs
    pairs = head(f"l{last}", "fc.linear", bias=True) | head("l_y", "fc.projection", bias=False)
    for index in range(num_blocks):
        for name, number in _CONVOLUTIONS.items():
            pairs |= spectral_conv_pairs(f"block{index + 1}.{name}", f"block_{index}", number)
    return KeyMap(f"sngan_discriminator_{num_blocks}", pairs)


def read_generator(path: Path) -> dict[str, Tensor]:
    """A generator under our names. Raises CheckpointError."""
    theirs = _read(path)
    if any(name.startswith("block1.") for name in theirs):
        raise CheckpointError(f"{path} holds a discriminator. Name it with source.discriminator=FILE.")
    conditional = any(name.endswith(".embed.weight") for name in theirs)
    return generator_names(len(_numbers(r"block(\d{1,4})\.", theirs)), conditional=conditional).to_ours(theirs)


def read_discriminator(path: Path) -> dict[str, Tensor]:
    """A discriminator under our names. Raises CheckpointError."""
    theirs = _read(path)
    if any(name.startswith("l1.") for name in theirs):
        raise CheckpointError(f"{path} holds a generator. Name it with source.path=FILE.")
    num_blocks = len(_numbers(r"block(\d{1,4})\.", theirs))
    # at 48 px the head has the number of the last block, else the next
    last = max(_numbers(r"l(\d{1,4})\.", theirs), default=num_blocks + 1)
    own_norms = any(name.endswith(".sn_u") for name in theirs)
    names = discriminator_names(num_blocks, last, own_norms=own_norms)
    return with_sigmas(_with_both_vectors(names.to_ours(theirs)))


def _own_spectral_pairs(theirs: str, ours: str, *, bias: bool) -> dict[str, str]:
    names = {"sn_u": "spectral.u", "sn_sigma": "spectral.sigma", "weight": "weight"} | (
        {"bias": "bias"} if bias else {}
    )
    return {f"{theirs}.{name}": f"{ours}.{our_name}" for name, our_name in names.items()}


def _with_both_vectors(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The package's own norms keep u alone, (1, O), and make one more iteration each time that they compute."""
    import torch
    from torch.nn.functional import normalize

    found = dict(weights)
    for name, u in weights.items():
        norm = name.removesuffix(".spectral.u")
        weight = weights.get(f"{norm}.weight")
        if norm == name or f"{norm}.spectral.v" in weights or weight is None:
            continue
        if weight.dim() != 2 or u.shape != (1, len(weight)):
            continue  # strict loading says what is wrong
        matrix = weight.to(torch.promote_types(weight.dtype, torch.float32))
        v = normalize(matrix.t() @ u[0].to(matrix.dtype), dim=0)
        found |= {f"{norm}.spectral.v": v, name: normalize(matrix @ v, dim=0)}
    return found


def _read(path: Path) -> dict[str, Tensor]:
    """The network in a file, which the package saves beside its optimizer, or in a bare state dict."""
    content = read_torch_file(path)
    weights = state_dict(content.get("model_state_dict", content), path, "model_state_dict")
    # counts batches; the statistics no longer change
    return {name: value for name, value in weights.items() if not name.endswith(".num_batches_tracked")}


def _numbers(pattern: str, names: Iterable[str]) -> set[int]:
    return {int(found[1]) for name in names if (found := re.match(pattern, name))}
