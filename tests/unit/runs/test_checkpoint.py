"""A checkpoint is complete and verified, or ignored."""

from __future__ import annotations

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import PROPERTY
from hypothesis import given
from hypothesis import strategies as st

from ganforge.errors import CheckpointError
from ganforge.files import read_json, sha256_of, write_json
from ganforge.runs import checkpoint as module
from ganforge.runs.checkpoint import (
    Best,
    Checkpoint,
    list_checkpoints,
    load_best,
    load_checkpoint,
    load_newest,
    prune_checkpoints,
    put_back,
    save_checkpoint,
)
from ganforge.runs.rundir import RunDir


def checkpoint(step: int) -> Checkpoint:
    generator = {"fc.weight": torch.full((3, 2), float(step)), "fc.bias": torch.arange(3.0)}
    return Checkpoint(step, "abc", {"generator": generator, "discriminator": {"fc.weight": torch.ones(2)}})


def saved(folder: Path, *steps: int, keep: int = 9) -> Path:
    for step in steps:
        save_checkpoint(folder, checkpoint(step), keep)
    return folder


def names(folder: Path) -> list[str]:
    return [path.name for path in list_checkpoints(folder)]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    found, rejected = load_newest(saved(tmp_path, 2, 10, 4))
    assert (found.step, found.recipe_hash, rejected) == (10, "abc", [])
    for stem, tensors in checkpoint(10).tensors.items():
        assert all(torch.equal(found.tensors[stem][name], value) for name, value in tensors.items())


def test_a_step_that_is_saved_again_is_never_without_a_whole_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path, 1)
    again = replace(checkpoint(1), recipe_hash="def")
    seen, rmtree = [], shutil.rmtree

    def seeing(path: Path, *args: Any, **options: Any) -> None:
        seen.append(load_newest(tmp_path)[0].recipe_hash)
        rmtree(path, *args, **options)

    monkeypatch.setattr(shutil, "rmtree", seeing)
    save_checkpoint(tmp_path, again)
    assert seen == ["def"]
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000001"]


@pytest.mark.parametrize("others", [(), (3,)])
def test_a_kill_between_the_old_and_the_new_of_one_step_loses_neither(
    others: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path, *others, 7)
    renames, rename = iter(range(9)), Path.rename

    def dying(path: Path, target: Path) -> Path:
        if next(renames) == 1:
            raise Killed
        return rename(path, target)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Path, "rename", dying)
        save_checkpoint(tmp_path, replace(checkpoint(7), recipe_hash="def"))
    assert not (tmp_path / "step_00000007").exists()
    put_back(tmp_path)
    assert load_newest(tmp_path)[0].step == 7
    save_checkpoint(tmp_path, checkpoint(8))
    assert names(tmp_path) == ["step_00000007", "step_00000008"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    assert names(saved(tmp_path, 1, 2, 3, 4, keep=2)) == ["step_00000003", "step_00000004"]


def test_the_best_is_kept_besides_the_newest(tmp_path: Path) -> None:
    for step, best in ((1, 1), (2, 2), (3, 2), (4, 2), (5, 2)):
        save_checkpoint(tmp_path, replace(checkpoint(step), best=Best(best, 0.5)), keep=2)
    assert names(tmp_path) == ["step_00000002", "step_00000004", "step_00000005"]
    assert load_best(tmp_path)[0].step == 2


def test_a_checkpoint_that_is_kept_finds_its_best_although_a_newer_one_was_better(tmp_path: Path) -> None:
    for step, best in ((1, 1), (2, 1), (3, 3)):
        save_checkpoint(tmp_path, replace(checkpoint(step), best=Best(best, 1 / best)), keep=2)
    assert names(tmp_path) == ["step_00000001", "step_00000002", "step_00000003"]
    assert load_best(tmp_path)[0].step == 3
    (tmp_path / "step_00000003" / "generator.safetensors").write_bytes(b"")
    found, rejected = load_best(tmp_path)
    assert found.step == 1
    assert ["step_00000003" in reason for reason in rejected] == [True]


def test_without_a_measured_one_the_newest_is_taken_for_the_best(tmp_path: Path) -> None:
    assert load_best(saved(tmp_path, 1, 2))[0].step == 2


def test_for_a_best_checkpoint_that_is_damaged_the_newest_is_taken_and_that_is_said(tmp_path: Path) -> None:
    for step in (1, 2):
        save_checkpoint(tmp_path, replace(checkpoint(step), best=Best(1, 0.5)), keep=2)
    (tmp_path / "step_00000001" / "generator.safetensors").write_bytes(b"")
    found, (reason,) = load_best(tmp_path)
    assert found.step == 2
    assert "generator.safetensors is missing or damaged" in reason
    assert reason.endswith("The newest checkpoint is taken instead of the best.")


def test_of_the_best_no_more_is_read_than_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in (1, 2):
        save_checkpoint(tmp_path, replace(checkpoint(step), best=Best(1, 0.5)), keep=2)
    # of neither is anything wanted but the generator of the best
    (tmp_path / "step_00000001" / "discriminator.safetensors").write_bytes(b"")
    (tmp_path / "step_00000002" / "generator.safetensors").write_bytes(b"")
    read: list[str] = []
    original = module.sha256_of
    monkeypatch.setattr(
        module, "sha256_of", lambda path: (read.append(str(path.relative_to(tmp_path))), original(path))[1]
    )
    found, rejected = load_best(tmp_path, ["generator"])
    assert (found.step, list(found.tensors), rejected) == (1, ["generator"], [])
    assert sorted(read) == [
        "step_00000001/generator.safetensors",
        "step_00000001/state.json",
        "step_00000002/state.json",
    ]


def test_where_the_best_and_the_newest_are_damaged_the_next_is_taken_and_each_is_told_once(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, replace(checkpoint(step), best=Best(1, 0.5)), keep=3)
    for step in (1, 3):
        (tmp_path / f"step_0000000{step}" / "generator.safetensors").write_bytes(b"")
    found, (of_best, of_newest) = load_best(tmp_path, ["generator"])
    assert found.step == 2
    assert "step_00000001" in of_best and of_best.endswith("The newest checkpoint is taken instead of the best.")
    assert "step_00000003" in of_newest and of_newest.endswith("its sha256 differs from the manifest's.")


def test_a_file_that_is_not_wanted_must_be_there(tmp_path: Path) -> None:
    path = saved(tmp_path, 1) / "step_00000001"
    (path / "discriminator.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"discriminator\.safetensors is missing or damaged"):
        load_checkpoint(path, ["generator"])


@pytest.mark.parametrize("best", [3, {"step": 1}, {"step": "1", "score": 0.5}, {"step": 1, "score": float("inf")}])
def test_a_state_that_does_not_say_which_was_the_best_is_refused(best: object, tmp_path: Path) -> None:
    path = saved(tmp_path, 1) / "step_00000001"
    state = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps({**state, "best": best}))
    manifest = json.loads((path / "manifest.json").read_text())
    write_json(path / "manifest.json", {**manifest, "state.json": sha256_of(path / "state.json")})
    with pytest.raises(CheckpointError, match=r"state.json doesn't say which checkpoint was the best\."):
        load_checkpoint(path)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("two"), 1, 2)


FILES = ("generator.safetensors", "discriminator.safetensors", "state.json")


@PROPERTY
@given(name=st.sampled_from(FILES), share=st.floats(0, 1, exclude_max=True), is_cut=st.booleans())
def test_a_damaged_file_is_found_and_the_older_checkpoint_taken(
    two: Path, name: str, share: float, is_cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged") / "checkpoints"
    shutil.copytree(two, folder)
    file = folder / "step_00000002" / name
    content = bytearray(file.read_bytes())
    place = int(share * len(content))
    if is_cut:
        content = content[:place]
    else:
        content[place] ^= 1
    file.write_bytes(content)
    found, rejected = load_newest(folder)
    assert found.step == 1
    assert rejected == [f"{file} is missing or damaged: its sha256 differs from the manifest's."]


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (None, "there is no {path}."),
        ("[]", "{path} is no manifest of a checkpoint."),
        ('{"../step_00000001/state.json": "0"}', "{path} is no manifest of a checkpoint."),
        ('{"/etc/passwd": "0"}', "{path} is no manifest of a checkpoint."),
        ("{}", "{path} does not list discriminator.safetensors, generator.safetensors, state.json."),
        ("{", "{path} can't be read: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    ],
)
def test_a_manifest_that_can_not_be_trusted_is_refused(
    manifest: str | None, reason: str, two: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "checkpoints"
    shutil.copytree(two, folder)
    path = folder / "step_00000002" / "manifest.json"
    path.unlink()
    if manifest is not None:
        path.write_text(manifest)
    found, rejected = load_newest(folder)
    assert found.step == 1
    assert rejected == [reason.format(path=path)]


def test_a_file_that_the_manifest_lists_but_that_is_gone_is_told(two: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    shutil.copytree(two, folder)
    gone = folder / "step_00000002" / "generator.safetensors"
    gone.unlink()
    with pytest.raises(CheckpointError, match=r"generator\.safetensors is missing or damaged"):
        load_checkpoint(gone.parent)


def test_a_checkpoint_of_format_1_is_read_as_long_as_there_are_runs_that_have_it() -> None:
    found = load_checkpoint(Path(__file__).parents[2] / "golden" / "checkpoint_format_1")
    assert (found.step, found.recipe_hash, found.best) == (12, "0123456789abcdef", Best(10, 0.5))
    assert found.means == {}  # as runs wrote it that could not stop between two rows
    assert {stem: sorted(tensors) for stem, tensors in found.tensors.items()} == {
        "augmentation_0": ["p"],
        "generator": ["fc.bias", "fc.weight"],
        "generator_optimizer": ["fc.weight:exp_avg", "fc.weight:step"],
    }
    assert found.tensors["augmentation_0"]["p"].item() == 0.25
    torch.testing.assert_close(found.tensors["generator"]["fc.weight"][0, 0].item(), 1.5409960746765137)


def test_another_format_says_which_one_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path, 1) / "step_00000001"
    write_json(path / "state.json", {"format": 99, "step": 1, "recipe": "abc"})
    manifest = json.loads((path / "manifest.json").read_text())
    write_json(path / "manifest.json", {**manifest, "state.json": module.sha256_of(path / "state.json")})
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert str(caught.value) == f"{path} has format 99; this version of ganforge reads format 1."


@pytest.mark.parametrize("step", [-1, 2.0, True, None, "2"])
def test_a_step_that_is_no_number_of_steps_is_refused(step: Any, tmp_path: Path) -> None:
    path = saved(tmp_path, 1) / "step_00000001"
    write_json(path / "state.json", {"format": 1, "step": step, "recipe": "abc"})
    manifest = json.loads((path / "manifest.json").read_text())
    write_json(path / "manifest.json", {**manifest, "state.json": module.sha256_of(path / "state.json")})
    with pytest.raises(CheckpointError, match=r"state\.json is no state of a checkpoint"):
        load_checkpoint(path)


def test_where_every_checkpoint_is_damaged_all_reasons_are_told(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1, 2)
    for step in (1, 2):
        (folder / f"step_0000000{step}" / "state.json").write_text("")
    with pytest.raises(CheckpointError) as caught:
        load_newest(folder)
    reasons = [
        f"  {folder / f'step_0000000{step}' / 'state.json'} is missing or damaged: "
        "its sha256 differs from the manifest's."
        for step in (2, 1)
    ]
    *told, way_out = str(caught.value).splitlines()
    assert told == [f"{folder} holds no checkpoint that can be used.", *reasons]
    assert way_out.startswith("What was trained is lost, unless there is a copy of that folder elsewhere")
    assert f"`ganforge run {folder.parent}/recipe.yaml` trains it anew" in way_out
    assert caught.value.exit_code == 5


def test_where_no_checkpoint_was_written_yet_it_is_said_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=f"`ganforge resume {tmp_path}` begins it again"):
        load_newest(tmp_path / "checkpoints")


class Killed(BaseException):
    """Stands for the process's end."""


@pytest.mark.parametrize(
    ("name", "call"),
    [
        *((name, call) for name in ("save_tensors", "write_json", "sync_folder") for call in (0, 1)),
        *(("Path.rename", 0), ("shutil.rmtree", 0)),
    ],
)
def test_a_kill_while_saving_leaves_the_older_checkpoint(
    name: str, call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(tmp_path, 1)
    *owners, attribute = name.split(".")
    owner = getattr(module, owners[0]) if owners else module
    original, calls = getattr(owner, attribute), iter(range(100))

    def dying(*arguments: Any) -> Any:
        if next(calls) == call:
            raise Killed
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(owner, attribute, dying)
        with pytest.raises(Killed):
            save_checkpoint(folder, checkpoint(2), keep=1)
    found, rejected = load_newest(folder)
    is_whole = (name, call) in {("sync_folder", 1), ("shutil.rmtree", 0)}  # killed behind the rename
    assert (found.step, rejected) == (2 if is_whole else 1, [])
    save_checkpoint(folder, checkpoint(3), keep=1)
    assert [path.name for path in folder.iterdir()] == ["step_00000003"]


def test_damaged_checkpoints_are_set_aside_and_none_is_lost(tmp_path: Path) -> None:
    for _ in range(2):
        folder = saved(tmp_path, 2, 10)
        (folder / "step_00000010" / "state.json").write_text("{}")
        found, (reason,) = load_newest(folder, set_aside=True)
        assert found.step == 2
    assert reason.endswith(
        "state.json is missing or damaged: its sha256 differs from the manifest's. "
        "It is kept as damaged_step_00000010_1."
    )
    names = ["damaged_step_00000010", "damaged_step_00000010_1", "step_00000002"]
    assert sorted(path.name for path in folder.iterdir()) == names


def test_a_checkpoint_that_can_not_be_read_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, original = saved(tmp_path, 2, 10), module.sha256_of

    def failing(path: Path) -> str:
        if "00000010" in str(path):
            raise OSError(errno.EIO, "Input/output error", str(path))
        return original(path)

    monkeypatch.setattr(module, "sha256_of", failing)
    found, (reason,) = load_newest(folder, set_aside=True)
    assert found.step == 2
    assert "can't be read: Input/output error. It is kept as damaged_step_00000010." in reason


def test_folders_of_other_names_are_neither_taken_nor_removed(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1)
    others = [folder / name for name in ("step_best", "step_00000001_copy", "step_1", "step_00000009.old")]
    for other in others:
        shutil.copytree(folder / "step_00000001", other)
    saved(folder, 2, 3, keep=1)
    assert names(folder) == ["step_00000003"]
    assert load_newest(folder)[0].step == 3
    assert all(other.is_dir() for other in others)


def test_a_step_of_nine_digits_is_newer_than_one_of_eight(tmp_path: Path) -> None:
    assert names(saved(tmp_path, 100_000_000, 99_999_999, keep=1)) == ["step_100000000"]


def test_what_a_kill_left_unpruned_is_removed_later(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1, 2, 3)
    prune_checkpoints(folder, keep=2)
    assert names(folder) == ["step_00000002", "step_00000003"]


def test_a_folder_that_can_not_be_listed_is_not_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list_checkpoints(tmp_path / "none") == []

    def failing(folder: Path) -> None:
        raise OSError(errno.EIO, "Input/output error", str(folder))

    monkeypatch.setattr("os.scandir", failing)
    with pytest.raises(CheckpointError, match="can't be read: Input/output error"):
        list_checkpoints(tmp_path)


def test_half_written_files_are_swept_and_those_of_others_stay(tmp_path: Path) -> None:
    names = [".lock", ".gitignore", ".notes.20261128", "run.json"]
    half_written = ["samples/.step_00000002.png.a1b2c3d_", ".run.json.abcdefgh", ".metrics.jsonl.abcdefgh"]
    (tmp_path / "samples").mkdir()
    for name in (*names, *half_written):
        (tmp_path / name).touch()
    RunDir(tmp_path).sweep()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == sorted([*names, "samples"])


def test_json_that_is_larger_than_any_of_ours_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganforge.files.MAX_JSON", 10)
    (tmp_path / "state.json").write_text('{"step": 12345}')
    with pytest.raises(CheckpointError, match="has more than 10 bytes"):
        read_json(tmp_path / "state.json", CheckpointError)
