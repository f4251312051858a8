"""Published weights in the cache as safetensors: `converted/<layout>/<sha256 of the published file>`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ganforge.errors import CheckpointError
from ganforge.weights.folder import CARD, load_folder, save_folder
from ganforge.weights.pretrained import PretrainedWeights

CONVERTED = "converted"


def keep_converted(layout: str, weights: PretrainedWeights, cache: Path) -> PretrainedWeights:
    """The same weights, read back from the cache. layout: a name with a version, for how the file was read."""
    folder = cache / CONVERTED / layout / weights.provenance.sha256
    save_folder(folder, weights)
    return load_folder(folder)


def read_converted(layout: str, digest: str, cache: Path) -> PretrainedWeights | None:
    """Weights from a published file whose sha256 begins with `digest`; None where they are to be made (again)."""
    for folder in converted_folders(cache, layout, digest):
        try:
            return load_folder(folder)
        except CheckpointError:  # damaged: the cache holds only what can be made again
            continue
    return None


def converted_folders(cache: Path, layout: str = "*", digest: str = "") -> Iterator[Path]:
    """Folders with a card, not verified; those that a kill left half written have a dot in front."""
    for card in sorted((cache / CONVERTED).glob(f"{layout}/{digest}*/{CARD}")):
        if not card.parent.name.startswith("."):
            yield card.parent
