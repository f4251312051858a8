"""Checkpoints: a folder of safetensors and JSON with a manifest, complete and verified or ignored."""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ganforge.errors import CheckpointError
from ganforge.files import is_file, read_json, sha256_of, sync_folder, write_json
from ganforge.tensors import load_tensors, save_tensors

FORMAT = 1
PREFIX = "step_"
#: How the hidden name of one ends that another of the same step takes the place of.
REPLACED = ".replaced"
#: Stem of the file with the moving average of the generator.
AVERAGE = "generator_average"
#: Newest checkpoints that a run has; the best comes on top.
KEPT = 2


@dataclass(frozen=True)
class Best:
    """The best score so far, and the step after which it was taken."""

    step: int
    score: float


@dataclass(frozen=True)
class Checkpoint:
    """All state of a run after `step` steps. tensors: file stem -> name -> tensor."""

    step: int
    recipe_hash: str
    tensors: Mapping[str, Mapping[str, Tensor]]
    #: Where the recipe has the best checkpoint kept, and one was measured.
    best: Best | None = None
    #: Sum and number of steps of each metric that has not been written yet.
    means: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    #: Whether the run was stopped before it had measured this step, as its recipe wants.
    is_unmeasured: bool = False

    def tensors_of(self, stem: str) -> Mapping[str, Tensor]:
        """Those of one file. Raises CheckpointError where there is none, as in a folder of somebody else's making."""
        if stem not in self.tensors:
            raise CheckpointError(f"the checkpoint of step {self.step} has no {stem}.safetensors.")
        return self.tensors[stem]


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int = KEPT, every: int = 1) -> Path:
    """Write `folder/step_00001234`, then remove all but the newest `keep` and the best. Raises OSError.

    Older ones at steps that are no multiple of `every`, where a run was stopped, don't count and are removed.

    The checkpoint is written aside and renamed when every byte is on the disk; a kill at any instant leaves
    the older ones as they were.
    """
    put_back(folder)
    final = _path(folder, checkpoint.step)
    aside = folder / f".{final.name}.{os.getpid()}"
    for leftover in folder.glob(f".{PREFIX}*"):
        shutil.rmtree(leftover)
    aside.mkdir(parents=True)
    try:
        _write(aside, checkpoint)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)  # on a full disk, others need the room
        raise
    if final.exists():  # of this step, before it was measured or its folder was synced
        replaced = folder / f".{final.name}{REPLACED}"
        final.rename(replaced)
        aside.rename(final)
        shutil.rmtree(replaced)
    else:
        aside.rename(final)
    sync_folder(folder)
    prune_checkpoints(folder, keep, every)
    return final


def put_back(folder: Path) -> None:
    """Give a checkpoint its name again that a kill left without, just ahead of the one that was to replace it.

    Raises OSError.
    """
    for replaced in folder.glob(f".{PREFIX}*{REPLACED}"):
        name = replaced.name.removeprefix(".").removesuffix(REPLACED)
        if not (folder / name).exists():
            replaced.rename(folder / name)


def prune_checkpoints(folder: Path, keep: int = KEPT, every: int = 1) -> None:
    """Remove all but the newest `keep` and the best, as `save_checkpoint` says; also what a kill kept it from removing.

    Raises OSError.
    """
    found = list_checkpoints(folder)
    newest = [path for path in found if path == found[-1] or step_of(path) % every == 0][-keep:]
    # if the newest turns out to be damaged, the one before it must find its best as well
    best = [_best_of(path) for path in newest]
    kept = {*newest, *(_path(folder, each.step) for each in best if each is not None)}
    for old in found:
        if old not in kept:
            shutil.rmtree(old)


def _write(folder: Path, checkpoint: Checkpoint) -> None:
    for stem, tensors in checkpoint.tensors.items():
        save_tensors(folder / f"{stem}.safetensors", tensors)
    state: dict[str, Any] = {"format": FORMAT, "step": checkpoint.step, "recipe": checkpoint.recipe_hash}
    if checkpoint.means:
        state["means"] = {name: list(sums) for name, sums in checkpoint.means.items()}
    if checkpoint.best is not None:
        state["best"] = asdict(checkpoint.best)
    if checkpoint.is_unmeasured:
        state["unmeasured"] = True
    write_json(folder / "state.json", state)
    write_json(folder / "manifest.json", {path.name: sha256_of(path) for path in sorted(folder.iterdir())})
    sync_folder(folder)


def _best_of(path: Path) -> Best | None:
    """The best as a checkpoint that was not verified says it; None also where it can't be read."""
    try:
        return _read_best(read_json(path / "state.json", CheckpointError), path)
    except CheckpointError:
        return None


def _path(folder: Path, step: int) -> Path:
    return folder / f"{PREFIX}{step:08d}"


def step_of(path: Path) -> int:
    """The step in the name of a checkpoint folder; -1 for a folder of another name."""
    found = re.fullmatch(PREFIX + "([0-9]{8,})", path.name)
    return int(found[1]) if found else -1


def list_checkpoints(folder: Path) -> list[Path]:
    """Checkpoint folders, the oldest first; not verified. Folders of other names are somebody else's.

    Raises CheckpointError where the folder is there and can't be read.
    """
    try:
        paths = [folder / entry.name for entry in os.scandir(folder) if entry.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(f"{folder} can't be read: {error.strerror or error}.") from error
    return sorted((path for path in paths if step_of(path) >= 0), key=step_of)


def load_checkpoint(path: Path, stems: Collection[str] | None = None) -> Checkpoint:
    """Read and verify one checkpoint. Raises CheckpointError that names the file that is damaged or can't be read.

    stems: of the files with tensors that are read; the others must be there, but need not be whole. None: all.
    """
    try:
        return _load(path, stems)
    except OSError as error:
        raise CheckpointError(f"{error.filename or path} can't be read: {error.strerror or error}.") from error


def _load(path: Path, stems: Collection[str] | None) -> Checkpoint:
    manifest = read_json(path / "manifest.json", CheckpointError)
    if not isinstance(manifest, dict) or not all(Path(name).name == name for name in manifest):
        raise CheckpointError(f"{path / 'manifest.json'} is no manifest of a checkpoint.")
    unlisted = sorted({file.name for file in path.iterdir()} - {"manifest.json"} - set(manifest))
    if unlisted or "state.json" not in manifest:
        raise CheckpointError(f"{path / 'manifest.json'} does not list {', '.join(unlisted) or 'state.json'}.")
    held = {Path(name).stem: name for name in manifest if name.endswith(".safetensors")}
    wanted = {stem: name for stem, name in held.items() if stems is None or stem in stems}
    passed_over = set(held.values()) - set(wanted.values())
    for name, digest in manifest.items():
        if not is_file(path / name) or (name not in passed_over and sha256_of(path / name) != digest):
            raise CheckpointError(f"{path / name} is missing or damaged: its sha256 differs from the manifest's.")
    state = read_json(path / "state.json", CheckpointError)
    step = state.get("step") if isinstance(state, dict) else None
    if type(step) is not int or step < 0 or "recipe" not in state:
        raise CheckpointError(f"{path / 'state.json'} is no state of a checkpoint.")
    if step_of(path) not in (step, -1):
        raise CheckpointError(f"{path} holds the checkpoint of step {step}: it was copied or renamed.")
    if state.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has format {state.get('format')}; this version of ganforge reads format {FORMAT}."
        )
    return Checkpoint(
        step,
        str(state["recipe"]),
        {stem: load_tensors(path / name) for stem, name in wanted.items()},
        _read_best(state, path),
        _read_means(state, path),
        state.get("unmeasured") is True,
    )


def load_step(folder: Path, step: int) -> Checkpoint:
    """The checkpoint of a step. Raises CheckpointError as `load_checkpoint`."""
    return load_checkpoint(_path(folder, step))


def _read_means(state: Mapping[str, Any], path: Path) -> dict[str, tuple[float, int]]:
    try:
        return {str(name): (float(total), int(count)) for name, (total, count) in state.get("means", {}).items()}
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{path / 'state.json'} has no readable means.") from error


def _read_best(state: Any, path: Path) -> Best | None:
    if not isinstance(state, dict) or "best" not in state:
        return None
    try:
        best = Best(**state["best"])
        if type(best.step) is not int or not math.isfinite(best.score):
            raise ValueError(best)
    except (TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{path / 'state.json'} doesn't say which checkpoint was the best.") from error
    return best


def load_newest(folder: Path, *, set_aside: bool = False) -> tuple[Checkpoint, list[str]]:
    """The newest checkpoint that verifies, and what was wrong with newer ones. Raises CheckpointError if none does.

    set_aside: rename the others to `damaged_step_...`, where they are in nobody's way and nothing of them is lost.
    """
    bad: dict[Path, str] = {}
    for path in reversed(list_checkpoints(folder)):
        try:
            found = load_checkpoint(path)
        except CheckpointError as error:
            bad[path] = str(error)
            continue
        return found, [f"{reason}{_set_aside(path) if set_aside else ''}" for path, reason in bad.items()]
    raise no_checkpoint(folder, list(bad.values()))


def no_checkpoint(folder: Path, damages: Sequence[str] = ()) -> CheckpointError:
    """The error for a run without a checkpoint, and what can be done. damages: what is wrong with those that it has."""
    reasons = "".join(f"\n  {reason}" for reason in damages)
    return CheckpointError(
        f"{folder} holds no checkpoint that can be used.{reasons}\n{_way_out(folder, bool(damages))}"
    )


def _way_out(folder: Path, is_damaged: bool) -> str:
    is_gone = not is_damaged and _is_finished(folder.parent)
    if not is_damaged and not is_gone:
        run = shlex.quote(str(folder.parent))
        return f"The training stopped before it wrote one: `ganforge resume {run}` begins it again."
    what = (
        "The run is finished, so that they were there and are gone. Put them back (is a disk missing?)"
        if is_gone
        else "What was trained is lost, unless there is a copy of that folder elsewhere to be put back"
    )
    again = shlex.quote(str(folder.parent / "recipe.yaml"))
    return (
        f"{what}; samples, metrics and scores are still there. "
        f"`ganforge run {again}` trains it anew, to the same bytes on the same machine."
    )


def _is_finished(run: Path) -> bool:
    state = read_json(run / "run.json", CheckpointError) if is_file(run / "run.json") else None
    return isinstance(state, dict) and state.get("state") == "finished"


def _set_aside(path: Path) -> str:
    """Rename a damaged checkpoint; a sentence that says so."""
    number = 0
    while (new := path.with_name(f"damaged_{path.name}{f'_{number}' if number else ''}")).exists():
        number += 1
    try:
        path.rename(new)
    except OSError as error:
        return f" It could not be set aside: {error.strerror or error}."
    return f" It is kept as {new.name}."


def load_best(folder: Path, stems: Collection[str] | None = None) -> tuple[Checkpoint, list[str]]:
    """The best checkpoint as far as the newest one knows, and what was wrong with others that would have been taken.

    The newest where none was measured, or where the best does not verify. stems: as of `load_checkpoint`; of the newest
    no others are read either. Raises CheckpointError if none verifies.
    """
    bad: dict[Path, str] = {}
    for path in reversed(list_checkpoints(folder)):
        try:
            best = load_checkpoint(path, ()).best
        except CheckpointError as error:
            bad[path] = str(error)
            continue
        wanted = path if best is None else _path(folder, best.step)
        for each in (wanted, path):
            if each in bad:
                continue
            try:
                found = load_checkpoint(each, stems)
            except CheckpointError as error:
                bad[each] = str(error)
                continue
            if each != wanted:
                bad[wanted] += " The newest checkpoint is taken instead of the best."
            return found, list(bad.values())
    raise no_checkpoint(folder, list(bad.values()))
