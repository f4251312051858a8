"""*Where* a label enters a network."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import PositiveInt

from ganforge import literature
from ganforge.errors import did_you_mean
from ganforge.interfaces import DepthSpec, Sites


class Latent(DepthSpec):
    """The latent end: a generator's input, or the features in front of a discriminator's last block."""

    kind: Literal["latent"] = "latent"

    def locate(self, sites: Sites) -> int:
        return 0 if sites.network == "generator" else len(sites.keys) - 1


class Image(DepthSpec):
    """The image end: a discriminator's input, or the features in front of a generator's last block."""

    kind: Literal["image"] = "image"

    def locate(self, sites: Sites) -> int:
        return 0 if sites.network == "discriminator" else len(sites.keys) - 1


class After(DepthSpec):
    """Right behind the block with this key."""

    kind: Literal["after"] = "after"
    block: str

    def locate(self, sites: Sites) -> int:
        if self.block not in sites.keys:
            raise ValueError(
                f"the {sites.network} has no block '{self.block}'.{did_you_mean(self.block, sites.keys)} "
                f"Its blocks: {', '.join(sites.keys)}."
            )
        return sites.keys.index(self.block) + 1


class AtResolution(DepthSpec):
    """The first place, in the order of computation, at which the features have this side."""

    kind: Literal["at_resolution"] = "at_resolution"
    pixels: PositiveInt

    def locate(self, sites: Sites) -> int:
        sides = [shape.height for shape in sites.shapes]
        if self.pixels not in sides:
            found = ", ".join(str(side) for side in dict.fromkeys(sides))
            raise ValueError(f"the {sites.network} has no features of {self.pixels} pixels; there are: {found}.")
        return sides.index(self.pixels)


class AfterFrozen(DepthSpec):
    """Right behind the last block that is frozen in every stage: nothing frozen is disturbed (Nian & Jin 2024)."""

    kind: Literal["after_frozen"] = "after_frozen"
    papers: ClassVar[tuple[str, ...]] = (literature.RETINAS,)

    def locate(self, sites: Sites) -> int:
        frozen = [index for index, key in enumerate(sites.keys) if key in sites.frozen]
        if not frozen:
            raise ValueError(
                f"no block of the {sites.network} is frozen in every stage. "
                f"Name a block instead: `{{kind: after, block: {sites.keys[0]}}}`."
            )
        return frozen[-1] + 1


DEPTHS: list[type[DepthSpec]] = [Latent, Image, After, AtResolution, AfterFrozen]
