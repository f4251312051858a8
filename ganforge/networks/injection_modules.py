"""Modules of the injections: called as `injection(h, labels)`; a fresh one changes nothing."""

# N batch, K classes, E embedding, C channels, H W pixels

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class EmbeddingChannels(nn.Module):
    """An embedding of the label, the same at each pixel: (N, E, H, W)."""

    def __init__(self, num_classes: int, dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_classes, dim)

    def forward(self, h: Tensor, labels: Tensor) -> Tensor:
        embedding: Tensor = self.embedding(labels)
        return embedding[:, :, None, None].expand(-1, -1, *h.shape[2:])


class EmbeddingMap(nn.Module):
    """A map of the label: (N, 1, H, W)."""

    def __init__(self, num_classes: int, height: int, width: int) -> None:
        super().__init__()
        self.shape = (1, height, width)
        self.embedding = nn.Embedding(num_classes, height * width)

    def forward(self, h: Tensor, labels: Tensor) -> Tensor:
        return self.embedding(labels).unflatten(1, self.shape)


class ClassOffset(nn.Module):
    """h + offset[label]: (N, C, H, W). Zero at first."""

    def __init__(self, num_classes: int, channels: int) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(num_classes, channels))

    def forward(self, h: Tensor, labels: Tensor) -> Tensor:
        return h + self.offset[labels][:, :, None, None]


class ClassAffine(nn.Module):
    """h * (1 + scale[label]) + offset[label]: (N, C, H, W). Zero at first."""

    def __init__(self, num_classes: int, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(num_classes, channels))
        self.offset = nn.Parameter(torch.zeros(num_classes, channels))

    def forward(self, h: Tensor, labels: Tensor) -> Tensor:
        return h * (1 + self.scale[labels][:, :, None, None]) + self.offset[labels][:, :, None, None]


class ClassProjection(nn.Module):
    """<vector[label], mean over pixels of lrelu(h)>: (N,). Zero at first."""

    def __init__(self, num_classes: int, channels: int) -> None:
        super().__init__()
        self.vector = nn.Parameter(torch.zeros(num_classes, channels))

    def forward(self, h: Tensor, labels: Tensor) -> Tensor:
        return (F.leaky_relu(h, 0.2).mean(dim=(2, 3)) * self.vector[labels]).sum(dim=1)
