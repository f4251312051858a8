"""The 64 px generator of the DCGAN paper in plain torch, to compare with (Radford, Metz & Chintala 2016, figure 1)."""

from __future__ import annotations

from itertools import pairwise

from torch import nn


def plain_dcgan() -> nn.Sequential:
    """(N, 100, 1, 1) -> (N, 3, 64, 64) in [-1, 1]; half as wide as the paper's, as the published checkpoint."""
    layers: list[nn.Module] = []
    for fin, fout in pairwise((100, 512, 256, 128, 64)):
        stride, padding = (2, 1) if layers else (1, 0)
        layers += [nn.ConvTranspose2d(fin, fout, 4, stride, padding, bias=False), nn.BatchNorm2d(fout), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh())
