"""An exported folder: what is in it, and that what comes back is what went in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from cases import components, recipe_data
from runs import LABEL, STUB, finished_run
from trainings import contents

import ganforge
from ganforge.card import _score
from ganforge.errors import CheckpointError, UsageError
from ganforge.evaluation.score import Score
from ganforge.exports.model_card import _scores
from ganforge.exports.write import export
from ganforge.files import sha256_of
from ganforge.listener import Listener
from ganforge.opening import open_trained
from ganforge.recipe import yaml
from ganforge.registry import Components
from ganforge.trained import Trained

CPU = torch.device("cpu")


def exported(trained: Trained, out: Path, *formats: Any) -> Path:
    export(trained, out, formats or ("safetensors",), components(), Listener(), "other")
    return out


def rewrite(folder: Path, **changes: Any) -> None:
    """Change config.json, and let the manifest agree."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    manifest = {path.name: sha256_of(path) for path in folder.iterdir() if path.suffix in {".json", ".safetensors"}}
    (folder / "manifest.json").write_text(json.dumps({k: v for k, v in manifest.items() if k != "manifest.json"}))


def test_what_is_loaded_back_gives_the_same_images(trained: Trained, run: Path, tmp_path: Path) -> None:
    folder = exported(trained, tmp_path / "out")
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "config.json", "manifest.json", "model.safetensors",
    ]  # fmt: skip
    here, there = ganforge.load(run, plugins=[STUB]), ganforge.load(folder)
    assert there.card == here.card
    assert np.array_equal(there(None, 6, seed=4, truncation=0.6), here(None, 6, seed=4, truncation=0.6))
    assert not any(path.name.startswith(".") for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "where", "how"),
    [
        ("transfer", {"kind": "after_frozen"}, {"kind": "concatenate_map"}),
        ("transfer", {"kind": "at_resolution", "pixels": 4}, {"kind": "film"}),
        ("style", {"kind": "latent"}, {"kind": "concatenate", "dim": 3}),
        ("gp_gan", {"kind": "after", "block": "up_0"}, {"kind": "add"}),
    ],
)
def test_labels_enter_where_they_entered_in_the_run(
    name: str, where: dict[str, Any], how: dict[str, Any], tmp_path: Path
) -> None:
    data = recipe_data(name)
    data["generator"]["label"] = [{"where": where, "how": how}, LABEL] if where["kind"] != "latent" else [LABEL]
    stages = [{**data["stages"][0], "generator": [{"freeze": "fc.*"}]}]
    path = finished_run(tmp_path, name, conditional=False, generator_spec=data["generator"], stages=stages)
    trained = open_trained(path, components(), CPU, Listener())
    again = open_trained(exported(trained, tmp_path / "out"), components(), CPU, Listener())
    assert again.generator.injections == trained.generator.injections
    assert all(
        torch.equal(value, again.generator.state_dict()[key]) for key, value in trained.generator.state_dict().items()
    )


def test_the_config_says_what_is_needed_to_build_the_generator(trained: Trained, tmp_path: Path) -> None:
    config = json.loads((exported(trained, tmp_path / "out") / "config.json").read_text())
    assert (config["library_name"], config["format"]) == ("ganforge", 1)
    assert config["classes"] == ["across", "upright"]
    assert (config["resolution"], config["latent_dim"], config["sites"]) == (8, 4, [0])
    assert config["components"]["style"] == "ganforge 0"
    assert list(config["generator"]["blocks"]) == ["norm", "fc", "style_0", "style_1", "conv_img"]


def test_no_path_and_no_name_of_a_file_leaves(trained: Trained, run: Path, tmp_path: Path) -> None:
    folder = exported(trained, tmp_path / "out", "safetensors", "torch_export")
    secrets = [
        str(run),
        str(tmp_path),
        str(Path.home()),
        str(Path(ganforge.__file__).parent),
        "smith_john",
        "stripes 3",
    ]
    for name, content in contents(folder).items():
        assert [secret for secret in secrets if secret.encode() in content] == [], name


def test_the_card_is_one_of_the_hub_and_shouts_at_phantoms(trained: Trained, tmp_path: Path) -> None:
    text = (exported(trained, tmp_path / "out") / "README.md").read_text()
    _, header, body = text.split("---\n", 2)
    found = yaml.parse(header, lambda line, column: None).plain()  # type: ignore[arg-type, return-value]
    assert found == {
        "license": "other",
        "license_name": "terms-of-data-and-source",
        "license_link": "README.md#what-it-learnt-from",
        "library_name": "ganforge",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["ganforge", "gan", "medical", "class-conditional", "safetensors", "phantom"],
        "datasets": ["stripes-phantom"],
    }
    assert "**PHANTOM.**" in body and "Stripes \\[of\\] 8 px." in body
    assert "| upright | 5 | 1 |" in body or "| upright | 4 | 2 |" in body
    assert re.search(r"\| \S*brightness\S* \| all \| [\d.]+ \| lower \|", body)
    assert "Look for copies of patients" in body and "Not for diagnosis" in body
    assert "licence of the images: CC0-1.0" in body


def test_the_card_says_each_warning_once_with_the_scores_that_it_is_about() -> None:
    common = {"n_real": 8, "n_fake": 8, "dataset": "discs", "split": "8 held out"}
    kd = Score("kd[net]", 0.5, warnings=("few images.", "drawn."), meaning="kd: 0 is perfect.", **common)
    fd = Score("fd[net]", 9, floor=3, warnings=("drawn.",), of_class="small|er", **common)
    ratio = Score("ratio[pixels]", 1.2, target=1, warnings=("drawn.",), resizer="none", floor=0.98, **common)
    found = SimpleNamespace(scores=[_score(each.as_dict()) for each in (kd, fd, ratio)])
    text = _scores(found)
    assert text.splitlines()[-4:] == [
        "- kd: 0 is perfect.",
        "",
        "- **warning: kd: few images.**",
        "- **warning: drawn.**",
    ]
    assert "Measured against discs, 8 held out." in text and "none" not in text
    assert "**net**\n\n| score | class | value | better |" in text
    assert "| fd | small\\|er | 9 | lower |  |  | 3 | 8 |" in text
    assert "| ratio | all | 1.2 | near 1 |  |  | 0.98 | 8 |" in text


def test_a_run_that_is_not_finished_has_no_scores_in_its_card(run: Path, tmp_path: Path) -> None:
    older = open_trained(run / "checkpoints" / "step_00000002", components(), CPU, Listener())
    text = (exported(older, tmp_path / "out") / "README.md").read_text()
    assert "**None**: the scores of the run are those of another step." in text


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_damaged_file_is_refused(trained: Trained, tmp_path: Path, name: str) -> None:
    folder = exported(trained, tmp_path / "out")
    (folder / name).write_bytes((folder / name).read_bytes()[:-1] + b" ")
    with pytest.raises(CheckpointError, match=f"{name} is missing or damaged: its sha256 differs from the manifest's"):
        ganforge.load(folder)


def test_an_edited_card_and_files_of_the_hub_do_no_harm(trained: Trained, tmp_path: Path) -> None:
    folder = exported(trained, tmp_path / "out")
    (folder / "README.md").write_text("mine")
    (folder / ".gitattributes").touch()
    assert ganforge.load(folder).classes == ("across", "upright")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"library_name": "diffusers"}, "is none that `ganforge export` wrote"),
        ({"format": 2}, "has format 2; this version of ganforge reads format 1"),
        ({"sites": [9]}, "there is no site 9; there are sites 0 to 5"),
        ({"sites": []}, "1 labels have 0 sites"),
        ({"resolution": 16}, "`resolution` is 16 here and 8 there"),
        ({"code": "import os"}, "code: Extra inputs are not permitted"),
        ({"classes": ["a"]}, "`classes` is"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(
    trained: Trained, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    folder = exported(trained, tmp_path / "out")
    rewrite(folder, **changes)
    with pytest.raises(CheckpointError, match=message):
        ganforge.load(folder)


@pytest.mark.parametrize(
    ("classes", "message"),
    [(["a", "a"], r"classes: two are called 'a'\."), (["a", "\ud800"], r"classes: '\\ud800' is no text\.")],
)
def test_classes_that_nobody_could_ask_for_are_refused(
    trained: Trained, tmp_path: Path, classes: list[str], message: str
) -> None:
    folder = exported(trained, tmp_path / "out")
    card = json.loads((folder / "config.json").read_text())["card"]
    rewrite(folder, classes=classes, card={**card, "classes": classes})
    with pytest.raises(CheckpointError, match=rf"config\.json can't be used:\n  {message}$"):
        ganforge.load(folder)


def test_a_config_that_asks_for_a_huge_network_allocates_none(trained: Trained, tmp_path: Path) -> None:
    folder = exported(trained, tmp_path / "out")
    generator = json.loads((folder / "config.json").read_text())["generator"]
    generator["blocks"]["fc"]["channels"] = generator["blocks"]["style_0"]["channels"] = 65_536
    rewrite(folder, generator=generator)
    with pytest.raises(CheckpointError, match=r"doesn't fit config\.json: fc\.weight"):
        ganforge.load(folder)


def test_components_that_are_not_installed_are_named_with_their_distribution(trained: Trained, tmp_path: Path) -> None:
    folder = exported(trained, tmp_path / "out")
    with pytest.raises(
        CheckpointError, match=r"no block is called 'pixel_norm'\.(.|\n)*It was written with ganforge 0\."
    ):
        open_trained(folder, Components(), CPU, Listener())


def test_a_folder_with_files_is_not_written_over(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(UsageError, match=r"exists and is no empty folder\. Choose another with --out\."):
        exported(trained, tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "mine"]


def test_graphs_alone_are_no_generator_for_ganforge(trained: Trained, tmp_path: Path) -> None:
    folder = exported(trained, tmp_path / "out", "torch_export")
    with pytest.raises(CheckpointError, match=r"has no model\.safetensors, so that only its graphs can be used"):
        ganforge.load(folder)
