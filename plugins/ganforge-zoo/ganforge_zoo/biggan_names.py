"""Checkpoints of pytorch-pretrained-biggan: their names and ours, and the values that lie in another order."""

# K classes, E embedding, C channels, T truncations

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ganforge.errors import CheckpointError
from ganforge.weights.foreign import read_torch_file, state_dict
from ganforge.weights.keymap import KeyMap
from ganforge_zoo.names import PLAIN, pairs_of, spectral_conv_pairs, spectral_linear_pairs, with_sigmas

if TYPE_CHECKING:
    from torch import Tensor

#: Side of the first grid.
SIDE = 4
_ATTENTION = {"theta": "theta", "phi": "phi", "g": "g", "o_conv": "o"}


def generator_names(num_layers: int, attention: int | None) -> KeyMap:
    """Names of a generator with so many layers (128 px: 11, 256: 13, 512: 15), of which number `attention` attends."""
    pairs = {"embeddings.weight": "mapping.weight"} | spectral_linear_pairs("generator.gen_z", "fc")
    blocks = [layer for layer in range(num_layers) if layer != attention]
    for index, layer in enumerate(blocks):
        theirs, ours = f"generator.layers.{layer}", f"block_{index}"
        for number in range(4):
            pairs |= spectral_conv_pairs(f"{theirs}.conv_{number}", ours, str(number))
            pairs |= _statistics(f"{theirs}.bn_{number}", f"{ours}.bn_{number}")
            for name in ("scale", "offset"):
                norm = f"bn_{number}.{name}"
                pairs |= spectral_linear_pairs(f"{theirs}.{norm}", f"{ours}.{norm}", bias=False)
    if attention is not None:
        theirs = f"generator.layers.{attention}"
        pairs[f"{theirs}.gamma"] = "attention.gamma"
        for name, part in _ATTENTION.items():
            pairs |= spectral_conv_pairs(f"{theirs}.snconv1x1_{name}", "attention", part, bias=False)
    pairs |= _statistics("generator.bn", "conv_img.bn") | pairs_of("generator.bn", "conv_img.bn", PLAIN)
    pairs |= spectral_conv_pairs("generator.conv_to_rgb", "conv_img", "0")
    return KeyMap(f"biggan_generator_{num_layers}", pairs)


def read_generator(path: Path) -> dict[str, Tensor]:
    """A generator under our names, its statistics still those of all truncations, (T, C). Raises CheckpointError."""
    theirs = state_dict(read_torch_file(path), path, path.name)
    _check_shapes(theirs, path)
    layers = {int(found[1]) for name in theirs if (found := re.match(r"generator\.layers\.(\d{1,4})\.", name))}
    attending = [layer for layer in layers if f"generator.layers.{layer}.gamma" in theirs]
    if not layers or len(attending) > 1:
        names = ", ".join(list(theirs)[:5])
        raise CheckpointError(f"{path} is no BigGAN of pytorch-pretrained-biggan; it has: {names}.")
    ours = generator_names(len(layers), attending[0] if attending else None).to_ours(theirs)
    return with_sigmas(_in_our_order(ours))


def _check_shapes(theirs: Mapping[str, Tensor], path: Path) -> None:
    """What the values' order depends on; strict loading checks the other shapes."""
    for name, value in theirs.items():
        shape = tuple(value.shape)
        if name.endswith((".running_means", ".running_vars")) and (len(shape) != 2 or shape[0] < 2):
            raise CheckpointError(
                f"{path}: {name} has the shape {shape}, but must be a table of at least two truncations."
            )
        if name == "embeddings.weight" and len(shape) != 2:
            raise CheckpointError(f"{path}: {name} has the shape {shape}, but must be a table with a column per class.")
        if name.startswith("generator.gen_z.") and not name.endswith("_v") and (not shape or shape[0] % SIDE**2):
            raise CheckpointError(
                f"{path}: {name} has the shape {shape}, whose rows fill no grid of {SIDE} x {SIDE} pixels."
            )


def at_truncation(weights: Mapping[str, Tensor], truncation: float) -> dict[str, Tensor]:
    """The same with the statistics of one truncation, (C,), from tables for truncations 0 to 1 in equal steps."""
    return {
        name: _row(value, truncation) if name.endswith((".running_mean", ".running_var")) else value
        for name, value in weights.items()
    }


def _statistics(theirs: str, ours: str) -> dict[str, str]:
    return {f"{theirs}.running_{name}s": f"{ours}.running_{name}" for name in ("mean", "var")}


def _in_our_order(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Embeddings by class, (K, E); rows of the first layer by channel and pixel instead of by pixel and channel."""
    found = dict(weights)
    if "mapping.weight" in weights:
        found["mapping.weight"] = weights["mapping.weight"].t().contiguous()
    for name in ("fc.weight", "fc.bias", "fc.spectral.u"):
        if name in weights:
            rows = weights[name]
            found[name] = rows.unflatten(0, (SIDE * SIDE, -1)).transpose(0, 1).reshape(rows.shape)
    return found


def _row(table: Tensor, truncation: float) -> Tensor:
    """Row of the truncation; between two rows, what lies between them."""
    position = truncation * (len(table) - 1)
    if abs(position - round(position)) < 1e-6:
        return table[round(position)].clone()
    below = math.floor(position)
    return table[below].lerp(table[below + 1], position - below)
