"""The study's cells are valid recipes, and its tables are made of results."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganforge.execute import plan_recipe
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from studies.cells import BATCH, Cell, cells
from studies.tables import curve_table, fill, table

ROOT = Path(__file__).parents[2]
CELLS = list(cells())


def test_cells_have_names_of_their_own_and_equal_budgets() -> None:
    assert len({cell.name for cell in CELLS}) == len(CELLS)
    systems = [cell for cell in CELLS if cell.table == "systems"]
    assert len(systems) == 4 * 3
    assert len({cell.images for cell in systems}) == 1


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_cell_is_a_valid_recipe_with_its_budget(cell: Cell, components: Components) -> None:
    recipe = plan_recipe(load_recipe(ROOT / cell.recipe, cell.command_overrides("fundus"), components)).recipe
    assert recipe.training.batch == BATCH
    assert sum(stage.steps for stage in recipe.stages) == cell.images // BATCH
    assert recipe.seed == cell.seed


def result(row: str, seed: int, values: list[float]) -> dict[str, object]:
    scores = [{"name": "kd[x@1]", "of_class": None, "value": values[-1]}, {"name": "kd[x@1]", "of_class": "4"}]
    curve = [[1000 * (i + 1), value] for i, value in enumerate(values)]
    return {"table": "systems", "row": row, "seed": seed, "images": 2000, "curve": curve, "scores": scores}


def test_tables_are_means_over_the_seeds(tmp_path: Path) -> None:
    results = [result("transfer", 0, [2.0, 1.0]), result("transfer", 1, [3.0, 2.0]), result("scratch", 0, [5.0, 4.0])]
    assert table(results, "systems").splitlines()[2:] == [
        "| transfer | 2 | 2,000 | 1.5 +- 0.71 |  |  |  |  |",
        "| scratch | 1 | 2,000 | 4 |  |  |  |  |",
    ]
    assert curve_table(results, "systems").splitlines() == [
        "| images | 1,000 | 2,000 |",
        "|---|---|---|",
        "| transfer | 2.5 | 1.5 |",
        "| scratch | 5 | 4 |",
    ]
    page = tmp_path / "study.md"
    page.write_text("before\n<!-- table: systems curve -->\nold\n<!-- end -->\nafter\n")
    fill(page, results)
    fill(page, results)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("<!-- end -->\nafter\n")
    assert text.count("| scratch | 5 | 4 |") == 1 and "old" not in text
