"""The network of the FID as a module that state dicts fit."""

from __future__ import annotations

from cleanfid import inception_pytorch as blocks
from torch import nn
from torchvision.models import inception_v3


def network_of_the_fid() -> nn.Module:
    """The network of clean-fid's legacy mode with fresh weights: (N, 3, 299, 299) in [-1, 1] -> 1008 logits.

    It is torchvision's Inception v3 with other pooling in nine blocks; clean-fid's own constructor always downloads.
    """
    network: nn.Module = inception_v3(
        weights=None, num_classes=1008, aux_logits=False, transform_input=False, init_weights=False
    )
    for key, in_channels, pool_features in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
        setattr(network, f"Mixed_{key}", blocks.FIDInceptionA(in_channels, pool_features=pool_features))
    for key, channels in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        setattr(network, f"Mixed_{key}", blocks.FIDInceptionC(768, channels_7x7=channels))
    network.Mixed_7b = blocks.FIDInceptionE_1(1280)
    network.Mixed_7c = blocks.FIDInceptionE_2(2048)
    return network
