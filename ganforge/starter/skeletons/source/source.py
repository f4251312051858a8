"""Pretrained weights from a published file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from ganforge.weights.checkpoint_source import CheckpointSource, Networks
from ganforge.weights.keymap import KeyMap

#: The names in the file -> the parameters' names here, one to one.
NAMES = KeyMap("mylab", {"to_grid.w": "fc.weight", "to_grid.b": "fc.bias"})


class PublishedGAN(CheckpointSource):
    """A generator in a `.pt` file with a state dict under 'netG'."""

    kind: Literal["mylab_gan"] = "mylab_gan"
    licence: str = "unknown: write that of the weights here"
    #: Raise the number when `read` comes to give other names or values.
    layout: ClassVar[str] = "mylab_1"
    title: ClassVar[str] = "a published GAN"

    @staticmethod
    def read(file: Path) -> Networks:
        """The networks under the names of ganforge. A file that would need code to load is refused."""
        from ganforge.weights.foreign import read_torch_file, state_dict

        theirs = state_dict(read_torch_file(file).get("netG"), file, "netG")
        return Networks(generator=NAMES.to_ours(theirs))
