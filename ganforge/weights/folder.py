"""Weights at rest: a folder with safetensors and a card that says where they come from."""

from __future__ import annotations

import shutil
from glob import escape
from pathlib import Path
from typing import Any
from uuid import uuid4

from ganforge.errors import CheckpointError
from ganforge.files import is_file, read_json, remove_leftovers, retried, sha256_of, sync_folder, write_json
from ganforge.weights.pretrained import PretrainedWeights, Provenance

CARD = "card.json"
NETWORKS = ("generator", "discriminator")


def load_folder(path: Path) -> PretrainedWeights:
    """Weights with the provenance of card.json, whose `sha256` entries are checked. Raises CheckpointError."""
    from ganforge.tensors import load_tensors

    card = read_card(path)
    weights = {}
    for network in NETWORKS:
        file = path / f"{network}.safetensors"
        if file.name not in card["sha256"]:
            continue
        if not is_file(file) or sha256_of(file) != card["sha256"][file.name]:
            raise CheckpointError(f"{file} is missing or damaged: its sha256 is not the one in {CARD}.")
        weights[network] = load_tensors(file)
    if not weights:
        raise CheckpointError(f"{path / CARD} names neither generator.safetensors nor discriminator.safetensors.")
    return PretrainedWeights(weights.get("generator"), weights.get("discriminator"), _provenance(card, path))


def read_card(path: Path) -> dict[str, Any]:
    """The card of a weights folder, with 'name', 'licence' and 'sha256' at least. Raises CheckpointError."""
    card = read_json(path / CARD, CheckpointError)
    try:
        return {**card, "name": str(card["name"]), "licence": str(card["licence"]), "sha256": dict(card["sha256"])}
    except (TypeError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path / CARD} needs 'name', 'licence' and 'sha256' (file: digest): {error}.") from error


def save_folder(path: Path, weights: PretrainedWeights) -> None:
    """Write a folder that `load_folder` reads; another one that stood there is replaced as a whole.

    Raises CheckpointError where it can't be written.
    """
    aside = path.parent / f".{path.name}.{uuid4().hex}"
    try:
        aside.mkdir(parents=True)
        remove_leftovers(path.parent, f".{escape(path.name)}.{'[0-9a-f]' * 32}")
        retried(lambda: _write(aside, weights))
        _publish(aside, path)
        sync_folder(path.parent)
    except OSError as error:
        raise CheckpointError(
            f"can't write {path}: {error.strerror or error}. Make room there, or choose another folder."
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _publish(aside: Path, path: Path) -> None:
    """The same folder, written by a process that was quicker, stays: it may be read at this moment."""
    try:
        aside.rename(path)
    except OSError:
        if not path.is_dir():
            raise
        if _is_whole_copy(path, aside):
            return
        shutil.rmtree(path)
        aside.rename(path)


def _is_whole_copy(path: Path, other: Path) -> bool:
    try:
        load_folder(path)
        return read_card(path) == read_card(other)
    except CheckpointError:
        return False


def _write(folder: Path, weights: PretrainedWeights) -> None:
    from ganforge.tensors import save_tensors

    digests = {}
    for network in NETWORKS:
        tensors = getattr(weights, network)
        if tensors is not None:
            file = folder / f"{network}.safetensors"
            save_tensors(file, tensors)
            digests[file.name] = sha256_of(file)
    origin = weights.provenance.as_dict()
    origin["origin_sha256"] = origin.pop("sha256")
    write_json(folder / CARD, {**origin, "sha256": digests})
    sync_folder(folder)


def _provenance(card: dict[str, Any], path: Path) -> Provenance:
    """Of the file that the folder was made from; of the folder itself where the card names none."""
    digests = ",".join(f"{key}:{value}" for key, value in sorted(card["sha256"].items()))
    return Provenance(
        card["name"],
        str(card.get("origin", path)),
        str(card.get("origin_sha256", digests)),
        card["licence"],
        str(card.get("citation", "")),
    )
