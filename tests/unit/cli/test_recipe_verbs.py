"""check, show, freeze and schema read a recipe and train nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from ganforge.recipe.load import load_recipe
from ganforge.registry import Components

Ganforge = Callable[..., Result]


def test_check_sums_the_recipe_up(ganforge: Ganforge, tiny_recipe: Path) -> None:
    result = ganforge("check", tiny_recipe)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "tiny: 16 x 16 pixels, 3 classes (large, medium, small)",
        "",
        "generator: 4,711 parameters, style of 8",
        "  block       kind            gives",
        "              (input)         8 x 1 x 1",
        "  fc          latent_to_grid  8 x 4 x 4",
        "  head_0      style           8 x 8 x 8",
        "  up_0        upsample        8 x 16 x 16",
        "  resnet_0_0  residual        8 x 16 x 16",
        "  conv_img    image_head      3 x 16 x 16",
        "  label: concatenate joins the input of fc and of the mapping network (8 x 1 x 1)",
        "",
        "discriminator: 945 parameters",
        "  block       kind          gives",
        "              (input)       3 x 16 x 16",
        "  conv_img    image_stem    4 x 16 x 16",
        "  pool_0      average_pool  4 x 8 x 8",
        "  resnet_0_0  residual      8 x 8 x 8",
        "  pool_1      average_pool  8 x 4 x 4",
        "  fc          logit_head    1 x 1 x 1",
        "  label: concatenate_map joins the input of resnet_0_0 (4 x 8 x 8)",
        "",
        "stage  steps  generator trains  discriminator trains",
        "head       2    3,543 of 4,711            833 of 945",
        "all        2    4,711 of 4,711            833 of 945",
        "",
        "ok",
    ]


def test_a_check_that_passes_means_that_a_run_begins_and_one_that_fails_tells_all_that_it_lacks(
    ganforge: Ganforge, tiny_recipe: Path, tmp_path: Path
) -> None:
    lacks = [
        f"source={{kind: run, path: {tmp_path}/gone}}",
        "generator.pretrained={}",
        "evaluation.evaluators=[{kind: fid, weights: gone.pt}, {kind: kid, weights: gone.pt}]",
    ]
    checked, ran = ganforge("check", tiny_recipe, *lacks), ganforge("run", tiny_recipe, *lacks)
    assert checked.stderr == ran.stderr and checked.exit_code == ran.exit_code == 5
    assert len(ran.stderr.splitlines()) == 2 and f"{tmp_path}/gone" in ran.stderr and "gone.pt" in ran.stderr
    assert checked.stdout.endswith("\n\nthe recipe is right, but a run would stop now\n")
    (tmp_path / "file").touch()
    closed = ganforge("check", tiny_recipe, f"output.folder={tmp_path}/file/runs")
    assert closed.exit_code == 2
    assert closed.stderr == (
        f"error: can't make a run folder in {tmp_path}/file/runs: {tmp_path}/file is no folder. Choose another with "
        "output.folder=DIR.\n"
    )
    assert not (tmp_path / "runs").exists()


def test_check_writes_nothing(ganforge: Ganforge, tiny_recipe: Path) -> None:
    before = sorted(tiny_recipe.parent.iterdir())
    ganforge("check", tiny_recipe)
    assert sorted(tiny_recipe.parent.iterdir()) == before


def test_check_reports_all_problems_with_their_places(ganforge: Ganforge, tiny_recipe: Path) -> None:
    result = ganforge("check", tiny_recipe, "training.batch=0", "stages[9].steps=3")
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first == "error: training.batch: must be greater than 0, not 0. Set by the override 'training.batch=0'."
    assert second.startswith("error: override 'stages[9].steps=3': there is no stages[9]")


def test_check_points_at_the_line_that_does_not_fit(ganforge: Ganforge, tiny_recipe: Path) -> None:
    result = ganforge("check", tiny_recipe, "data.root=[no]where")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {tiny_recipe}:5:1 data: there is no folder [no]where")
    assert result.stderr.endswith(" data.root is set by the override 'data.root=[no]where'.\n")


def test_check_shows_adafm_and_labels_that_change_features(ganforge: Ganforge, tiny_recipe: Path) -> None:
    result = ganforge(
        "check",
        tiny_recipe,
        "generator.adafm=[resnet_*]",
        "generator.label[0]={where: {kind: after, block: up_0}, how: {kind: film}}",
        "discriminator.label[0]={where: {kind: latent}, how: {kind: projection}}",
    )
    lines = result.stdout.splitlines()
    assert "  label: film changes the input of resnet_0_0 (8 x 16 x 16)" in lines
    assert "  AdaFM: resnet_0_0" in lines
    assert "  label: projection reads the input of fc, adds to the logit (8 x 4 x 4)" in lines


def test_show_prints_a_recipe_that_loads_back(ganforge: Ganforge, tiny_recipe: Path, components: Components) -> None:
    result = ganforge("show", tiny_recipe, "seed=7")
    copy = tiny_recipe.with_name("copy.yaml")
    copy.write_text(result.stdout, encoding="utf-8")
    assert load_recipe(copy, (), components).recipe == load_recipe(tiny_recipe, ["seed=7"], components).recipe


def test_show_resolved_says_where_each_value_comes_from(ganforge: Ganforge, tiny_recipe: Path) -> None:
    result = ganforge("show", tiny_recipe, "seed=7", "--resolved")
    lines = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert lines[0] == ["key", "value", f"line:column of {tiny_recipe}"]
    assert ["name", "tiny", "1:7"] in lines
    assert ["seed", "7", "override 'seed=7'"] in lines
    assert ["split.held_out", "0.2", "default"] in lines


def test_freeze_counts_tensors_and_parameters_of_each_block(ganforge: Ganforge, tiny_recipe: Path) -> None:
    result = ganforge("freeze", tiny_recipe)
    first, _ = result.stdout.split("\n\n")
    assert first.splitlines() == [
        "stage head, 2 steps",
        "  generator             trained  parameters  frozen  parameters",
        "  fc                          3       1,664       0           0",
        "  head_0                     10       1,472       0           0",
        "  resnet_0_0                  0           0       4       1,168",
        "  conv_img                    2         219       0           0",
        "  label_fc_concatenate        1          12       0           0",
        "  mapping                     5         176       0           0",
        "  total                      21       3,543       4       1,168",
        "  discriminator                     trained  parameters  frozen  parameters",
        "  conv_img                                0           0       2         112",
        "  resnet_0_0                              6         512       0           0",
        "  fc                                      2         129       0           0",
        "  label_resnet_0_0_concatenate_map        1         192       0           0",
        "  total                                   9         833       2         112",
    ]


def test_freeze_gives_the_same_numbers_as_json(ganforge: Ganforge, tiny_recipe: Path) -> None:
    tables = json.loads(ganforge("freeze", tiny_recipe, "--json").stdout)
    assert list(tables) == ["head", "all"]
    assert tables["head"][2] == {
        "network": "generator",
        "block": "resnet_0_0",
        "trained_tensors": 0,
        "trained_parameters": 0,
        "frozen_tensors": 4,
        "frozen_parameters": 1168,
    }


def test_schema_goes_to_the_output_or_to_a_file(ganforge: Ganforge, tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    printed = ganforge("schema")
    assert ganforge("schema", "--out", file).stdout == ""
    assert file.read_text(encoding="utf-8") == printed.stdout
    assert json.loads(printed.stdout)["title"] == "ganforge recipe"


def test_a_schema_that_cannot_be_written_is_an_error(ganforge: Ganforge, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = ganforge("schema", "--out", tmp_path / "file" / "schema.json")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: can't write ")
    assert result.stderr.endswith(" Choose another file with --out.\n")


def test_check_and_run_find_before_any_image_is_read_that_a_source_fits_neither_network(
    ganforge: Ganforge, tiny_recipe: Path
) -> None:
    words = ["source={kind: flowers_64}", "generator.pretrained={}", "discriminator.pretrained={}"]
    checked, ran = ganforge("check", tiny_recipe, *words), ganforge("run", tiny_recipe, *words)
    assert checked.exit_code == ran.exit_code == 5
    assert checked.stdout.endswith("\n\nthe recipe is right, but a run would stop now\n")
    assert checked.stderr == ran.stderr
    assert "the weights don't fit the generator:" in ran.stderr and "fit the discriminator:" in ran.stderr
    assert "reading images" not in ran.stdout
