"""`run --dry-run --gpus N`: counted on a machine without GPU, nothing computed, nothing written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ganforge.cli.main import app
from ganforge.cost.estimate import MARGIN_BYTES, MARGIN_SHARE, with_margin
from ganforge.training.logit_penalty import LeCam
from ganforge.training.trainer import Trainer

GPUS = ("--dry-run", "--gpus")


def ganforge(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_each_stage_is_told_in_both_formats_and_nothing_is_computed(
    tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "advance", lambda trainer: pytest.fail("a step was computed"))
    before = sorted(tiny_recipe.parent.rglob("*"))
    result = ganforge("run", tiny_recipe, "seed=7", *GPUS, 2)
    assert (result.exit_code, result.stderr) == (0, "")
    assert sorted(tiny_recipe.parent.rglob("*")) == before
    lines = [line for line in result.stdout.splitlines() if not line.startswith("counting the steps")]
    assert lines[:4] == [
        "tiny on 2 GPUs: counted, nothing was computed",
        "  generator: 4,711 parameters",
        "  discriminator: 945 parameters",
        "  each GPU: 2 of 4 images in a step, all at once",
    ]
    assert lines[5].split() == [
        "stage",
        "format",
        "GFLOP",
        "sent",
        "weights",
        "optimizer",
        "gradients",
        "features",
        "GB",
    ]
    rows = [line.split()[:2] for line in lines[6:10]]
    assert rows == [["head", "float32"], ["head", "bfloat16"], ["all", "float32"], ["all", "bfloat16"]]
    assert re.search(r"^  memory: 0\.00 GB of tensors for each GPU, or 1\.0 GB with a margin: a "
                     r"quarter .*: a GPU of 8 GB should do$", result.stdout, re.MULTILINE)  # fmt: skip
    assert re.search(r"^  disk: about \d+ MB in ", result.stdout, re.MULTILINE)
    assert lines[-1] == f"next: ganforge run {tiny_recipe} seed=7 --gpus 2"


def test_programs_get_bytes(tiny_recipe: Path) -> None:
    result = ganforge("run", tiny_recipe, "training.microbatch=1", "training.step=exact", *GPUS, "cpu:2", "--json")
    found = json.loads(result.stdout)
    assert (found["processes"], found["images_per_process"], found["images_at_a_time"]) == (2, 2, 1)
    assert found["computed"] is False
    assert [(each["name"], each["convolutions"]) for each in found["stages"]] == [
        ("head", "float32"),
        ("all", "float32"),
    ]
    for each in found["stages"]:
        assert each["flop"]["float32"] > 0 and set(each["sent_bytes"]) == {"generator", "discriminator"}
        memory = each["memory_bytes"]
        assert memory.pop("all") == sum(memory.values())
    assert found["memory_bytes_with_margin"] == round(with_margin(found["memory_bytes"]))


def test_a_dry_run_that_computes_also_speaks_to_programs(tiny_recipe: Path) -> None:
    found = json.loads(ganforge("run", tiny_recipe, "--dry-run", "--device", "cpu", "--json").stdout)
    assert found["computed"] is True and [each["name"] for each in found["stages"]] == ["head", "all"]
    assert found["seconds"] == pytest.approx(sum(each["steps"] * each["seconds"] for each in found["stages"]))


@pytest.mark.parametrize("where", [("--device", "cpu"), (*GPUS, 2)], ids=["computed", "counted"])
def test_penalties_on_logits_are_part_of_the_step_that_is_tried(
    where: tuple[Any, ...], tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(LeCam, "observe", lambda self, real, fake: seen.append(real.shape == fake.shape))
    change = "training.logit_penalties=[{kind: lecam, weight: 1}]"
    assert ganforge("run", tiny_recipe, change, "--dry-run", *where).exit_code == 0
    assert seen and all(seen)


def test_the_margin_is_a_quarter_and_a_gigabyte() -> None:
    assert (MARGIN_SHARE, MARGIN_BYTES) == (0.25, 1e9)
    assert with_margin(10**9) == 2.25e9


def test_a_batch_that_cannot_be_divided_is_refused_as_by_a_run(tiny_recipe: Path) -> None:
    result = ganforge("run", tiny_recipe, *GPUS, 3)
    assert result.exit_code == 2
    assert re.fullmatch(
        rf"error: {re.escape(str(tiny_recipe))}:\d+:\d+ training\.batch: is 4, which 3 processes can't divide evenly; "
        r"3 and 6 can be divided: training\.batch=3\.\n",
        result.stderr,
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--gpus", "0"], "error: --gpus must be auto, a number such as 2,"),
        (["--gpus", "many"], "error: --gpus must be auto, a number such as 2,"),
        (["--gpus", "2", "--device", "cpu"], "error: --dry-run --gpus computes nothing,"),
        (["--gpus", "2", "--threads", "2"], "error: --dry-run --gpus computes nothing,"),
        (["--gpus", "2", "--max-restarts", "1"], "error: --dry-run starts no other process:"),
        (["--patience", "1m"], "error: --dry-run starts no other process:"),
        (["--gpus", "2", "--resume", "auto"], "error: --dry-run trains nothing,"),
    ],
)
def test_options_that_would_have_no_effect_are_refused(tiny_recipe: Path, words: list[str], message: str) -> None:
    result = ganforge("run", tiny_recipe, "--dry-run", *words)
    assert result.exit_code == 2 and result.stderr.startswith(message)


def test_json_without_a_dry_run_is_refused(tiny_recipe: Path) -> None:
    result = ganforge("run", tiny_recipe, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: --json goes with --dry-run; a run writes metrics.jsonl and scores.json.\n"


def test_the_command_of_the_page_on_several_processes_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[3]
    monkeypatch.chdir(root)
    lines = [line for line in (root / "docs" / "scaling.md").read_text().splitlines() if " --dry-run " in line]
    assert len([line for line in lines if line.startswith("ganforge run ")]) == 2
    words = next(line for line in lines if line.endswith(" --json")).split()[1:]
    found = json.loads(ganforge(*words, "training.step=fast").stdout)
    assert (found["recipe"], found["processes"], found["images_at_a_time"]) == ("dr_256_cgan", 4, 8)
    assert 4e9 < found["memory_bytes"] < 8e9


def test_auto_without_a_gpu_counts_one_process(tiny_recipe: Path) -> None:
    found = json.loads(ganforge("run", tiny_recipe, *GPUS, "auto", "--json").stdout)
    assert found["processes"] >= 1


@pytest.mark.parametrize("how", [(*GPUS, "2"), ("--dry-run", "--device", "cpu")])
def test_a_file_that_a_run_lacks_is_warned_of_and_not_needed(how: tuple[str, ...], tiny_recipe: Path) -> None:
    lacking = "evaluation.evaluators=[{kind: fd, extractor: {kind: dinov2, weights: nowhere.pth}}]"
    result = ganforge("run", tiny_recipe, lacking, *how)
    assert result.exit_code == 0
    assert "warning: a run would not begin: " in result.output and "nowhere.pth" in result.output
    assert ganforge("check", tiny_recipe, lacking).exit_code != 0
