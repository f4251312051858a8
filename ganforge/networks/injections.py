"""*How* a label enters a network, as recipes name it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ganforge import literature
from ganforge.interfaces import InjectionSpec, Width
from ganforge.shapes import Shape

if TYPE_CHECKING:
    from torch import nn

Target = Literal["features", "extra", "logit"]


class Concatenate(InjectionSpec):
    """Label embedding as additional input channels; at the latent: concatenation to z (Nian & Jin 2024)."""

    kind: Literal["concatenate"] = "concatenate"
    papers: ClassVar[tuple[str, ...]] = (literature.RETINAS,)
    #: Length of the embedding.
    dim: Width
    target: ClassVar[Target] = "extra"
    piecewise_linear: ClassVar[bool] = True

    def extra_channels(self) -> int:
        return self.dim

    def build(self, shape: Shape, num_classes: int) -> nn.Module:
        from ganforge.networks.injection_modules import EmbeddingChannels

        return EmbeddingChannels(num_classes, self.dim)


class ConcatenateMap(InjectionSpec):
    """One learned map per class, (1, H, W), as an additional input channel (Nian & Jin 2024)."""

    kind: Literal["concatenate_map"] = "concatenate_map"
    papers: ClassVar[tuple[str, ...]] = (literature.RETINAS,)
    target: ClassVar[Target] = "extra"
    piecewise_linear: ClassVar[bool] = True

    def extra_channels(self) -> int:
        return 1

    def build(self, shape: Shape, num_classes: int) -> nn.Module:
        from ganforge.networks.injection_modules import EmbeddingMap

        return EmbeddingMap(num_classes, shape.height, shape.width)


class Add(InjectionSpec):
    """One learned offset per class and channel."""

    kind: Literal["add"] = "add"
    target: ClassVar[Target] = "features"
    piecewise_linear: ClassVar[bool] = True

    def build(self, shape: Shape, num_classes: int) -> nn.Module:
        from ganforge.networks.injection_modules import ClassOffset

        return ClassOffset(num_classes, shape.channels)


class FiLM(InjectionSpec):
    """One learned scale and offset per class and channel (Perez et al. 2018)."""

    kind: Literal["film"] = "film"
    papers: ClassVar[tuple[str, ...]] = (literature.FILM,)
    target: ClassVar[Target] = "features"
    piecewise_linear: ClassVar[bool] = True

    def build(self, shape: Shape, num_classes: int) -> nn.Module:
        from ganforge.networks.injection_modules import ClassAffine

        return ClassAffine(num_classes, shape.channels)


class Projection(InjectionSpec):
    """Adds to the logit the inner product of pooled features and a class vector (Miyato & Koyama 2018)."""

    kind: Literal["projection"] = "projection"
    papers: ClassVar[tuple[str, ...]] = (literature.PROJECTION,)
    target: ClassVar[Target] = "logit"
    piecewise_linear: ClassVar[bool] = True

    def build(self, shape: Shape, num_classes: int) -> nn.Module:
        from ganforge.networks.injection_modules import ClassProjection

        return ClassProjection(num_classes, shape.channels)


INJECTIONS: list[type[InjectionSpec]] = [Concatenate, ConcatenateMap, Add, FiLM, Projection]
