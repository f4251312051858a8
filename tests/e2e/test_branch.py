"""Back to the best checkpoint, and on with a lower rate, in a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from trainings import contents

from ganforge import execute
from ganforge.branch import branch
from ganforge.continuing import go_on
from ganforge.errors import CheckpointError, RecipeError, UsageError
from ganforge.listener import Listener
from ganforge.opening import find_run
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.runs.checkpoint import Best, list_checkpoints, load_checkpoint, load_newest, save_checkpoint
from ganforge.runs.rundir import RunDir

CPU = torch.device("cpu")
LOWER = ("stages[1].generator_rate.rate=1e-4", "stages[1].discriminator_rate.rate=1e-4")


@pytest.fixture
def run(tiny_recipe: Path, components: Components) -> RunDir:
    return execute.run(load_recipe(tiny_recipe, (), components), Listener(), CPU)


def with_best(run: RunDir, step: int) -> None:
    """As a run whose best checkpoint was that of `step`."""
    for path in list_checkpoints(run.checkpoints):
        found = load_checkpoint(path)
        save_checkpoint(run.checkpoints, type(found)(found.step, found.recipe_hash, found.tensors, Best(step, 0.5)), 2)


def test_a_branch_from_the_best_leaves_its_run_alone_and_ends_elsewhere(run: RunDir, components: Components) -> None:
    with_best(run, 2)
    before = contents(run.path)
    new = branch(run.path, "best", LOWER, components)
    assert new.path.name == "00001-tiny"
    assert new.read_state()["begun_from"] == {"run": "00000-tiny", "step": 2, "changes": list(LOWER)}
    execute.resume(new.path, components, Listener(), CPU)
    assert contents(run.path) == before
    rows = [json.loads(line) for line in (new.path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "loss_real" in row] == [1, 2, 3, 4]
    old_rows = (run.path / "metrics.jsonl").read_text().splitlines()
    assert (new.path / "metrics.jsonl").read_text().splitlines()[:2] == old_rows[:2]
    ends = [load_newest(folder.checkpoints)[0].tensors["generator"]["conv_img.weight"] for folder in (run, new)]
    assert not torch.equal(*ends)


def test_a_branch_without_changes_repeats_its_run(run: RunDir, components: Components) -> None:
    with_best(run, 2)
    new = branch(run.path, "best", (), components)
    execute.resume(new.path, components, Listener(), CPU)
    ends = [load_newest(folder.checkpoints)[0].tensors for folder in (run, new)]
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(ends[0][stem][name], ends[1][stem][name]) for stem in ends[0] for name in ends[0][stem])


def test_a_branch_elsewhere_whose_processes_are_started_again_goes_on(
    run: RunDir, components: Components, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "one")
    found = []
    for restarts in ("0", "1"):
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", restarts)
        changes = ["stages[1].steps=4", f"output.folder={elsewhere}"]
        found.append(go_on(run.path, "newest", changes, components, Listener(), CPU).path)
    assert found == [elsewhere / "00000-tiny"] * 2
    assert [path.name for path in elsewhere.iterdir()] == ["00000-tiny"]


def test_what_can_not_go_on_is_refused_and_nothing_is_left(run: RunDir, components: Components) -> None:
    with pytest.raises(
        CheckpointError, match=r"has no best checkpoint\. Its recipe has no `evaluation\.best`, or noth"
    ):
        branch(run.path, "best", LOWER, components)
    with pytest.raises(
        UsageError, match=r"is that of step 4, but the recipe has 4 steps: nothing is left to do\. Give"
    ):
        branch(run.path, "newest", LOWER, components)
    more = "stages[1].steps=9"
    for change, name in (
        ("generator.blocks.resnet_0_0.channels=4", "generator"),
        ("split.seed=1", "split"),
        ("training.step=exact", "training.step"),
        ("training.batch=2", "training.batch"),
    ):
        with pytest.raises(UsageError, match=f"^{name} can't change in a run that goes on"):
            branch(run.path, "newest", [more, change], components)
    with pytest.raises(RecipeError, match="steps"):
        branch(run.path, "newest", ["stages[1].steps=none"], components)
    assert [path.name for path in run.path.parent.iterdir()] == ["00000-tiny"]


def test_other_augmentations_and_other_boundaries_of_stages_go_on(
    run: RunDir, components: Components, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changes = [
        "stages[0].steps=1",
        "stages[1].steps=4",
        "training.augmentations=[{kind: ada, initial: 0.5}]",
        "training.logit_penalties=[{kind: lecam, weight: 0.1}]",
    ]
    new = branch(run.path, "newest", changes, components)
    assert new.path.parent == run.path.parent
    execute.resume(new.path, components, Listener(), CPU)
    found, _ = load_newest(new.checkpoints)
    assert found.step == 5
    assert found.tensors["augmentation_ada"]["p"].item() != 0.5  # one step later
    assert found.tensors["logit_penalty_lecam"]["has_anchors"].item() == 1
    following = branch(new.path, "newest", ["stages[1].steps=6"], components)
    assert load_newest(following.checkpoints)[0].tensors.keys() == found.tensors.keys()
    heavier = ["stages[1].steps=6", "training.logit_penalties=[{kind: lecam, weight: 0.2}]"]
    other = branch(new.path, "newest", heavier, components)
    assert load_newest(other.checkpoints)[0].tensors["logit_penalty_lecam"]["has_anchors"].item() == 0
    assert other.path.parent == run.path.parent
    elsewhere = branch(new.path, "newest", [*heavier, f"output.folder={tmp_path / 'elsewhere'}"], components)
    assert elsewhere.path == tmp_path / "elsewhere" / "00000-tiny"
    behind = ["stages[1].steps=6", "training.augmentations=[{kind: flip}, {kind: ada, initial: 0.5}]"]
    moved = load_newest(branch(new.path, "newest", behind, components).checkpoints)[0].tensors
    assert moved["augmentation_ada"]["p"] == found.tensors["augmentation_ada"]["p"]
    # a branch is no run of its recipe, and neither is what can't be read
    (run.path / "run.json").write_text("{")
    assert find_run(load_recipe(new.recipe, (), components)) is None
