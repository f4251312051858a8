"""A GP-GAN checkpoint of one's own, or at any address, as recipes name it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from ganforge.errors import CheckpointError
from ganforge.interfaces import SourceSpec
from ganforge.weights.address import Sha256, Url, digest_in
from ganforge.weights.pretrained import PretrainedWeights, PublishedFile, StoreContext
from ganforge_flowers.gp_gan_files import from_store, in_cache, read


class GPGANCheckpoint(SourceSpec):
    """A GP-GAN checkpoint in any layout of GAN_stability, one `.pt` file (Mescheder et al. 2018)."""

    kind: Literal["gp_gan_checkpoint"] = "gp_gan_checkpoint"
    #: The file, or a folder with no other `.pt` file.
    path: Path | None = None
    #: Where it is published, instead of `path`.
    url: Url | None = None
    #: Of the file: all digits, or the first 8 or more; may be left out if its published name carries them.
    sha256: Sha256 | None = None
    licence: str = "MIT (GAN_stability); the terms of its training pictures apply"

    @model_validator(mode="after")
    def _one_place(self) -> GPGANCheckpoint:
        if (self.path is None) == (self.url is None):
            raise ValueError("give either `path`, a file, or `url` with `sha256`.")
        if self.url is not None and self._digest() is None:
            raise ValueError(
                "`url` needs `sha256`, the file's digest or its first 8 digits, to tell that it came whole."
            )
        return self

    def published(self) -> PublishedFile | None:
        digest = self._digest()
        return PublishedFile(self.url, digest) if self.url is not None and digest is not None else None

    def cached(self, cache: Path) -> Path | None:
        file = self.published()
        return in_cache(file.sha256, cache) if file is not None else None

    def preflight(self) -> None:
        if self.path is not None:
            _find_checkpoint(self.path)

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        if (file := self.published()) is not None:
            return from_store(file.url, file.sha256, self.licence, context)
        assert self.path is not None  # the validator wants one of both
        path = _find_checkpoint(self.path)
        if self.sha256 is not None:
            from ganforge.weights.store import fetch_file

            fetch_file(path, self.sha256, context)
        return read(path, str(path), self.licence)

    def _digest(self) -> str | None:
        return self.sha256 or (digest_in(self.url) if self.url else None)


def _find_checkpoint(path: Path) -> Path:
    """The file itself, or the one `.pt` file in a folder. Raises CheckpointError."""
    if path.is_dir():
        found = sorted(path.glob("*.pt"))
        if len(found) == 1:
            return found[0]
        names = ", ".join(file.name for file in found[:5]) or "none"
        raise CheckpointError(
            f"{path} must hold one .pt file, but holds {len(found)} ({names}). Name it with source.path=FILE."
        )
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}. Name it with source.path=FILE.")
    return path
