"""The whole method on 16 px in process: an unconditional source, then a conditional transfer in three stages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import components
from PIL import Image

from ganforge.errors import CheckpointError
from ganforge.execute import resume, run
from ganforge.listener import Listener
from ganforge.opening import load_generator
from ganforge.recipe.load import LoadedRecipe, load_recipe
from ganforge.runs.checkpoint import load_newest
from ganforge.runs.rundir import RunDir
from ganforge.samples.request import Origin
from ganforge.samples.write import write_samples
from ganforge.sampling import Sampler
from ganforge.testing import check_source
from ganforge.weights.specs import Run

CPU = torch.device("cpu")
#: What the two recipes have in common.
COMMON = """\
seed: 3
resolution: 16
data: {{kind: stub_stripes, images: 16}}
training:
  batch: 4
  loss: {{kind: bce}}
  regularisers: [{{kind: r1, gamma: 1.0, every: 2}}]
  augmentations: [{{kind: diff_augment}}, {{kind: ada, adjust_images: 50}}]
  sampler: {{kind: balanced}}
  optimizer: {{kind: adam}}
  ema: 0.9
evaluation: {{evaluators: [{{kind: stub_brightness}}], images: 8}}
output: {{folder: {folder}, samples_every: 3, checkpoints_every: 2, metrics_every: 1, columns: 3}}
"""
BLOCKS = """\
    fc: {{kind: latent_to_grid, channels: 4, side: 4}}
    head_0: {{kind: style, channels: 4, upsampling: transposed, residual_scale: 0.1}}
    statistics: {{kind: statistics_affine, gain: 2.0}}
    up_0: {{kind: upsample}}
    resnet_0_0: {{kind: residual, channels: 3}}
    conv_img: {{kind: image_head}}
"""
CRITIC = """\
    conv_img: {{kind: image_stem, channels: 3}}
    resnet_0_0: {{kind: residual, channels: 4}}
    pool_0: {{kind: average_pool}}
    resnet_1_0: {{kind: residual, channels: 4}}
    pool_1: {{kind: average_pool}}
    fc: {{kind: logit_head}}
"""
SOURCE = (
    "name: source\n"
    + COMMON
    + f"""\
generator:
  latent_dim: 4
  mapping: {{{{kind: mapping_mlp, depth: 2, width: 4}}}}
  initialisation: {{{{kind: variance_preserving}}}}
  blocks:
{BLOCKS}discriminator:
  initialisation: {{{{kind: variance_preserving}}}}
  blocks:
{CRITIC}stages:
  - name: all
    steps: 2
    generator_rate: {{{{kind: constant, rate: 1e-3}}}}
    discriminator_rate: {{{{kind: constant, rate: 1e-3}}}}
"""
)
TRANSFER = (
    "name: transfer\n"
    + COMMON
    + f"""\
source: {{{{kind: run, path: {{source}}}}}}
generator:
  latent_dim: 4
  mapping: {{{{kind: mapping_mlp, depth: 2, width: 4}}}}
  initialisation: {{{{kind: variance_preserving}}}}
  adafm: [resnet_*]
  label:
    - {{{{where: {{{{kind: latent}}}}, how: {{{{kind: concatenate, dim: 4}}}}}}}}
  pretrained: {{{{fresh: [fc.*, head_0.*, statistics.*, mapping.*]}}}}
  blocks:
{BLOCKS}discriminator:
  initialisation: {{{{kind: variance_preserving}}}}
  label:
    - {{{{where: {{{{kind: after_frozen}}}}, how: {{{{kind: concatenate_map}}}}}}}}
  pretrained: {{{{}}}}
  blocks:
{CRITIC}stages:
  - name: head
    steps: 2
    generator: [{{{{freeze: "*"}}}}, {{{{train: fc.*}}}}, {{{{train: head_0.*}}}}, {{{{train: label_*}}}}]
    discriminator: &near_image [{{{{freeze: conv_img.*}}}}, {{{{freeze: resnet_0_0.*}}}}]
    generator_rate: &rate {{{{kind: constant, rate: 1e-3}}}}
    discriminator_rate: *rate
  - name: mapping
    steps: 2
    generator: [{{{{freeze: resnet_*}}}}, {{{{freeze: conv_img.*}}}}]
    discriminator: *near_image
    generator_rate: *rate
    discriminator_rate: *rate
  - name: adapt
    steps: 2
    generator: [{{{{freeze: resnet_*}}}}, {{{{freeze: conv_img.*}}}}, {{{{train: "*.adafm_*"}}}}]
    discriminator: *near_image
    generator_rate: *rate
    discriminator_rate: *rate
"""
)


class Told(Listener):
    """Remembers what it was told, and interrupts a run when a step is done."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.warnings: list[str] = []
        self.resumed_at: list[int] = []
        self.summaries: list[str] = []
        self.before: list[float] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def resumed(self, step: int) -> None:
        self.resumed_at.append(step)

    def spent_before(self, seconds: float) -> None:
        self.before.append(seconds)

    def source(self, provenance: Any, reports: Any) -> None:
        self.summaries += [report.summary() for report in reports]

    def step(self, report: Any) -> None:
        if report.step == self.stop_after:
            raise KeyboardInterrupt


def loaded(folder: Path, text: str, **places: Path) -> LoadedRecipe:
    file = folder / "recipe.yaml"
    file.write_text(text.format(folder=folder / "runs", **places))
    return load_recipe(file, (), components())


def hashes(run_dir: RunDir, but: tuple[str, ...] = ()) -> dict[str, bytes]:
    files = (file for file in sorted(run_dir.path.rglob("*")) if file.is_file())
    return {str(file.relative_to(run_dir.path)): file.read_bytes() for file in files if file.name not in but}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDir, RunDir, Told]:
    """The source's run, the transfer's run, and what the transfer told."""
    folder = tmp_path_factory.mktemp("e2e")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANFORGE_CACHE", str(folder / "cache"))
        source = run(loaded(folder, SOURCE), Listener(), CPU)
        told = Told()
        return source, run(loaded(folder, TRANSFER, source=source.path), told, CPU), told


def read(run_dir: RunDir, name: str) -> Any:
    return json.loads((run_dir.path / name).read_text())


def test_the_folder_of_a_run_holds_what_it_promises(runs: tuple[RunDir, RunDir, Told]) -> None:
    source, transfer, told = runs
    assert (source.path.name, transfer.path.name) == ("00000-source", "00001-transfer")
    per_checkpoint = {"manifest.json", "state.json", "augmentation_1.safetensors", "generator_average.safetensors"}
    for name in ("generator", "discriminator"):
        per_checkpoint |= {f"{name}.safetensors", f"{name}_optimizer.safetensors"}
    files = {f"checkpoints/step_0000000{step}/{name}" for step in (4, 6) for name in per_checkpoint}
    files |= {f"samples/step_0000000{step}.png" for step in (0, 3, 6)}
    files |= {"recipe.yaml", "run.json", "environment.json", "freeze.json", "data.json", "source.json", "load.json"}
    assert set(hashes(transfer)) == files | {"metrics.jsonl", "scores.json", "report.html", ".lock"}
    assert told.warnings == []
    state = transfer.read_state()
    assert (state["state"], state["classes"]) == ("finished", ["across", "upright"])
    assert Image.open(transfer.samples / "step_00000006.png").height == 2 * 18 - 2


def test_the_transfer_says_what_became_of_each_tensor(runs: tuple[RunDir, RunDir, Told]) -> None:
    source, transfer, told = runs
    generator, discriminator = read(transfer, "load.json")
    assert told.summaries == [
        "generator: 7 tensors loaded (0 of them widened), 28 fresh, 21 dropped",
        "discriminator: 13 tensors loaded (1 of them widened), 2 fresh, 0 dropped",
    ]
    assert generator["loaded"][:2] == ["resnet_0_0.conv_0.weight", "resnet_0_0.conv_0.bias"]
    assert discriminator["widened"] == [["resnet_1_0.conv_0.weight", 1, "resnet_1_0.extra_0.weight"]]
    provenance = read(transfer, "source.json")
    assert (provenance["name"], provenance["origin"]) == ("00000-source, step 2", str(source.path))


def test_what_was_frozen_is_still_that_of_the_source(runs: tuple[RunDir, RunDir, Told]) -> None:
    source, transfer, _ = runs
    before, after = (load_newest(r.checkpoints)[0].tensors for r in (source, transfer))
    for ours, theirs, frozen in (
        ("generator", "generator_average", ("resnet_0_0.conv", "conv_img")),
        ("discriminator", "discriminator", ("conv_img", "resnet_0_0")),
    ):
        same = {
            key for key in before[theirs] if key in after[ours] and torch.equal(before[theirs][key], after[ours][key])
        }
        assert same == {key for key in before[theirs] if key.startswith(frozen)}
    adapted = after["generator"]["resnet_0_0.adafm_0.gamma"]
    assert not torch.equal(adapted, torch.ones_like(adapted))


def test_the_table_of_who_trained_is_written_for_each_stage(runs: tuple[RunDir, RunDir, Told]) -> None:
    tables = read(runs[1], "freeze.json")
    trained = {
        name: [row["block"] for row in rows if row["network"] == "generator" and row["trained_tensors"]]
        for name, rows in tables.items()
    }
    assert list(trained) == ["head", "mapping", "adapt"]
    assert trained["head"] == ["fc", "head_0", "label_fc_concatenate"]
    assert "mapping" in trained["mapping"] and "resnet_0_0" not in trained["mapping"]
    assert "resnet_0_0" in trained["adapt"]


def test_scores_say_that_the_images_are_phantoms(runs: tuple[RunDir, RunDir, Told]) -> None:
    (score,) = read(runs[1], "scores.json")
    assert (score["name"], score["n_fake"]) == ("brightness", 8)
    assert score["warnings"] == ["the real images are phantoms, drawn by a program"]


def test_a_wanted_class_can_be_sampled(runs: tuple[RunDir, RunDir, Told], tmp_path: Path) -> None:
    generator, plan = load_generator(runs[1].path, components(), CPU, Listener())
    assert generator.is_conditional
    origin = Origin(plan.classes, "0123abcd", 6, is_phantom=False, weights="fedc9876")
    table = write_samples(Sampler(generator, seed=0), [1, 1, 0], origin, tmp_path / "out", Listener())
    assert sorted(path.name for path in table.parent.glob("*.png")) == ["0_000002.png", "1_000000.png", "1_000001.png"]
    assert table.read_text().splitlines()[1] == "1_000000.png,1,upright,0,0,1.0,exact,photographs,0123abcd,6,fedc9876"
    assert Image.open(table.parent / "1_000000.png").size == (16, 16)


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_a_run_that_was_interrupted_and_resumed_ends_with_the_same_bytes(
    stop: int, runs: tuple[RunDir, RunDir, Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, transfer, _ = runs
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    recipe = loaded(tmp_path, TRANSFER, source=source.path)
    with pytest.raises(KeyboardInterrupt):
        run(recipe, Told(stop), CPU)
    (stopped,) = (RunDir(path) for path in (tmp_path / "runs").iterdir())
    assert stopped.read_state()["state"] == "stopped"
    assert stopped.read_state()["error"] == "KeyboardInterrupt"
    spent = stopped.read_state()["seconds"]
    told = Told()
    resume(stopped.path, components(), told, CPU)
    assert told.before == ([spent] if spent else [])  # to a tenth of a second
    assert told.resumed_at == ([(stop - 1) // 2 * 2] if stop > 2 else [])
    assert stopped.read_state()["state"] == "finished"
    # these name the folder of the run, hold the hash of a recipe that does, or tell how long it took
    named = ("recipe.yaml", "run.json", "report.html", "state.json", "manifest.json")
    assert hashes(stopped, named) == hashes(transfer, named)


def test_a_finished_run_is_left_as_it_is(runs: tuple[RunDir, RunDir, Told]) -> None:
    before = hashes(runs[1])
    assert resume(runs[1].path, components(), Listener(), CPU).path == runs[1].path
    assert hashes(runs[1]) == before


def test_a_damaged_checkpoint_is_reported_and_the_older_one_taken(
    runs: tuple[RunDir, RunDir, Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    copy = RunDir(tmp_path / "copy")
    shutil.copytree(runs[1].path, copy.path)
    damaged = copy.checkpoints / "step_00000006" / "generator.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    copy.write_state(state="stopped")
    told = Told()
    resume(copy.path, components(), told, CPU)
    assert told.warnings == [
        f"{damaged} is missing or damaged: its sha256 differs from the manifest's. It is kept as damaged_step_00000006."
    ]
    assert told.resumed_at == [4]
    found = hashes(copy, ("run.json", "report.html"))
    assert {name for name in found if "damaged_" in name} == {
        f"checkpoints/damaged_step_00000006/{file.name}" for file in (runs[1].checkpoints / "step_00000006").iterdir()
    }
    whole = {name: content for name, content in found.items() if "damaged_" not in name}
    assert whole == hashes(runs[1], ("run.json", "report.html"))


def test_a_run_whose_recipe_was_changed_is_not_resumed(runs: tuple[RunDir, RunDir, Told], tmp_path: Path) -> None:
    copy = RunDir(tmp_path / "copy")
    shutil.copytree(runs[1].path, copy.path)
    copy.recipe.write_text(copy.recipe.read_text().replace("seed: 3", "seed: 4", 1))
    with pytest.raises(CheckpointError) as caught:
        resume(copy.path, components(), Listener(), CPU)
    assert str(caught.value) == (f"{copy.recipe} was changed since the run began; a resumed run would not be the same.")


def test_a_run_is_a_pretrained_source(runs: tuple[RunDir, RunDir, Told], tmp_path: Path) -> None:
    check_source(Run(path=runs[0].path), tmp_path)
