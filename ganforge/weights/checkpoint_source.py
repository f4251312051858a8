"""Base of sources that read one checkpoint; a subclass says how the file is read."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from pydantic import model_validator

from ganforge.cache import cache_folder
from ganforge.errors import CheckpointError
from ganforge.files import expect_file, is_file, is_folder, sha256_of
from ganforge.interfaces import SourceSpec
from ganforge.weights.address import Sha256, Url, digest_in
from ganforge.weights.pretrained import PretrainedWeights, Provenance, PublishedFile, StoreContext

if TYPE_CHECKING:
    from torch import Tensor


class Networks(NamedTuple):
    """What a checkpoint holds: state dicts under ganforge's names; a network that it lacks is None."""

    generator: dict[str, Tensor] | None = None
    discriminator: dict[str, Tensor] | None = None
    #: What the file turned out to be, such as `layout imagenet`; stands in the provenance.
    variant: str = ""


class CheckpointSource(SourceSpec):
    """Base of sources that read one file, which lies at `path` or is fetched from `url`.

    A file that is fetched is verified, read once, and kept in the cache as safetensors. A subclass sets `layout`,
    `title` and the default of `licence`, and has `read`.
    """

    #: Name and version of the way in which a file is read: another number where the same file gives other values.
    layout: ClassVar[str]
    #: Stands in the provenance, in front of the file's name.
    title: ClassVar[str]
    citation: ClassVar[str] = ""
    #: Of the file that is looked for where `path` is a folder.
    suffix: ClassVar[str] = ".pt"
    #: The file is known without a recipe: `url` and `sha256` have defaults, and `path` is a copy of the same file; or
    #: `file` and `digest` find it.
    is_known: ClassVar[bool] = False

    path: Path | None = None
    #: Where the file is published, instead of `path`.
    url: Url | None = None
    #: Of the file: all digits, or the first 8 or more; may be left out if its published name carries them.
    sha256: Sha256 | None = None
    licence: str

    @staticmethod
    @abstractmethod
    def read(file: Path) -> Networks:
        """The networks in the file, by its content alone: others may read what was kept. Raises CheckpointError."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if not self.is_known and (self.path is None) == (self.url is None):
            raise ValueError("give either `path`, a file, or `url` with `sha256`.")
        if self.url is not None and self.digest() is None:
            raise ValueError(
                "`url` needs `sha256`, the file's digest or its first 8 digits, to tell that it came whole."
            )
        return self

    def file(self) -> Path:
        """Where the file is if it isn't fetched. Raises CheckpointError where it is not there."""
        assert self.path is not None  # the validator wants one of both
        if not is_folder(self.path):
            return existing(self.path)
        found = sorted(self.path.glob(f"*{self.suffix}"))
        if len(found) == 1:
            return found[0]
        names = ", ".join(file.name for file in found[:5]) or "none"
        raise CheckpointError(
            f"{self.path} must hold one {self.suffix} file, but holds {len(found)} ({names}).",
            "Name it with source.path=FILE.",
        )

    def digest(self) -> str | None:
        """How the file's sha256 must begin, if that is known."""
        return self.sha256 or (digest_in(self.url) if self.url else None)

    def preflight(self) -> None:
        if self.published() is None:
            self.file()
        elif self.path is not None and not is_file(self.path) and self.cached(cache_folder()) is None:
            raise CheckpointError(f"there is no checkpoint {self.path}. Leave source.path out to have it fetched.")

    def published(self) -> PublishedFile | None:
        digest = self.digest()
        return PublishedFile(self.url, digest) if self.url is not None and digest is not None else None

    def cached(self, cache: Path) -> Path | None:
        from ganforge.weights.converted import converted_folders
        from ganforge.weights.store import stored_files

        published = self.published()
        if published is None:
            return None
        folders = converted_folders(cache, self.layout, published.sha256)
        return next(folders, None) or next((file for file, _ in stored_files(cache, published.sha256)), None)

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        from ganforge.weights.store import fetch_file

        published = self.published()
        if published is not None:
            kept = self._from_store(published, context)
            return replace(kept, provenance=replace(kept.provenance, licence=self.licence))
        file, digest = self.file(), self.digest()
        if digest is not None:
            fetch_file(file, digest, context)  # verifies
        return self._weights(file, str(file))

    def provenance(self, file: Path, origin: str, variant: str = "") -> Provenance:
        name = f"{self.title} {file.name}" + (f", {variant}" if variant else "")
        return Provenance(name, origin, sha256_of(file), self.licence, self.citation)

    def _from_store(self, published: PublishedFile, context: StoreContext) -> PretrainedWeights:
        """Weights from the cache if they were read before, else from the copy at `path` or from the address."""
        from ganforge.weights.converted import keep_converted, read_converted
        from ganforge.weights.store import fetch_file

        # a copy that is gone does no harm where the cache has what was read from it
        copy = self.path if self.path is not None and is_file(self.path) else None
        kept = read_converted(self.layout, published.sha256, context.cache) if copy is None else None
        if kept is None:
            place = copy or published.url
            file = fetch_file(place, published.sha256, context)
            kept = read_converted(self.layout, sha256_of(file), context.cache)
            kept = kept or keep_converted(self.layout, self._weights(file, str(place)), context.cache)
        return kept

    def _weights(self, file: Path, origin: str) -> PretrainedWeights:
        found = self.read(file)
        provenance = self.provenance(file, origin, found.variant)
        return PretrainedWeights(found.generator, found.discriminator, provenance)


def existing(path: Path, field: str = "source.path") -> Path:
    """The path, if a file is there. Raises CheckpointError that names the recipe's field."""
    return expect_file(path, f"there is no checkpoint {path}. Name it with {field}=FILE.", CheckpointError)
