"""First values of the parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from ganforge import literature
from ganforge.interfaces import InitialisationSpec

if TYPE_CHECKING:
    from torch import nn

    from ganforge.blocks.heads import ImageStem


class Published(InitialisationSpec):
    """What each layer's published code does: torch's default, and N(0, 0.1) in mapping network and AdaIN."""

    kind: Literal["published"] = "published"

    def apply(self, network: nn.Module) -> None:
        """Nothing: the modules were built with these values."""


class VariancePreserving(InitialisationSpec):
    """Normal with gain sqrt(2) for 3x3 convolutions and 1 for shortcuts and linear layers; zero biases.

    Decides everything where training is short: networks without it stay at blurred colours (He et al. 2015, eq. 10).
    """

    kind: Literal["variance_preserving"] = "variance_preserving"
    papers: ClassVar[tuple[str, ...]] = (literature.INITIALISATION,)

    def apply(self, network: nn.Module) -> None:
        from torch import nn

        from ganforge.blocks.heads import ImageHead, ImageStem
        from ganforge.blocks.style import AdaIN

        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | ImageStem):
                # a 1x1 convolution is a shortcut; in front of tanh, a larger gain would saturate
                is_linear = name.endswith("conv_s") or isinstance(module, ImageHead)
                gain = 1.0 if is_linear else math.sqrt(2)
                nn.init.normal_(module.weight, std=gain / math.sqrt(_fan_in(module)))
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                in_mapping = name.startswith("mapping.")
                nn.init.normal_(
                    module.weight, std=(math.sqrt(2) if in_mapping else 1.0) / math.sqrt(module.in_features)
                )
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for module in network.modules():
            if isinstance(module, AdaIN):
                module.reset_bias()


def _fan_in(conv: nn.Conv2d | nn.ConvTranspose2d | ImageStem) -> float:
    from torch import nn

    weight = conv.weight
    kernel = weight.shape[2] * weight.shape[3]
    if isinstance(conv, nn.ConvTranspose2d):
        # each output pixel sees only every stride-th tap of the kernel
        return float(weight.shape[0] * kernel) / float(conv.stride[0] * conv.stride[1])
    return float(weight.shape[1] * kernel)


INITIALISATIONS: list[type[InitialisationSpec]] = [Published, VariancePreserving]
