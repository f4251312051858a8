"""GP-GAN checkpoints as weights: read from a file, or from what the cache kept of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganforge.files import sha256_of
from ganforge.weights.address import is_url
from ganforge.weights.pretrained import PretrainedWeights, Provenance, StoreContext
from ganforge_flowers.layouts import recognise

if TYPE_CHECKING:
    from torch import Tensor

#: How files are read; the number goes up when the same file would give other names or values.
LAYOUT = "gp_gan_2"
CITATION = "Mescheder, Geiger & Nowozin 2018, Which training methods for GANs do actually converge?"


def from_store(place: Path | str, sha256: str, licence: str, context: StoreContext) -> PretrainedWeights:
    """Weights from the cache if they were read before, else from the file or address `place`."""
    from ganforge.weights.converted import keep_converted, read_converted
    from ganforge.weights.store import fetch_file

    kept = None
    if is_url(place) or not Path(place).exists():
        kept = read_converted(LAYOUT, sha256, context.cache)
    if kept is None:
        file = fetch_file(place, sha256, context)
        kept = read_converted(LAYOUT, sha256_of(file), context.cache)
        kept = kept or keep_converted(LAYOUT, read(file, str(place), licence), context.cache)
    return replace(kept, provenance=replace(kept.provenance, licence=licence))


def read(file: Path, origin: str, licence: str) -> PretrainedWeights:
    """Weights under our names, whatever the layout of the file. Raises CheckpointError."""
    from ganforge_flowers.published import read_gp_gan

    networks: dict[str, dict[str, Tensor] | None] = {}
    networks["generator"], networks["discriminator"] = read_gp_gan(file)
    layouts: list[str] = []
    for network, weights in networks.items():
        if weights is not None:
            layout = recognise(weights, file, network)
            networks[network] = layout.to_ours(weights)
            layouts.append(layout.name)
    name = f"GP-GAN {file.name}, layout {' and '.join(dict.fromkeys(layouts))}"
    return PretrainedWeights(
        networks["generator"], networks["discriminator"], Provenance(name, origin, sha256_of(file), licence, CITATION)
    )


def in_cache(sha256: str, cache: Path) -> Path | None:
    """The converted folder, else the downloaded file, of a checkpoint whose sha256 begins like that."""
    from ganforge.weights.converted import converted_folders
    from ganforge.weights.store import stored_files

    folders = converted_folders(cache, LAYOUT, sha256)
    return next(folders, None) or next((file for file, _ in stored_files(cache, sha256)), None)
