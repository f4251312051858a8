"""The algebra in which a recipe is checked before a tensor exists."""

from __future__ import annotations

from typing import NamedTuple


class Shape(NamedTuple):
    """Channels, height and width of one sample; a latent vector is `Shape(Z, 1, 1)`."""

    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.channels} x {self.height} x {self.width}"

    @property
    def size(self) -> int:
        """Number of values in one sample."""
        return self.channels * self.height * self.width

    def with_channels(self, channels: int) -> Shape:
        return Shape(channels, self.height, self.width)

    def doubled(self) -> Shape:
        return Shape(self.channels, 2 * self.height, 2 * self.width)

    def halved(self) -> Shape:
        """Half the side, rounded up, as a 3x3 stride-2 pooling with padding 1 gives it."""
        return Shape(self.channels, (self.height + 1) // 2, (self.width + 1) // 2)


class ShapeError(ValueError):
    """A block can't take the shape that it is given; the message says why, in one line."""
