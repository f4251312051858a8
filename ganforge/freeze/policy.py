"""Freezing as data: ordered globs over parameter names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from ganforge.recipe.models import FreezeRule

if TYPE_CHECKING:
    from torch import nn


def resolve(rules: Sequence[FreezeRule], names: Iterable[str]) -> dict[str, bool]:
    """Whether each parameter trains: the last rule that matches it decides; without a match it trains."""
    trains = dict.fromkeys(names, True)
    for rule in rules:
        for name in trains:
            if fnmatchcase(name, rule.glob):
                trains[name] = not rule.is_frozen
    return trains


def set_trained(network: nn.Module, trains: Mapping[str, bool]) -> None:
    """Let those parameters get gradients that train, and forget the gradients that they have."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(trains[name])
        parameter.grad = None


def unmatched(globs: Iterable[str], names: Iterable[str]) -> list[str]:
    """The globs that match no name."""
    names = list(names)
    return [glob for glob in globs if not any(fnmatchcase(name, glob) for name in names)]


def describe_names(names: Sequence[str], limit: int = 8) -> str:
    """The first parts of parameter names, for an error: `conv_img.*, fc.*, resnet_0_0.*`."""
    prefixes = list(dict.fromkeys(name.split(".")[0] for name in names))
    more = f", and {len(prefixes) - limit} more" if len(prefixes) > limit else ""
    return ", ".join(f"{prefix}.*" for prefix in prefixes[:limit]) + more


class FreezeRow(NamedTuple):
    """One block of a network in one stage."""

    network: str
    block: str
    trained_tensors: int
    trained_parameters: int
    frozen_tensors: int
    frozen_parameters: int


def freeze_table(network: str, trains: Mapping[str, bool], sizes: Mapping[str, int]) -> list[FreezeRow]:
    """A row for each block, in the order of the parameters; AdaFM and additional inputs count with their block."""
    rows: dict[str, list[int]] = {}
    for name, is_trained in trains.items():
        counts = rows.setdefault(name.split(".")[0], [0, 0, 0, 0])
        offset = 0 if is_trained else 2
        counts[offset] += 1
        counts[offset + 1] += sizes[name]
    return [FreezeRow(network, block, *counts) for block, counts in rows.items()]
