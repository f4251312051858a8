"""Generator and discriminator as a chain of named blocks, with labels entering between them."""

# N batch, Z latent, W style, E extra channels, C channels, H W pixels

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ganforge.blocks.base import Context
from ganforge.blocks.operations import PLAIN, Operations, without_autocast
from ganforge.blocks.resample import AveragePool, Upsample
from ganforge.networks.features import PretrainedFeatures

#: Under autocast, a generator that trains computes blocks on features of a smaller side in float32: they cost little,
#: their rounding errors are carried through all that follows, and normalisation amplifies them.
SMALLEST_ROUNDED_SIDE = 16


@dataclass(frozen=True)
class PlacedInjection:
    """An injection at a site; `site` is the number of the block in front of which it acts."""

    name: str
    site: int
    target: Literal["features", "extra", "logit"]
    #: The generator's mapping network gets the extra channels as well.
    feeds_mapping: bool = False


class StagedNetwork(nn.Module):
    """Blocks in order, each under its key: parameter names are `<key>.<name within the block>`.

    Injections stand beside the blocks under their own names, all of which begin with `label_`.
    """

    def __init__(
        self,
        blocks: Mapping[str, nn.Module],
        injections: Sequence[tuple[PlacedInjection, nn.Module]] = (),
    ) -> None:
        super().__init__()
        self.keys = tuple(blocks)
        self.injections = tuple(placed for placed, _ in injections)
        for key, block in blocks.items():
            self.add_module(key, block)
        for placed, module in injections:
            self.add_module(placed.name, module)

    @property
    def is_conditional(self) -> bool:
        """As of its plan, `ganforge.plan.plan.NetworkPlan`."""
        return bool(self.injections) or any(getattr(module, "num_classes", 0) > 1 for module in self.children())

    def _features(self, site: int, h: Tensor, context: Context) -> Tensor:
        for placed in self._at(site, "features"):
            h = getattr(self, placed.name)(h, context)
        return h

    def _extra(self, site: int, h: Tensor, context: Context, *, mapping: bool = False) -> Tensor | None:
        """(N, E, H, W), or None where no label joins the input."""
        placed = [p for p in self._at(site, "extra") if p.feeds_mapping or not mapping]
        extras = [getattr(self, p.name)(h, context) for p in placed]
        if context.seen is not None and site in context.seen:
            extras.append(context.seen[site].to(h.dtype))
        return torch.cat(extras, dim=1) if extras else None

    def _logit(self, site: int, h: Tensor, context: Context) -> Tensor | None:
        """(N,), or None where nothing is added to the logit."""
        terms = [getattr(self, p.name)(h, context) for p in self._at(site, "logit")]
        return torch.stack(terms).sum(dim=0) if terms else None

    def _at(self, site: int, target: str) -> list[PlacedInjection]:
        return [p for p in self.injections if p.site == site and p.target == target]

    def _block(self, index: int, h: Tensor, context: Context, method: str = "forward") -> Tensor:
        block = getattr(self, self.keys[index])
        compute = block if method == "forward" else getattr(block, method)
        extra = self._extra(index, h, context)
        out: Tensor = compute(h, context) if extra is None else compute(h, context, extra)
        return out

    def _has_label_at(self, site: int) -> bool:
        return any(placed.site == site for placed in self.injections)


class Generator(StagedNetwork):
    """z: (N, Z), labels: (N,) -> images: (N, 3, H, W) in [-1, 1]."""

    smallest_rounded_side = SMALLEST_ROUNDED_SIDE
    #: Whether blocks may do the work of the upsampling in front of them: quicker, and the same but for rounding.
    may_absorb = True

    def __init__(
        self,
        latent_dim: int,
        blocks: Mapping[str, nn.Module],
        mapping: nn.Module | None = None,
        injections: Sequence[tuple[PlacedInjection, nn.Module]] = (),
    ) -> None:
        super().__init__(blocks, injections)
        self.latent_dim = latent_dim
        self.mapping = mapping

    def style(self, z: Tensor, labels: Tensor | None = None) -> Tensor | None:
        """w: (N, W), what the style blocks will read; None without a mapping network."""
        if self.mapping is None:
            return None
        context = Context(labels=labels)
        with without_autocast(z):
            h = self._features(0, z[:, :, None, None], context)
            site = next((p.site for p in self.injections if p.feeds_mapping), 0)
            extra = self._extra(site, h, context, mapping=True)
            by_birth = (labels,) if getattr(self.mapping, "num_classes", 0) else ()
            w: Tensor = self.mapping(h.flatten(1), None if extra is None else extra.flatten(1), *by_birth)
        return w

    def forward(self, z: Tensor, labels: Tensor | None = None, context: Context | None = None) -> Tensor:
        """Images; `context` overrides the style (for truncation or mixing) and gives the noise (None: no noise)."""
        style = context.style if context is not None and context.style is not None else self.style(z, labels)
        context = Context(style, labels, context.noise if context is not None else None)
        h = z[:, :, None, None]
        index = 0
        while index < len(self.keys):
            h = self._features(index, h, context)
            absorbs = self._absorbs(index + 1)
            index += absorbs
            with without_autocast(h) if h.shape[2] < self.smallest_rounded_side else nullcontext():
                h = self._block(index, h, context, "forward_upsampled" if absorbs else "forward")
            index += 1
        return self._features(len(self.keys), h, context)

    def _absorbs(self, index: int) -> bool:
        """Whether block `index` does the work of the nearest upsampling in front of it."""
        if not self.may_absorb or index >= len(self.keys) or self._has_label_at(index):
            return False
        upsampling, block = (getattr(self, key) for key in self.keys[index - 1 : index + 1])
        return isinstance(upsampling, Upsample) and upsampling.mode == "nearest" and hasattr(block, "forward_upsampled")


class Discriminator(StagedNetwork):
    """images: (N, 3, H, W), labels: (N,) -> logits: (N,)."""

    def __init__(
        self,
        blocks: Mapping[str, nn.Module],
        injections: Sequence[tuple[PlacedInjection, nn.Module]] = (),
        features: PretrainedFeatures | None = None,
    ) -> None:
        super().__init__(blocks, injections)
        self.features = features

    def see(self, images: Tensor) -> dict[int, Tensor]:
        """What `forward` takes as `seen`: pretrained features by site; empty where the network has none."""
        return {} if self.features is None else self.features(images)

    def forward(
        self,
        images: Tensor,
        labels: Tensor | None = None,
        ops: Operations = PLAIN,
        seen: Mapping[int, Tensor] | None = None,
    ) -> Tensor:
        """seen: pretrained features of images, which need not be these; None: those of these."""
        context = Context(labels=labels, ops=ops, seen=self.see(images) if seen is None else seen)
        h = images
        terms: list[Tensor] = []
        index = 0
        while index < len(self.keys):
            h = self._features(index, h, context)
            term = self._logit(index, h, context)
            if term is not None:
                terms.append(term)
            if self._absorbs(index):
                h = self._block(index, h, context, "forward_pooled")
                index += 1
            else:
                h = self._block(index, h, context)
            index += 1
        return torch.stack([h.flatten(), *terms]).sum(dim=0) if terms else h.flatten()

    def _absorbs(self, index: int) -> bool:
        """Whether block `index` does the work of the average pooling behind it."""
        if index + 1 >= len(self.keys) or self._has_label_at(index + 1):
            return False
        block, pooling = (getattr(self, key) for key in self.keys[index : index + 2])
        return isinstance(pooling, AveragePool) and hasattr(block, "forward_pooled")
