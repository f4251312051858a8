"""GP-GAN checkpoints of GAN_stability as recipes name them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from ganforge.cache import cache_folder
from ganforge.errors import CheckpointError
from ganforge.files import sha256_of
from ganforge.interfaces import SourceSpec
from ganforge.weights.address import Sha256, Url, digest_in, is_url
from ganforge.weights.pretrained import PretrainedWeights, Provenance, PublishedFile, StoreContext

#: The number goes up when the same file would give other names or values.
LAYOUT = "gp_gan_1"
LICENCE = "MIT (GAN_stability); trained on ImageNet, whose terms allow research use"
CITATION = "Mescheder, Geiger & Nowozin 2018, Which training methods for GANs do actually converge?"
#: The digits in its name are all that is published of its sha256.
IMAGENET = PublishedFile(
    "https://s3.eu-central-1.amazonaws.com/avg-projects/gan_stability/models/imagenet-8c505f47.pt", "8c505f47"
)


class GPGANImageNet(SourceSpec):
    """The ImageNet GP-GAN of GAN_stability: 128 px, 1000 classes (Mescheder et al. 2018); downloaded once."""

    kind: Literal["gp_gan_imagenet"] = "gp_gan_imagenet"
    #: The published file, downloaded by hand; without it, it is fetched.
    path: Path | None = None
    url: Url = IMAGENET.url
    sha256: Sha256 = IMAGENET.sha256
    licence: str = LICENCE

    def preflight(self) -> None:
        if self.path is not None and not self.path.is_file() and self.cached(cache_folder()) is None:
            raise CheckpointError(f"there is no checkpoint {self.path}. Leave source.path out to have it fetched.")

    def published(self) -> PublishedFile:
        return PublishedFile(self.url, self.sha256)

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        # a path that is gone does no harm where the cache has what was read from it
        is_there = self.path is not None and self.path.exists()
        return _from_store(self.path if self.path and is_there else self.url, self.sha256, self.licence, context)

    def cached(self, cache: Path) -> Path | None:
        return _in_cache(self.sha256, cache)


class GPGANCheckpoint(SourceSpec):
    """A GP-GAN checkpoint as GAN_stability publishes it: one `.pt` file (Mescheder et al. 2018)."""

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
        return _in_cache(file.sha256, cache) if file is not None else None

    def preflight(self) -> None:
        if self.path is not None:
            _find_checkpoint(self.path)

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        if (file := self.published()) is not None:
            return _from_store(file.url, file.sha256, self.licence, context)
        assert self.path is not None  # the validator wants one of both
        path = _find_checkpoint(self.path)
        if self.sha256 is not None:
            from ganforge.weights.store import fetch_file

            fetch_file(path, self.sha256, context)
        return _read(path, str(path), self.licence)

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


def _from_store(place: Path | str, sha256: str, licence: str, context: StoreContext) -> PretrainedWeights:
    """Weights from the cache if they were read before, else from the file or address `place`."""
    from ganforge.weights.converted import keep_converted, read_converted
    from ganforge.weights.store import fetch_file

    kept = None
    if is_url(place) or not Path(place).exists():
        kept = read_converted(LAYOUT, sha256, context.cache)
    if kept is None:
        file = fetch_file(place, sha256, context)
        kept = read_converted(LAYOUT, sha256_of(file), context.cache)
        kept = kept or keep_converted(LAYOUT, _read(file, str(place), licence), context.cache)
    return replace(kept, provenance=replace(kept.provenance, licence=licence))


def _read(file: Path, origin: str, licence: str) -> PretrainedWeights:
    from ganforge_flowers.published import read_gp_gan

    generator, discriminator = read_gp_gan(file)
    provenance = Provenance(f"GP-GAN {file.name}", origin, sha256_of(file), licence, CITATION)
    return PretrainedWeights(generator, discriminator, provenance)


def _in_cache(sha256: str, cache: Path) -> Path | None:
    from ganforge.weights.converted import converted_folders
    from ganforge.weights.store import stored_files

    folders = converted_folders(cache, LAYOUT, sha256)
    return next(folders, None) or next((file for file, _ in stored_files(cache, sha256)), None)
