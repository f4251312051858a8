"""What a run says at its start and at its end."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ganforge.cli.options import Settings
from ganforge.data.images import DatasetCard, LabelledImages
from ganforge.evaluation.score import Score
from ganforge.freeze.policy import FreezeRow
from ganforge.plan.plan import Plan
from ganforge.plan.walk import walk
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.telling.commands import command
from ganforge.telling.display import PlainDisplay
from ganforge.telling.narrator import Narrator
from ganforge.telling.output import Output
from ganforge.weights.load import LoadReport
from ganforge.weights.pretrained import Provenance


def narrator(command: Callable[..., str] = command) -> tuple[Narrator, io.StringIO]:
    stream = io.StringIO()
    return Narrator(PlainDisplay(Output(Console(file=stream, width=80))), command), stream


def images(labels: list[int], *, is_phantom: bool) -> LabelledImages:
    card = DatasetCard("discs", ("0", "1"), "CC0", "nobody", is_phantom, "")
    names = [str(number) for number in range(len(labels))]
    return LabelledImages(np.zeros((len(labels), 3, 4, 4), np.uint8), np.array(labels, np.int64), names, names, card)


@pytest.fixture
def plan(tiny_recipe: Path, components: Components) -> Plan:
    return walk(load_recipe(tiny_recipe, (), components).recipe)


def test_the_start_names_recipe_folder_and_what_trains(plan: Plan) -> None:
    teller, stream = narrator()
    teller.planned(plan, Path("runs/00000-tiny"))
    assert stream.getvalue().splitlines() == [
        "tiny",
        "  Discs of three sizes.",
        "folder: runs/00000-tiny (with samples/ and checkpoints/)",
        "",
        "stage  steps  generator trains  discriminator trains",
        "head       2    3,543 of 4,711            833 of 945",
        "all        2    4,711 of 4,711            833 of 945",
        "",
    ]


def test_the_data_are_counted_by_class() -> None:
    teller, stream = narrator()
    teller.data(images([0, 0, 1], is_phantom=False), images([1], is_phantom=False))
    assert stream.getvalue().splitlines() == [
        "data: discs, licence: CC0; 3 images to train on, 1 held out",
        "  class  train  held out",
        "  0          2         0",
        "  1          1         1",
        "",
    ]


def test_phantoms_are_called_so_in_capitals() -> None:
    teller, stream = narrator()
    teller.data(images([0, 1], is_phantom=True), images([], is_phantom=True))
    assert (
        "PHANTOM: these images are drawn by a program; nothing learnt from them is about patients."
        in stream.getvalue().splitlines()
    )


def test_the_source_comes_with_licence_and_load_report() -> None:
    teller, stream = narrator()
    provenance = Provenance("flowers", "https://example.org/f.pt", "00", "CC-BY-4.0")
    teller.source(provenance, [LoadReport("generator", ("a", "b"), (), ("c",), ())])
    assert stream.getvalue().splitlines() == [
        "source: flowers, licence: CC-BY-4.0",
        "  from https://example.org/f.pt",
        "  generator: 2 tensors loaded (0 of them widened), 1 fresh, 0 dropped",
        "",
    ]


def test_each_stage_says_what_trains() -> None:
    teller, stream = narrator()
    teller.stage("adapt", [FreezeRow("generator", "a", 1, 1000, 0, 0), FreezeRow("discriminator", "b", 1, 20, 1, 5)])
    assert stream.getvalue() == "stage adapt: trains 1,000 of the generator, 20 of the discriminator\n"


def test_scores_are_a_table_with_the_warnings_below_it_once_each() -> None:
    teller, stream = narrator()
    kd = Score("kd[x@1]", 0.5, 10, 10, spread=0.125, floor=0.25, warnings=("few images.", "drawn."))
    agreement = Score("agreement", 0.75, 8, 6, of_class="small", matrix=((3, 1), (0, 2)), classes=("small", "large"))
    teller.scores([kd, replace(agreement, warnings=("drawn.",))])
    assert stream.getvalue().splitlines() == [
        "",
        "scores",
        "  score             value  draws +-  real  x real    n",
        "  [x@1]",
        "  kd                  0.5      0.12  0.25       2   10",
        "  agreement, small   0.75                          6/8",
        "  better: lower for kd, agreement",
        "  n: images compared at a time, which may be fewer than all; generated/real where they differ",
        "  agreement: asked (rows) by recognised (columns)",
        "           small  large",
        "    small      3      1",
        "    large      0      2",
        "  warning: kd: few images.",
        "  warning: drawn.",
    ]


def test_scores_of_classes_stand_under_that_of_all_and_all_fit_80_columns() -> None:
    teller, stream = narrator()
    full = {"spread": 0.0123, "seed_spread": 0.0123, "floor": 0.007323}
    name = "label balanced accuracy[train on real + synthetic, test on real; linear probe on efficientnet-lite2@9656]"
    score = Score(name, -0.03806, 1234, 300, **full)  # type: ignore[arg-type]
    teller.scores([score, *(replace(score, of_class=of_class) for of_class in ("Platelets", "RBC"))])
    _, _, header, heading, *rows, _, _ = stream.getvalue().splitlines()
    assert heading == f"  {name[name.index('[') :]}"
    assert [row[:24].rstrip() for row in rows] == ["  label balanced accurac", "    Platelets", "    RBC"]
    assert max(map(len, [header, *rows])) <= 80


def test_the_end_names_the_sample_grid_and_the_next_command(plan: Plan) -> None:
    teller, stream = narrator(Settings(plugin_files=(Path("my plugin.py"),)).command)
    teller.planned(plan, Path("runs/00000-tiny"))
    teller.wrote("samples", Path("runs/00000-tiny/samples/step_00000004.png"))
    stream.truncate(0)
    stream.seek(0)
    teller.finished(Path("runs/00000-tiny"), 61.0)
    assert stream.getvalue().splitlines() == [
        "",
        "finished in 0:01:01",
        "run: runs/00000-tiny",
        "samples: runs/00000-tiny/samples/step_00000004.png",
        "next: ganforge -p 'my plugin.py' sample runs/00000-tiny --label small --count 16 --out samples",
    ]


def test_the_next_command_asks_for_a_class_that_no_line_can_hold_by_its_number(plan: Plan) -> None:
    teller, stream = narrator()
    teller.planned(replace(plan, classes=("large", "medium", "b\nc")), Path("runs/00000-tiny"))
    teller.finished(Path("runs/00000-tiny"), 61.0)
    assert "next: ganforge sample runs/00000-tiny --label 2 --count 16 --out samples" in stream.getvalue().splitlines()


def test_the_end_of_a_resumed_run_counts_what_was_done_before(plan: Plan) -> None:
    teller, stream = narrator()
    teller.planned(plan, Path("runs/00000-tiny"))
    teller.spent_before(150.0)
    teller.finished(Path("runs/00000-tiny"), 297.0)
    assert "finished in 0:04:57 (0:07:27 with what was done before)" in stream.getvalue().splitlines()


def test_warnings_are_marked() -> None:
    teller, stream = narrator()
    teller.warning("3 files are [doubles].")
    assert stream.getvalue() == "warning: 3 files are [doubles].\n"
