"""A source with another number of classes: what becomes of the parameters that have a row for each class.

A module names them in `class_rows`. Everything else of the source is loaded as it is.
"""

# K classes of the network, S classes of the source, N images, H W pixels

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganforge.blocks.base import Context
from ganforge.blocks.heads import LogitHead
from ganforge.data.pixels import Pixels
from ganforge.errors import CheckpointError
from ganforge.networks.staged import Discriminator
from ganforge.pictures import from_uint8
from ganforge.recipe.models import ClassRule

#: Images of a class that are judged in order to find the source's class that is nearest to it.
MAX_JUDGED = 128
BATCH = 32


@dataclass(frozen=True)
class FittedRows:
    """What one parameter's rows were made of."""

    parameter: str
    #: Classes of the source.
    num_source: int
    #: The class of the source that each row comes from; None: the mean of them all, or fresh.
    rows: tuple[int, ...] | None
    rule: str

    def __str__(self) -> str:
        made = {"mean": "each the mean of all", "drop": "fresh"}.get(self.rule)
        return f"{self.parameter}: {self.num_source} classes in the source; " + (
            made or f"{'nearest' if self.rule == 'nearest' else 'chosen'}: {', '.join(map(str, self.rows or ()))}"
        )


#: Number of our classes -> the nearest of the source's for each.
Nearest = Callable[[int], Sequence[int]]


@torch.no_grad()
def fit_classes(
    name: str,
    parameters: Sequence[str],
    targets: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
    rule: ClassRule,
    nearest: Nearest | None,
) -> tuple[dict[str, Tensor], list[FittedRows]]:
    """The source's weights with the network's number of classes, and what was done to get it.

    parameters: those with a row for each class that are to be loaded. With the rule `drop` the weights stay as they
    are, and the caller leaves the parameters that are named in what was done. Numbers of classes apply also where the
    source has as many; the other rules leave such parameters alone.
    Raises CheckpointError for classes that the source lacks, and where the rule has nothing to be applied to.
    """
    if not parameters:
        raise CheckpointError(
            f"`{name}.pretrained.classes` applies to nothing: no parameter with a row for each class is loaded into "
            f"the {name}. Remove it."
        )
    fitted, found = dict(weights), []
    for key in parameters:
        theirs, num_classes = weights[key], len(targets[key])
        if not theirs.dim() or theirs.shape[1:] != targets[key].shape[1:]:
            continue  # a misfit that rows can't mend
        if isinstance(rule, str) and len(theirs) == num_classes:
            continue
        rows: tuple[int, ...] | None = None
        if rule == "mean":
            fitted[key] = theirs.mean(dim=0, keepdim=True).expand(num_classes, *theirs.shape[1:])
        elif rule != "drop":
            assert nearest is not None or not isinstance(rule, str)
            rows = tuple(nearest(num_classes) if nearest is not None and isinstance(rule, str) else map(int, rule))
            _expect_rows(name, key, rows, num_classes, len(theirs))
            fitted[key] = theirs[list(rows)]
        found.append(FittedRows(key, len(theirs), rows, rule if isinstance(rule, str) else "chosen"))
    return fitted, found


def class_parameters(network: nn.Module) -> list[str]:
    """Names of the parameters with a row for each class."""
    return [
        f"{owner}.{name}" for owner, module in network.named_modules() for name in getattr(module, "class_rows", ())
    ]


@torch.no_grad()
def nearest_classes(
    discriminator: Discriminator,
    weights: Mapping[str, Tensor],
    images: Pixels,
    labels: NDArray[np.int64],
    num_classes: int,
) -> tuple[int, ...]:
    """For each class, the source's class of which its discriminator finds the class's images to be most real.

    images: (N, 3, H, W); labels: (N,). `discriminator` must hold the source's weights, apart from the rows of
    classes, which come from `weights`. All images count for the only class, and for a class without any.
    Raises CheckpointError where the source's discriminator has no logits by class.
    """
    network = copy.deepcopy(discriminator).eval()
    heads = [(key, module) for key, module in network.named_modules() if isinstance(module, LogitHead)]
    if len(heads) != 1 or not _has_logits(*heads[0], weights):
        raise CheckpointError(
            "`pretrained.classes: nearest` needs a discriminator of the source with a logit for each of its classes. "
            "Choose `mean`, or name the source's classes: `pretrained.classes: [0, 1]`."
        )
    key, head = heads[0]
    head.weight = nn.Parameter(weights[f"{key}.weight"].float())
    head.bias = nn.Parameter(weights[f"{key}.bias"].float())
    head.out_features = len(head.weight)
    judged: list[Tensor] = []
    head.register_forward_pre_hook(lambda module, inputs: judged.append(module.logits(inputs[0], Context())))
    found = []
    for label in range(num_classes):
        of_class = np.flatnonzero(labels == label) if num_classes > 1 else np.arange(0)
        chosen = (of_class if len(of_class) else np.arange(len(labels)))[:MAX_JUDGED]
        judged.clear()
        for start in range(0, len(chosen), BATCH):
            x = from_uint8(torch.from_numpy(images[chosen[start : start + BATCH]]))
            network(x, torch.zeros(len(x), dtype=torch.int64))
        found.append(int(torch.cat(judged).mean(dim=0).argmax()))
    return tuple(found)


def _has_logits(key: str, head: LogitHead, weights: Mapping[str, Tensor]) -> bool:
    """Whether the source has weights and a bias for several logits, of which the head's input is one argument."""
    weight, bias = weights.get(f"{key}.weight"), weights.get(f"{key}.bias")
    if weight is None or bias is None or weight.dim() != 2 or len(weight) < 2:
        return False
    return weight.shape[1] == head.in_features and bias.shape == weight.shape[:1]


def _expect_rows(name: str, key: str, rows: Sequence[int], num_classes: int, num_source: int) -> None:
    if len(rows) != num_classes:
        raise CheckpointError(
            f"`{name}.pretrained.classes` names {len(rows)} classes of the source, but {key} has {num_classes} rows: "
            "name one for each."
        )
    unknown = [str(row) for row in rows if row >= num_source]
    if unknown:
        raise CheckpointError(
            f"`{name}.pretrained.classes`: the source has {num_source} classes, 0 to {num_source - 1}; "
            f"it lacks {', '.join(unknown)}."
        )
