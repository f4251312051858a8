"""Layouts of GAN_stability's files, told by the blocks in them, and their names in ganforge's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ganforge.errors import CheckpointError
from ganforge.weights.keymap import KeyMap

T = TypeVar("T")
_BLOCK = re.compile(r"(resnet_\d+_\d+|resnet\.\d+)\.")
#: Blocks of the largest published network of this layout, that of 1024 px.
_MAX_SEQUENTIAL = 9


def _sequential() -> KeyMap:
    """Even places of the `Sequential` are blocks; odd ones change the side, and have no weights."""
    ends = [f"{layer}.{part}" for layer in ("fc", "conv_img") for part in ("weight", "bias")]
    pairs = {name: name for name in ("embedding.weight", *ends)}
    convolutions = [f"conv_{index}.{part}" for index in (0, 1) for part in ("weight", "bias")]
    for block in range(_MAX_SEQUENTIAL):
        for name in (*convolutions, "conv_s.weight"):
            pairs[f"resnet.{2 * block}.{name}"] = f"resnet_{block}_0.{name}"
    return KeyMap("gp_gan_sequential", pairs)


#: Names of generator and discriminator where the blocks stand in a `Sequential`.
SEQUENTIAL_NAMES = _sequential()


@dataclass(frozen=True)
class Layout:
    """A way to divide a GP-GAN into named blocks, the same in generator and discriminator."""

    name: str
    #: In words, for errors.
    description: str
    #: The blocks that a network has; a `Sequential` has more of them for a larger image.
    blocks: tuple[frozenset[str], ...]
    #: None where the published names are ours.
    key_map: KeyMap | None = None

    def to_ours(self, weights: Mapping[str, T]) -> dict[str, T]:
        return dict(weights) if self.key_map is None else self.key_map.to_ours(weights)


def _levels(num_levels: int, num_blocks: int) -> tuple[frozenset[str]]:
    return (frozenset(f"resnet_{level}_{i}" for level in range(num_levels) for i in range(num_blocks)),)


LAYOUTS = (
    Layout("imagenet", "resnet_0_0 to resnet_5_1, two a level", _levels(6, 2)),
    Layout("celeba", "resnet_0_0 to resnet_6_0, one a level", _levels(7, 1)),
    Layout("lsun", "resnet_0_0 to resnet_5_0, one a level", _levels(6, 1)),
    Layout(
        "sequential",
        f"resnet.0, resnet.2 and so on, up to resnet.{2 * _MAX_SEQUENTIAL - 2}",
        tuple(frozenset(f"resnet.{2 * i}" for i in range(number)) for number in range(2, _MAX_SEQUENTIAL + 1)),
        SEQUENTIAL_NAMES,
    ),
)


def recognise(names: Iterable[str], path: Path, network: str) -> Layout:
    """The layout of a network with parameters of these names. Raises CheckpointError where none is like it."""
    found = [match[1] for name in names if (match := _BLOCK.match(name))]
    for layout in LAYOUTS:
        if set(found) in layout.blocks:
            return layout
    known = "; ".join(f"{layout.description} ({layout.name})" for layout in LAYOUTS)
    raise CheckpointError(
        f"{path}: the {network} has no layout of GAN_stability. Its blocks: {_shown(found)}. Known are: {known}."
    )


def _shown(blocks: list[str]) -> str:
    distinct = list(dict.fromkeys(blocks))
    more = f", and {len(distinct) - 5} more" if len(distinct) > 5 else ""
    return (", ".join(distinct[:5]) or "none") + more
