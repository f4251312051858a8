"""Strict loading: every tensor is loaded, fresh by permission or dropped by permission, and the report says which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from ganforge.blocks.adafm import AdaFM
from ganforge.blocks.base import ExtraInput
from ganforge.blocks.latent import ZeroLinear
from ganforge.errors import CheckpointError
from ganforge.freeze.policy import describe_names
from ganforge.recipe.models import LoadRules
from ganforge.weights.classes import FittedRows, Nearest, class_parameters, fit_classes

#: Formats that hold weights; those of 8 bits and fewer need scales, which lie elsewhere.
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@dataclass(frozen=True)
class LoadReport:
    """What became of each tensor of the network and of the source."""

    network: str
    loaded: tuple[str, ...]
    #: Loaded, with more input channels beside them: (name, number of channels added, name of their weights).
    widened: tuple[tuple[str, int, str], ...]
    fresh: tuple[str, ...]
    dropped: tuple[str, ...]
    #: What the rows of parameters with a row for each class were made of, where the source has others.
    classes: tuple[str, ...] = ()

    def summary(self) -> str:
        return (
            f"{self.network}: {len(self.loaded)} tensors loaded ({len(self.widened)} of them widened), "
            f"{len(self.fresh)} fresh, {len(self.dropped)} dropped"
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@torch.no_grad()
def load_strict(
    name: str, network: nn.Module, weights: Mapping[str, Tensor], rules: LoadRules, nearest: Nearest | None = None
) -> LoadReport:
    """Copy `weights` into `network`. Raises CheckpointError, before a tensor has changed, with all that doesn't fit.

    nearest: gives the source's class for each of ours, if the rules ask for the nearest.
    """
    targets = network.state_dict()
    is_fresh = {key: any(fnmatchcase(key, glob) for glob in rules.fresh) for key in targets}
    is_dropped = {key: any(fnmatchcase(key, glob) for glob in rules.drop) for key in weights}
    by_class = class_parameters(network)
    fitted: list[FittedRows] = []
    wanted = [key for key in targets if key in weights and not is_fresh[key] and not is_dropped[key]]
    _raise_odd(name, {key: weights[key] for key in wanted})
    if rules.classes is not None:
        chosen = [key for key in by_class if key in wanted]
        weights, fitted = fit_classes(name, chosen, targets, weights, rules.classes, nearest)
        is_fresh |= {rows.parameter: True for rows in fitted if rows.rule == "drop"}
    loaded = [key for key in targets if key in weights and not is_fresh[key] and not is_dropped[key]]
    additions = _additions(network)
    missing = [key for key in targets if key not in loaded and not is_fresh[key] and key not in additions]
    leftover = [key for key in weights if key not in loaded]
    replaced = {key for key in leftover if is_fresh.get(key, False)}
    unexpected = [key for key in leftover if key not in replaced and not is_dropped[key]]
    misfits = [
        f"{key}: the source has {tuple(weights[key].shape)}, the network {tuple(targets[key].shape)}"
        for key in loaded
        if weights[key].shape != targets[key].shape
    ]
    _raise_misfits(name, missing, unexpected, misfits, by_class)
    _raise_useless(name, rules, weights)
    bad = [key for key in loaded if not bool(torch.isfinite(weights[key].float()).all())]
    if bad:
        raise CheckpointError(f"{name}: the source holds numbers that are not finite in {', '.join(bad)}.")
    for key in loaded:
        targets[key].copy_(weights[key])
    extras = [key for key in targets if key in additions and ".extra" in key and key not in loaded]
    fresh = [key for key in targets if key not in loaded]
    widened = [(_widened_by(key), _num_added(network, key), key) for key in extras if _widened_by(key) in loaded]
    return LoadReport(
        name, tuple(loaded), tuple(widened), tuple(fresh), tuple(leftover), tuple(str(rows) for rows in fitted)
    )


def _additions(network: nn.Module) -> set[str]:
    """Names of what ganforge adds to a trunk: it starts without effect, and may always be missing from a source."""
    found = {name for name in network.state_dict() if name.startswith("label_")}
    for owner, module in network.named_modules():
        if isinstance(module, AdaFM | ExtraInput | ZeroLinear):
            found |= {f"{owner}.{name}" for name in module.state_dict()}
    return found


def _widened_by(extra: str) -> str:
    """`resnet_1_0.conv_0.weight` for `resnet_1_0.extra_0.weight`, `fc.weight` for `fc.extra.weight`."""
    return extra.replace(".extra_", ".conv_").replace(".extra.weight", ".weight")


def _num_added(network: nn.Module, extra: str) -> int:
    """Number of input channels that the weights named `extra` take."""
    owner = network.get_submodule(_widened_by(extra).rpartition(".")[0])
    return network.state_dict()[extra].shape[0 if isinstance(owner, nn.ConvTranspose2d) else 1]


def _raise_misfits(
    name: str, missing: list[str], unexpected: list[str], misfits: list[str], by_class: list[str]
) -> None:
    lines = []
    if missing:
        lines.append(
            f"{len(missing)} tensors are missing from the source: {describe_names(missing)}. "
            f"Let them keep their initial values with `{name}.pretrained.fresh`."
        )
    if unexpected:
        lines.append(
            f"{len(unexpected)} tensors of the source have no place in the network: {describe_names(unexpected)}. "
            f"Leave them out with `{name}.pretrained.drop`."
        )
    lines += [f"{line}. Change the block, or name it under `{name}.pretrained.fresh`." for line in misfits]
    if any(line.split(":")[0] in by_class for line in misfits):
        lines.append(
            f"For parameters with a row for each class, `{name}.pretrained.classes` may be mean, nearest, drop, or "
            "a list of the source's classes, one for each of ours."
        )
    if lines:
        raise CheckpointError(f"the weights don't fit the {name}:\n  " + "\n  ".join(lines))


def _raise_odd(name: str, weights: Mapping[str, Tensor]) -> None:
    odd = [key for key, value in weights.items() if value.dtype not in FLOATS or value.layout != torch.strided]
    if odd:
        raise CheckpointError(f"{name}: these are no plain floating-point tensors in the source: {', '.join(odd)}.")


def _raise_useless(name: str, rules: LoadRules, weights: Mapping[str, Tensor]) -> None:
    useless = [glob for glob in rules.drop if not any(fnmatchcase(key, glob) for key in weights)]
    if useless:
        globs = ", ".join(f"'{glob}'" for glob in useless)
        raise CheckpointError(
            f"`{name}.pretrained.drop`: {globs} {'match' if len(useless) > 1 else 'matches'} no tensor of the source; "
            f"it has: {describe_names(list(weights))}."
        )
