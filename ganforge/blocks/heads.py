"""The ends of the networks: to an image, from an image, to a logit."""

# N batch, C channels, H W pixels

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganforge.blocks.base import Context, ExtraInput
from ganforge.blocks.operations import leaky_relu, without_autocast


class ImageHead(nn.Conv2d):
    """tanh(conv(lrelu(h))): (N, C, H, W) -> (N, 3, H, W) in [-1, 1], in the weights' format also under autocast."""

    def __init__(self, in_channels: int, kernel: int) -> None:
        super().__init__(in_channels, 3, kernel, padding=kernel // 2)

    def forward(self, h: Tensor, context: Context) -> Tensor:  # type: ignore[override]
        with without_autocast(h):
            return torch.tanh(super().forward(leaky_relu(h.to(self.weight.dtype))))


class ImageStem(nn.Module):
    """First convolution of a discriminator: (N, C, H, W) -> (N, out_channels, H, W).

    Its weights are named as those of a plain convolution (`conv_img.weight`), hence the parameters of its own.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__()
        self.padding = kernel // 2
        conv = nn.Conv2d(in_channels, out_channels, kernel, padding=self.padding)
        self.weight, self.bias = conv.weight, conv.bias
        self.extra: ExtraInput | None = None

    def widen(self, extra_channels: int) -> None:
        self.extra = ExtraInput(self.weight, extra_channels)

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        out = context.ops.conv2d(h, self.weight, self.bias, padding=self.padding)
        if extra is None:
            return out
        assert self.extra is not None
        return out + context.ops.conv2d(extra.to(h.dtype), self.extra.weight, None, padding=self.padding)


class LogitHead(nn.Linear):
    """fc(lrelu(h)): (N, C, H, W) -> (N, 1, 1, 1).

    With more than one logit the layer has one for each class, and the logit of the sample's label comes out.
    """

    class_rows = ("weight", "bias")

    def __init__(self, in_features: int, num_logits: int) -> None:
        super().__init__(in_features, num_logits)
        self.num_classes = num_logits

    def logits(self, h: Tensor, context: Context) -> Tensor:
        """(N, C, H, W) -> (N, K), those of all classes."""
        return context.ops.linear(context.ops.leaky_relu(h).flatten(1), self.weight, self.bias)

    def forward(self, h: Tensor, context: Context) -> Tensor:  # type: ignore[override]
        logits = self.logits(h, context)
        if self.out_features > 1:
            assert context.labels is not None
            logits = logits.gather(1, context.labels[:, None])
        return logits[:, :, None, None]
