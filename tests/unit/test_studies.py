"""The study's cells are valid recipes, and its tables are made of results."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganforge.planning import plan_recipe
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.runs.rundir import RunDir
from studies import running
from studies.cells import BATCH, Cell, cells
from studies.tables import class_table, curve_table, draw_curves, fill, table

ROOT = Path(__file__).parents[2]
CELLS = list(cells())


def test_cells_have_names_of_their_own_and_equal_budgets() -> None:
    assert len({cell.name for cell in CELLS}) == len(CELLS)
    systems = [cell for cell in CELLS if cell.table == "systems"]
    assert len(systems) == 5 * 3
    assert len({cell.images for cell in systems}) == 1


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_cell_is_a_valid_recipe_with_its_budget(cell: Cell, components: Components, tmp_path: Path) -> None:
    for name in ("RBC", "WBC"):
        (tmp_path / "blood_cells" / name).mkdir(parents=True)
    overrides = cell.command_overrides(str(tmp_path), tmp_path if cell.source else None)
    recipe = plan_recipe(load_recipe(ROOT / cell.recipe, overrides, components)).recipe
    assert recipe.training.batch == BATCH
    assert sum(stage.steps for stage in recipe.stages) == cell.images // BATCH
    assert recipe.seed == cell.seed


def test_a_cell_begins_from_one_before_it() -> None:
    before: list[str] = []
    for cell in CELLS:
        assert not cell.source or cell.source in before
        before.append(cell.name)
    assert any(cell.source for cell in CELLS)


def test_a_cell_waits_for_the_run_that_it_begins_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = next(cell for cell in CELLS if cell.source)
    run = RunDir.create(tmp_path, cell.source)
    run.write_state(state="stopped", classes=["a"])
    assert not running.run(cell, str(tmp_path), tmp_path)
    assert capsys.readouterr().out == (
        f"{cell.name} begins from the run of {cell.source}, which is not finished in {tmp_path}\n"
    )


def result(row: str, seed: int, values: list[float]) -> dict[str, object]:
    name = "kd[efficientnet-lite2@1]"
    scores = [
        {"name": name, "of_class": None, "value": values[-1], "floor": 0.25},
        {"name": name, "of_class": "4", "value": 9.0, "floor": 9.0},
    ]
    curve = [[1000 * (i + 1), value] for i, value in enumerate(values)]
    return {"table": "systems", "row": row, "seed": seed, "images": 2000, "curve": curve, "scores": scores}


RESULTS = [result("transfer", 0, [2.0, 1.0]), result("transfer", 1, [3.0, 2.0]), result("scratch", 0, [5.0, 4.0])]


def test_tables_are_means_over_the_seeds() -> None:
    assert table(RESULTS, "systems").splitlines()[2:] == [
        "| transfer | 2 | 2,000 | 1.5 ± 0.71 |  |  |  |  |  |  |  |  |",
        "| scratch | 1 | 2,000 | 4 |  |  |  |  |  |  |  |  |",
        "| *real images* |  |  | 0.25 |  |  |  |  |  |  |  |  |",
    ]
    head, *_ = table(RESULTS, "systems").splitlines()
    for name, value in (("label kappa[probe]", 0.5), ("label quadratic kappa[probe]", 0.75)):
        scored = {**RESULTS[2], "scores": [{"name": name, "of_class": None, "value": value, "floor": None}]}
        cells = dict(zip(head.split(" | "), table([scored], "systems").splitlines()[2].split(" | "), strict=True))
        assert cells["label kappa"] == f"{value}"
    assert curve_table(RESULTS, "systems").splitlines() == [
        "| images | 1,000 | 2,000 |",
        "|---|---|---|",
        "| transfer | 2.5 | 1.5 |",
        "| scratch | 5 | 4 |",
    ]


def test_a_table_by_class_has_those_with_a_score_and_leaves_out_systems_without_a_label() -> None:
    def score(name: str, of_class: str | None, value: float) -> dict[str, object]:
        return {"name": name, "of_class": of_class, "value": value, "floor": 0.25, "spread": 0.5, "n_real": 7}

    def scored(row: str, seed: int, *scores: dict[str, object]) -> dict[str, object]:
        return {**result(row, seed, [1.0]), "scores": [score("kd[efficientnet-lite2@1]", None, 9.0), *scores]}

    kd, task = "kd[efficientnet-lite2@1]", "AUROC of 2+3+4[train on synthetic, test on real; probe]"
    both = "AUROC of 2+3+4[train on real + synthetic, test on real; probe]"
    on_equal = [{**score(both, None, 0.75), "floor_spread": 0.125}]
    results = [
        {**scored("labelled", 0, score(kd, "mild", 1.0), score(task, None, 0.5)), "scores_on_equal": on_equal},
        scored("labelled", 1, score(kd, "mild", 2.0), score(task, None, 0.75)),
        scored("plain", 0),
    ]
    assert class_table(results, "systems").splitlines() == [
        "| system | seeds | kd of mild (n = 7) | AUROC of grades 2 to 4, trained on it "
        "| balanced accuracy, trained on equal grades of it | AUROC, on photographs and it "
        "| AUROC, on photographs and equal grades | kappa, trained on photographs and it "
        "| kappa, on photographs and equal grades |",
        "|---|---|---|---|---|---|---|---|---|",
        "| labelled | 2 | 1.5 ± 0.5 | 0.625 ± 0.5 |  |  | 0.75 ± 0.5 |  |  |",
        "| *real images* |  | 0.25 | 0.25 |  |  | 0.25 ± 0.12 |  |  |",
    ]


def test_a_page_is_filled_between_its_marks_as_often_as_one_likes(tmp_path: Path) -> None:
    page = tmp_path / "study.md"
    page.write_text("before\n<!-- curve: systems -->\nold\n<!-- end -->\nafter\n")
    fill(page, RESULTS)
    once = page.read_text()
    fill(page, RESULTS)
    assert page.read_text() == once
    assert once.startswith("before\n") and once.endswith("<!-- end -->\nafter\n")
    assert once.count("| scratch | 5 | 4 |") == 1 and "old" not in once


def test_curves_are_drawn_with_a_line_for_each_run(tmp_path: Path) -> None:
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    draw_curves(RESULTS, "systems", first)
    draw_curves(RESULTS, "systems", second)
    assert first.read_bytes() == second.read_bytes()
    text = first.read_text()
    assert all(word in text for word in ("transfer", "scratch", "images seen"))
    assert text.count('id="line2d_') >= 3
