"""A way how a label enters a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ganforge.interfaces import InjectionSpec
from ganforge.shapes import Shape

if TYPE_CHECKING:
    from torch import nn


class Scale(InjectionSpec):
    """One learned factor for each class and channel."""

    kind: Literal["mylab_scale"] = "mylab_scale"
    #: The result replaces the features; see `ganforge.interfaces.InjectionSpec` for the other targets.
    target: ClassVar[Literal["features", "extra", "logit"]] = "features"

    def build(self, shape: Shape, num_classes: int) -> nn.Module:
        from mylab_plugin.injection_module import ScaleModule

        return ScaleModule(num_classes, shape.channels)
