"""The style block, and its parts: adaptive instance normalisation and noise injection."""

# N batch, W style, C channels, H W pixels

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ganforge.blocks.base import Context, ConvBlock
from ganforge.blocks.operations import leaky_relu, without_autocast
from ganforge.blocks.statistics import InstanceStatistics
from ganforge.blocks.upsampling import upsample

Upsampling = Literal["none", "nearest", "bilinear", "transposed"]


class AdaIN(nn.Module):
    """sigma(w) * (h - mean(h)) / sd(h) + mu(w), per sample and channel.

    h: (N, C, H, W), w: (N, W). At first sigma is near 1 and mu near 0. With `clip_gradient`, the gradient that h
    receives has sigma cut to [-1, 1], as in Zhao's published code; the gradient of sigma stays whole.
    Source: Huang & Belongie 2017, eq. 8; driven by a learned style as in Karras, Laine & Aila 2019, eq. 1.
    """

    def __init__(self, channels: int, style_dim: int, clip_gradient: bool) -> None:
        super().__init__()
        self.clip_gradient = clip_gradient
        self.style = nn.Linear(style_dim, 2 * channels)
        nn.init.normal_(self.style.weight, std=0.1)  # Zhao's published value
        self.reset_bias()

    def reset_bias(self) -> None:
        """sigma = 1, mu = 0 for the zero style."""
        sigma, mu = self.style.bias.data.chunk(2)
        sigma.fill_(1)
        mu.zero_()

    def forward(self, h: Tensor, style: Tensor) -> Tensor:
        sigma, mu = self.style(style)[:, :, None, None].chunk(2, dim=1)
        # statistics and sums in float32 at least: in bfloat16 they would shift whole channels
        dtype, h = h.dtype, h.to(torch.promote_types(h.dtype, torch.float32))
        variance, mean = InstanceStatistics.apply(h)
        deviation = torch.rsqrt(variance + 1e-5)
        if self.clip_gradient:
            inside = sigma.clamp(-1, 1)
            h = (h - mean) * deviation
            return (inside * h + (sigma - inside) * h.detach() + mu).to(dtype)
        # one pass over the pixels: h * scale + shift
        scale = sigma * deviation
        return torch.addcmul(mu - mean * scale, h, scale).to(dtype)


class NoiseInjection(nn.Module):
    """h + weight * noise; one learned weight per channel, the same noise for all channels.

    Source: Karras, Laine & Aila 2019, section 2; the first weights are those of Zhao's published code.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.1 * torch.randn(1, channels, 1, 1))

    def forward(self, h: Tensor, context: Context) -> Tensor:
        if context.noise is None:
            return h
        return torch.addcmul(h, self.weight, context.noise(h.shape[2], h.shape[3]).to(h.dtype))


class StyleBlock(ConvBlock):
    """Two times leaky ReLU, convolution, noise, AdaIN; the first convolution may double the side.

    (N, in_channels, H, W) -> (N, out_channels, H', W'). With a residual scale, the result is
    shortcut(h) + scale * (that), as in Zhao's head (scale 0.1, transposed convolutions); with None there is no
    shortcut, as in a style-based generator.
    Source: Zhao, Cong & Carin 2020, figure 5; Nian & Jin 2024, figure 2.
    """

    adaptable = ("conv_0", "conv_1")
    widening = ("conv_0",)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        style_dim: int,
        upsampling: Upsampling,
        residual_scale: float | None,
        noise: bool,
        clip_gradient: bool,
    ) -> None:
        super().__init__()
        self.upsampling = upsampling
        self.residual_scale = residual_scale
        transposed = upsampling == "transposed"
        self.conv_0: nn.Conv2d | nn.ConvTranspose2d
        self.conv_s: nn.Conv2d | nn.ConvTranspose2d | None = None
        if transposed:
            self.conv_0 = nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)
        else:
            self.conv_0 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv_1 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        assert self.conv_1.bias is not None
        nn.init.zeros_(self.conv_1.bias)  # as in Zhao's published code
        if residual_scale is not None and transposed:
            self.conv_s = nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=False)
        elif residual_scale is not None and in_channels != out_channels:
            self.conv_s = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.noise_0 = NoiseInjection(out_channels) if noise else None
        self.noise_1 = NoiseInjection(out_channels) if noise else None
        self.adain_0 = AdaIN(out_channels, style_dim, clip_gradient)
        self.adain_1 = AdaIN(out_channels, style_dim, clip_gradient)

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        assert context.style is not None
        if self.upsampling in ("nearest", "bilinear"):
            h = upsample(h, self.upsampling)
            # an extra map was made for the input's side
            extra = None if extra is None else upsample(extra, "nearest")
        shortcut = h
        if self.conv_s is not None:
            with without_autocast(h):  # as in `Operations.shortcut`
                shortcut = self.conv_s(h.to(self.conv_s.weight.dtype))
        h = self.convolve("conv_0", leaky_relu(h), context, extra)
        h = h if self.noise_0 is None else self.noise_0(h, context)
        h = self.convolve("conv_1", leaky_relu(self.adain_0(h, context.style)), context)
        h = h if self.noise_1 is None else self.noise_1(h, context)
        h = self.adain_1(h, context.style)
        return h if self.residual_scale is None else shortcut + self.residual_scale * h
