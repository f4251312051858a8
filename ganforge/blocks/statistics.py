"""Statistics of features over their pixels, and an affine that gives a frozen trunk those that it was trained on."""

# N batch, C channels, H W pixels

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganforge.blocks.base import Context


class InstanceStatistics(torch.autograd.Function):
    """Variance and mean of each channel over its pixels: (N, C, H, W) -> two of (N, C, 1, 1).

    torch.var_mean is ten times slower in `channels_last`, and its gradient comes in another memory format, which slows
    whatever adds to it.
    """

    @staticmethod
    def forward(ctx, h: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[no-untyped-def]
        mean = h.mean((2, 3), keepdim=True)
        variance = (h - mean).square_().mean((2, 3), keepdim=True)
        ctx.save_for_backward(h, mean)
        return variance, mean

    @staticmethod
    def backward(ctx, by_variance: Tensor, by_mean: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        h, mean = ctx.saved_tensors
        num_pixels = h.shape[2] * h.shape[3]
        slope = by_variance * (2 / num_pixels)
        return torch.addcmul(by_mean / num_pixels - slope * mean, h, slope)


class StatisticsAffine(nn.Module):
    """x = layer_norm(h) over (H, W) with learned elementwise scale; out = gradient_scale * x + detach(x) * w + b.

    (N, C, H, W) -> the same; w near `gain` and b near 0, one per channel. The small gradient scale keeps a large
    w from amplifying the gradient of the head below. At the published gain of 1000 and scale of 0.01 the trunk
    sees features about as large as those of the pretrained GP-GAN.
    Source: published code of Zhao, Cong & Carin 2020.
    """

    def __init__(self, channels: int, height: int, width: int, gain: float, gradient_scale: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm([height, width])
        self.gradient_scale = gradient_scale
        self.weight = nn.Parameter(gain + torch.randn(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.randn(1, channels, 1, 1))

    def forward(self, h: Tensor, context: Context) -> Tensor:
        # layer norm, but torch's own leaves `channels_last`, which slows the convolutions around it;
        # in float32 at least: the gain would amplify what bfloat16 rounds away
        h = h.to(torch.promote_types(h.dtype, torch.float32))
        variance, mean = InstanceStatistics.apply(h)
        x = (h - mean) * torch.rsqrt(variance + self.norm.eps) * self.norm.weight + self.norm.bias
        return self.gradient_scale * x + x.detach() * self.weight + self.beta
