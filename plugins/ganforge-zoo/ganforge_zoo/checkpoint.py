"""Where a published checkpoint lies, and how it comes into the cache; the same for all sources of this package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import model_validator

from ganforge.errors import CheckpointError
from ganforge.files import sha256_of
from ganforge.interfaces import SourceSpec
from ganforge.weights.address import Sha256, Url, digest_in
from ganforge.weights.pretrained import PretrainedWeights, Provenance, PublishedFile, StoreContext

if TYPE_CHECKING:
    from torch import Tensor

#: A file's generator under ganforge's names.
Reader = Callable[[Path], "dict[str, Tensor]"]


class CheckpointSpec(SourceSpec):
    """Base of sources that read one file, which lies at a path or is fetched from an address."""

    #: Name and version of the way in which the file is read: another number where the same file gives other values.
    layout: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]

    path: Path | None = None
    #: Where the file is published, instead of `path`.
    url: Url | None = None
    #: Of the file: all digits, or the first 8 or more; may be left out if its published name carries them.
    sha256: Sha256 | None = None
    licence: str

    @model_validator(mode="after")
    def _one_place(self) -> Self:
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
        from ganforge.weights.converted import converted_folders
        from ganforge.weights.store import stored_files

        file = self.published()
        if file is None:
            return None
        folders = converted_folders(cache, self.layout, file.sha256)
        return next(folders, None) or next((path for path, _ in stored_files(cache, file.sha256)), None)

    def generator_from(self, read: Reader, context: StoreContext) -> PretrainedWeights:
        """What `read` finds in the file; one that was fetched is read once, and kept as safetensors."""
        from ganforge.weights.converted import keep_converted, read_converted
        from ganforge.weights.store import fetch_file

        file = self.published()
        if file is None:
            assert self.path is not None  # the validator wants one of both
            path = existing(self.path, "source.path")
            if self.sha256 is not None:
                fetch_file(path, self.sha256, context)
            return self._read(read, path, str(path))
        kept = read_converted(self.layout, file.sha256, context.cache)
        if kept is None:
            path = fetch_file(file.url, file.sha256, context)
            kept = keep_converted(self.layout, self._read(read, path, file.url), context.cache)
        return replace(kept, provenance=replace(kept.provenance, licence=self.licence))

    def _read(self, read: Reader, path: Path, origin: str) -> PretrainedWeights:
        provenance = Provenance(f"{self.title} {path.name}", origin, sha256_of(path), self.licence, self.citation)
        return PretrainedWeights(read(path), None, provenance)

    def _digest(self) -> str | None:
        return self.sha256 or (digest_in(self.url) if self.url else None)


def existing(path: Path, field: str) -> Path:
    """The path, if a file is there. Raises CheckpointError that names the recipe's field."""
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}. Name it with {field}=FILE.")
    return path
