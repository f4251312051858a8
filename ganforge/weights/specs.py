"""Pretrained sources of the core: runs of ganforge, and plain weight files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ganforge.errors import CheckpointError
from ganforge.files import sha256_of
from ganforge.interfaces import SourceSpec
from ganforge.weights.folder import load_folder, read_card
from ganforge.weights.pretrained import PretrainedWeights, Provenance, StoreContext


class Run(SourceSpec):
    """The best checkpoint of a run, or its newest: the generator's moving average, and the discriminator."""

    kind: Literal["run"] = "run"
    #: Folder of the run.
    path: Path
    #: Licence under which the weights may be used.
    licence: str = "as its data"

    def preflight(self) -> None:
        from ganforge.runs.rundir import RunDir

        RunDir.open(self.path)

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        from ganforge.runs.checkpoint import AVERAGE, load_best
        from ganforge.runs.rundir import RunDir

        run = RunDir.open(self.path)
        checkpoint, rejected = load_best(run.checkpoints, [AVERAGE, "discriminator"])
        if rejected:  # another training must not start from other weights than was asked for
            raise CheckpointError(f"{self.path}: {' '.join(rejected)} Resume that run, or remove what is damaged.")
        manifest = run.checkpoints / f"step_{checkpoint.step:08d}" / "manifest.json"
        provenance = Provenance(
            f"{run.path.name}, step {checkpoint.step}", str(self.path), sha256_of(manifest), self.licence
        )
        return PretrainedWeights(
            dict(checkpoint.tensors_of(AVERAGE)), dict(checkpoint.tensors_of("discriminator")), provenance
        )


class WeightsFolder(SourceSpec):
    """A folder with `generator.safetensors`, `discriminator.safetensors` (either may lack) and `card.json`."""

    kind: Literal["weights_folder"] = "weights_folder"
    path: Path

    def preflight(self) -> None:
        read_card(self.path)

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        return load_folder(self.path)


SOURCES: list[type[SourceSpec]] = [Run, WeightsFolder]
