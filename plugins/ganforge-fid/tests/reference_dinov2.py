"""DINOv2's class token from a state dict under its published names, as the paper's network is defined."""

# N images, T tokens, D width, A heads

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, gelu, interpolate, layer_norm, linear

#: Width -> blocks, heads.
SIZES = {384: (12, 6), 768: (12, 12), 1024: (24, 16)}


def published_shapes(width: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in `dinov2_vit?14_pretrain.pth`."""
    shapes: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, 1 + 37 * 37, width),
        "mask_token": (1, width),
        "patch_embed.proj.weight": (width, 3, 14, 14),
        "patch_embed.proj.bias": (width,),
    }
    layers = {"attn.qkv": (3 * width, width), "attn.proj": (width, width)}
    layers |= {"mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width)}
    for index in range(SIZES[width][0]):
        block = f"blocks.{index}"
        for norm in ("norm1", "norm2"):
            shapes |= {f"{block}.{norm}.weight": (width,), f"{block}.{norm}.bias": (width,)}
        for name, shape in layers.items():
            shapes |= {f"{block}.{name}.weight": shape, f"{block}.{name}.bias": shape[:1]}
        shapes |= {f"{block}.{scale}.gamma": (width,) for scale in ("ls1", "ls2")}
    return {**shapes, "norm.weight": (width,), "norm.bias": (width,)}


def drawn_weights(width: int) -> dict[str, Tensor]:
    """Values with which every tensor but the mask token changes the class token."""
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, shape in published_shapes(width).items():
        drawn = torch.randn(shape, generator=generator)
        fan_in = drawn[0].numel() if name.endswith("weight") and drawn.dim() > 1 else 1
        gain = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        weights[name] = gain + (0.5 if gain or fan_in == 1 else fan_in**-0.5) * drawn
    return weights


def class_token(weights: dict[str, Tensor], images: Tensor) -> Tensor:
    """(N, D) from (N, 3, 14 P, 14 P), scaled and with any P."""
    width = weights["cls_token"].shape[2]
    blocks, heads = SIZES[width]
    patches = conv2d(images, weights["patch_embed.proj.weight"], weights["patch_embed.proj.bias"], stride=14)
    side = patches.shape[2]
    places = weights["pos_embed"][0, 1:].T.reshape(1, width, 37, 37)
    # the published default: what is asked for is 0.1 of a patch more than what comes out
    places = interpolate(places, scale_factor=[(side + 0.1) / 37] * 2, mode="bicubic", align_corners=False)
    first = (weights["cls_token"][0] + weights["pos_embed"][0, :1]).expand(len(images), 1, width)
    h = torch.cat([first, (patches + places).flatten(2).transpose(1, 2)], dim=1)
    for index in range(blocks):
        w = {name.removeprefix(f"blocks.{index}."): value for name, value in weights.items()}
        h = h + w["ls1.gamma"] * _attention(w, _normalised(w, "norm1", h), heads)
        hidden = gelu(linear(_normalised(w, "norm2", h), w["mlp.fc1.weight"], w["mlp.fc1.bias"]))
        h = h + w["ls2.gamma"] * linear(hidden, w["mlp.fc2.weight"], w["mlp.fc2.bias"])
    return _normalised(weights, "norm", h)[:, 0]


def _normalised(weights: dict[str, Tensor], name: str, h: Tensor) -> Tensor:
    return layer_norm(h, h.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], eps=1e-6)


def _attention(w: dict[str, Tensor], h: Tensor, heads: int) -> Tensor:
    n, t, d = h.shape
    together = linear(h, w["attn.qkv.weight"], w["attn.qkv.bias"])
    query, key, value = (part.reshape(n, t, heads, d // heads).transpose(1, 2) for part in together.split(d, dim=2))
    weight = (query @ key.transpose(2, 3) / (d // heads) ** 0.5).softmax(dim=3)
    return linear((weight @ value).transpose(1, 2).reshape(n, t, d), w["attn.proj.weight"], w["attn.proj.bias"])
