"""Modules of the injections: called as `injection(h, context)`; a fresh one changes nothing."""

# N batch, K classes, E embedding, C channels, H W pixels

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganforge.blocks.base import Context


class EmbeddingChannels(nn.Module):
    """An embedding of the label, the same at each pixel: (N, E, H, W)."""

    class_rows = ("embedding.weight",)

    def __init__(self, num_classes: int, dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_classes, dim)

    def forward(self, h: Tensor, context: Context) -> Tensor:
        embedding = context.ops.constant(self.embedding(context.labels))
        return embedding[:, :, None, None].expand(-1, -1, *h.shape[2:])


class EmbeddingMap(nn.Module):
    """A map of the label: (N, 1, H, W)."""

    class_rows = ("embedding.weight",)

    def __init__(self, num_classes: int, height: int, width: int) -> None:
        super().__init__()
        self.shape = (1, height, width)
        self.embedding = nn.Embedding(num_classes, height * width)

    def forward(self, h: Tensor, context: Context) -> Tensor:
        return context.ops.constant(self.embedding(context.labels)).unflatten(1, self.shape)


class ClassOffset(nn.Module):
    """h + offset[label]: (N, C, H, W). Zero at first."""

    class_rows = ("offset",)

    def __init__(self, num_classes: int, channels: int) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(num_classes, channels))

    def forward(self, h: Tensor, context: Context) -> Tensor:
        offset = context.ops.constant(self.offset[context.labels])
        return h + offset[:, :, None, None]


class ClassAffine(nn.Module):
    """h * (1 + scale[label]) + offset[label]: (N, C, H, W). Zero at first."""

    class_rows = ("scale", "offset")

    def __init__(self, num_classes: int, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(num_classes, channels))
        self.offset = nn.Parameter(torch.zeros(num_classes, channels))

    def forward(self, h: Tensor, context: Context) -> Tensor:
        scale = 1 + self.scale[context.labels][:, :, None, None]
        offset = context.ops.constant(self.offset[context.labels])
        return context.ops.scale(h, scale) + offset[:, :, None, None]


class ClassProjection(nn.Module):
    """<vector[label], mean over pixels of lrelu(h)>: (N,). Zero at first."""

    class_rows = ("vector",)

    def __init__(self, num_classes: int, channels: int) -> None:
        super().__init__()
        self.vector = nn.Parameter(torch.zeros(num_classes, channels))

    def forward(self, h: Tensor, context: Context) -> Tensor:
        pooled = context.ops.leaky_relu(h).mean(dim=(2, 3))
        return context.ops.scale(pooled, self.vector[context.labels]).sum(dim=1)
