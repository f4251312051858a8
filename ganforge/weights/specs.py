"""Pretrained sources of the core: runs of ganforge, and plain weight files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ganforge.errors import CheckpointError
from ganforge.files import read_json, sha256_of
from ganforge.interfaces import SourceSpec
from ganforge.weights.pretrained import PretrainedWeights, Provenance, StoreContext


class Run(SourceSpec):
    """The newest checkpoint of a run: its generator's moving average, and its discriminator."""

    kind: Literal["run"] = "run"
    #: Folder of the run.
    path: Path
    #: Licence under which the weights may be used.
    licence: str = "as its data"

    def preflight(self) -> None:
        from ganforge.runs.rundir import RunDir

        RunDir.open(self.path)

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        from ganforge.runs.checkpoint import load_newest
        from ganforge.runs.rundir import RunDir

        run = RunDir.open(self.path)
        checkpoint, _ = load_newest(run.checkpoints)
        manifest = run.checkpoints / f"step_{checkpoint.step:08d}" / "manifest.json"
        provenance = Provenance(run.path.name, str(self.path), sha256_of(manifest), self.licence)
        return PretrainedWeights(
            dict(checkpoint.tensors["generator_average"]), dict(checkpoint.tensors["discriminator"]), provenance
        )


class WeightsFolder(SourceSpec):
    """A folder with `generator.safetensors`, `discriminator.safetensors` (either may lack) and `card.json`."""

    kind: Literal["weights_folder"] = "weights_folder"
    path: Path

    def preflight(self) -> None:
        read_json(self.path / "card.json", CheckpointError)

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        return load_folder(self.path)


def load_folder(path: Path) -> PretrainedWeights:
    """Weights with the provenance of card.json, whose `sha256` entries are checked. Raises CheckpointError."""
    from ganforge.runs.checkpoint import load_tensors

    card = read_json(path / "card.json", CheckpointError)
    try:
        name, licence, digests = str(card["name"]), str(card["licence"]), dict(card["sha256"])
    except (TypeError, KeyError) as error:
        raise CheckpointError(
            f"{path / 'card.json'} needs 'name', 'licence' and 'sha256' (file: digest): {error}."
        ) from error
    weights = {}
    for network in ("generator", "discriminator"):
        file = path / f"{network}.safetensors"
        if file.name not in digests:
            continue
        if not file.is_file() or sha256_of(file) != digests[file.name]:
            raise CheckpointError(f"{file} is missing or damaged: its sha256 is not the one in card.json.")
        weights[network] = load_tensors(file)
    if not weights:
        raise CheckpointError(
            f"{path / 'card.json'} names neither generator.safetensors nor discriminator.safetensors."
        )
    digest = ",".join(f"{key}:{value}" for key, value in sorted(digests.items()))
    provenance = Provenance(name, str(path), digest, licence, str(card.get("citation", "")))
    return PretrainedWeights(weights.get("generator"), weights.get("discriminator"), provenance)


SOURCES: list[type[SourceSpec]] = [Run, WeightsFolder]
