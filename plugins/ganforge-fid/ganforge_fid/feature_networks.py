"""The pretrained network through which a discriminator may look at images."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ganforge.interfaces import FeatureNetworkSpec
from ganforge.literature import PROJECTED
from ganforge.shapes import Shape, ShapeError
from ganforge_fid.efficientnet import load_lite
from ganforge_fid.literature import EFFICIENT_NET

if TYPE_CHECKING:
    from torch import nn

#: Channels of the last blocks at a quarter, an eighth, a sixteenth and a thirty-second of the side.
CHANNELS = (24, 40, 112, 320)
SMALLEST = 32


class EfficientNetLite0Features(FeatureNetworkSpec):
    """ImageNet features of EfficientNet-Lite0 at four scales: 1/4, 1/8, 1/16 and 1/32 of the side.

    Sauer et al. 2021, "Projected GANs converge faster", found the small EfficientNets the best networks to look
    through. Scores on the same network's features flatter such a GAN; use another extractor beside it.
    """

    kind: Literal["efficientnet_lite0"] = "efficientnet_lite0"
    papers: ClassVar[tuple[str, ...]] = (PROJECTED, EFFICIENT_NET)
    #: Images are enlarged by this factor first, bilinearly: finer features at 2 and at 4, at about its square in time.
    enlarge: Literal[1, 2, 4] = 1

    def preflight(self) -> None:
        load_lite(0)

    def out_shapes(self, image: Shape) -> tuple[Shape, ...]:
        height, width = image.height * self.enlarge, image.width * self.enlarge
        if min(height, width) < SMALLEST:
            raise ShapeError(f"sees no less than {SMALLEST} pixels, but gets {height}x{width}; `enlarge` helps.")
        sides = [(height // stride, width // stride) for stride in (4, 8, 16, 32)]
        return tuple(Shape(channels, *each) for channels, each in zip(CHANNELS, sides, strict=True))

    def build(self) -> nn.Module:
        """Raises UsageError where the packages of the extra `offline` are missing."""
        from ganforge_fid.efficientnet_features import EfficientNetFeatures

        network, _ = load_lite(0)
        return EfficientNetFeatures(network, self.enlarge)
