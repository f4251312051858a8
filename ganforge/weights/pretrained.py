"""What a pretrained source gives: weights under ganforge's names, and where they come from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganforge.progress import Progress, no_progress

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class StoreContext:
    """What a source may use while it fetches."""

    cache: Path
    progress: Progress = no_progress


@dataclass(frozen=True)
class PublishedFile:
    """A file that a source downloads."""

    url: str
    #: All digits, or the first 8 or more where no more are published.
    sha256: str


@dataclass(frozen=True)
class Provenance:
    """Recorded in every run that starts from the weights."""

    name: str
    #: URL or path that the weights were read from.
    origin: str
    sha256: str
    licence: str
    citation: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class PretrainedWeights:
    """State dicts under ganforge's parameter names; a network that the source lacks is None."""

    generator: dict[str, Tensor] | None
    discriminator: dict[str, Tensor] | None
    provenance: Provenance


def joined(generator: PretrainedWeights, discriminator: PretrainedWeights) -> PretrainedWeights:
    """The generator of the first and the discriminator of the second, which lie in two files; both are named."""
    first, second = generator.provenance, discriminator.provenance
    provenance = replace(
        first,
        name=f"{first.name} and {second.name}",
        origin=f"{first.origin}, {second.origin}",
        sha256=f"{first.sha256},{second.sha256}",
    )
    return PretrainedWeights(generator.generator, discriminator.discriminator, provenance)
