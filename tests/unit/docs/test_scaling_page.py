"""The tables of docs/scaling.md are what `python -m benchmarks.scaling` prints, and the model does its sums right."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.scaling import BATCH, LINKS, RECIPES, START, counts, memory_table, step_table, steps
from ganforge.cost.counting import Work
from ganforge.cost.estimate import StageCost

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "scaling.md").read_text()


def cost(share: int, sums: tuple[int, ...] = (8 * 10**8,)) -> StageCost:
    """A step that is nothing but products in bfloat16, a second of them for each image at 35% of the peak."""
    work = Work(flop=Counter(bfloat16=round(share * 0.35 * 312e12)), operations=1000)
    return StageCost("all", 1, "bfloat16", work, {}, 10**9, sums)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_tables_in_the_docs_are_what_the_command_prints(recipe: str) -> None:
    found = counts(recipe, (4, 8))  # all but the largest share, of which the model makes no use
    lines = [*memory_table(recipe, found), *step_table(recipe, found)]
    assert [line for line in lines if line not in PAGE.splitlines()] == []
    assert sum(line.startswith("|") for line in lines) == 2 + 2 + 10


def test_work_is_divided_and_sums_are_added() -> None:
    rows = {(step.gpus, step.link): step for step in steps({4: cost(BATCH // 4), 8: cost(BATCH // 8)})}
    assert rows[1, "NVLink"].computing == pytest.approx(BATCH)
    assert rows[1, "NVLink"].summing == 0
    assert rows[64, "10 Gbit/s"].computing == pytest.approx(1)
    rate, turn = LINKS["10 Gbit/s"]
    assert rows[64, "10 Gbit/s"].summing == pytest.approx(2 * 63 / 64 * 8e8 / rate + 126 * turn)
    assert rows[8, "NVLink"].summing == pytest.approx(2 * 7 / 8 * 8e8 / 230e9 + 14 * 5e-6)


def test_a_step_takes_no_less_than_starting_its_operations() -> None:
    idle = StageCost("all", 1, "bfloat16", Work(operations=1000), {}, 10**9, (0,))
    assert all(step.computing == pytest.approx(1000 * START) for step in steps({4: idle, 8: idle}))


def test_the_page_says_where_more_gpus_stop_to_help() -> None:
    lines = list(step_table("x", {4: cost(16, (10**11,)), 8: cost(8, (10**11,))}))
    assert "With 10 Gbit/s between machines: up to 8 GPUs, twice as many are at least 1.3 times as fast." in lines
    assert "With 100 Gbit/s between machines: up to 16 GPUs, twice as many are at least 1.3 times as fast." not in lines


def test_every_recipe_says_what_a_gpu_needs_as_the_page_does() -> None:
    for recipe in RECIPES:
        rows = [line.split("|") for line in PAGE.splitlines() if line.startswith(f"| `{recipe}.yaml` |")]
        said = {row[2].strip(): row[4].strip() for row in rows}
        text = (ROOT / "recipes" / f"{recipe}.yaml").read_text()
        assert list(said) == ["64", "16", "8"]
        assert f"#   images at a time {', '.join(said)}: {', '.join(said.values())} GB\n" in text
