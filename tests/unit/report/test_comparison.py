"""Runs side by side."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hostile import PATIENT
from page_text import words

from ganforge.errors import CheckpointError, UsageError
from ganforge.evaluation.score import Score
from ganforge.files import write_json
from ganforge.report.comparison import Comparison, compare_runs
from ganforge.report.rendering import render, render_comparison
from ganforge.report.report import Drawn, gather

KD = Score("kd[net@1]", 0.50, 300, 300, spread=0.02, floor=0.01, num_seeds=3, seed_spread=0.01)


@pytest.fixture
def second(finished: Path) -> Path:
    """The same run again, under another name."""
    return Path(shutil.copytree(finished, finished.parent / "00001-other"))


def with_scores(folder: Path, *scores: Score) -> None:
    write_json(folder / "scores.json", [score.as_dict() for score in scores])


def changed(folder: Path, name: str, **changes: Any) -> None:
    path = folder / name
    write_json(path, {**json.loads(path.read_text()), **changes})


def verdicts(comparison: Comparison) -> list[list[str]]:
    return [["" if cell is None else cell.verdict for cell in line.cells] for line in comparison.lines]


def test_runs_without_a_common_score_are_told_what_each_has(finished: Path, second: Path) -> None:
    with_scores(finished, KD)
    with_scores(second, replace(KD, name="fd[net@1]"), replace(KD, name="kd[other@2]"))
    comparison = compare_runs([finished, second])
    assert comparison.nothing_in_common.startswith(
        f"no score is common to two of the runs: {finished.name} has kd[net@1]; 00001-other has fd[net@1], "
        "kd[other@2]. `ganforge eval RUN --metrics KIND`"
    )
    assert "no score is common to two of the runs" in words(render_comparison(comparison))
    with_scores(second, KD)
    assert compare_runs([finished, second]).nothing_in_common == ""


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (KD, replace(KD, value=0.6), ["best", ""]),
        (KD, replace(KD, value=0.56), ["best", "not told apart"]),
        (
            replace(KD, lower_is_better=False, floor=0.9),
            replace(KD, value=0.7, lower_is_better=False, floor=0.9),
            ["", "best"],
        ),
        # two that are as good as real images: which is further on says nothing
        (replace(KD, value=0.0), replace(KD, value=-0.3), ["not told apart", "not told apart"]),
        (KD, KD, ["equal", "equal"]),
        (KD, replace(KD, value=KD.value + 1e-16), ["equal", "equal"]),
        (Score("share", 0.0, 300, 300), Score("share", 0.0, 300, 300), ["equal", "equal"]),
        (Score("share", 0.0, 300, 300), Score("share", 0.1, 300, 300), ["best", ""]),
        (KD, replace(KD, value=0.9, n_real=200), ["", ""]),
    ],
)
def test_the_best_is_named_where_spreads_tell_it_apart(
    finished: Path, second: Path, one: Score, other: Score, expected: list[str]
) -> None:
    with_scores(finished, one)
    with_scores(second, other)
    assert verdicts(compare_runs([finished, second])) == [expected]


def test_equal_values_have_no_winner_on_the_page(finished: Path, second: Path) -> None:
    with_scores(finished, KD)
    with_scores(second, KD)
    html = render_comparison(compare_runs([finished, second]))
    assert html.count('<span class="kind">equal</span>') == 2 and '<span class="best' not in html


def test_of_three_the_two_that_share_the_best_value_are_equal(finished: Path, second: Path) -> None:
    third = Path(shutil.copytree(finished, finished.parent / "00002-third"))
    for folder, score in ((finished, replace(KD, value=0.52)), (second, KD), (third, KD)):
        with_scores(folder, score)
    assert verdicts(compare_runs([finished, second, third])) == [["not told apart", "equal", "equal"]]


def test_groups_of_scores_come_in_the_order_of_the_report(finished: Path, second: Path) -> None:
    for folder in (finished, second):
        with_scores(folder, replace(KD, name="fd[z]"), replace(KD, name="kd[a]"), replace(KD, name="kd[z]"))
    comparison = compare_runs([finished, second])
    pages = render_comparison(comparison), render(gather(finished, Drawn(missing="not asked for")))
    assert [re.findall("on <code>([^<]+)</code>", html) for html in pages] == [["z", "a"]] * 2
    assert [(line.name, line.extractor) for line in comparison.lines] == [("fd", "z"), ("kd", "z"), ("kd", "a")]


def test_a_score_that_one_run_lacks_is_a_gap(finished: Path, second: Path) -> None:
    with_scores(finished, KD, replace(KD, of_class="a"))
    with_scores(second, KD)
    comparison = compare_runs([finished, second])
    assert [(line.name, line.of_class, [cell is None for cell in line.cells]) for line in comparison.lines] == [
        ("kd", "", [False, False]),
        ("kd", "a", [False, True]),
    ]


def test_other_data_are_said_to_be_not_comparable_and_nothing_is_the_best(finished: Path, second: Path) -> None:
    data = json.loads((second / "data.json").read_text())
    data["card"]["fingerprint"] = "f" * 64
    write_json(second / "data.json", data)
    comparison = compare_runs([finished, second])
    mine = json.loads((finished / "data.json").read_text())["card"]["fingerprint"][:8]
    told = f"not comparable: 00000-tiny (A) and 00001-other (B) have other data (fingerprints {mine} and ffffffff)."
    assert list(comparison.obstacles) == [told]
    assert {verdict for line in verdicts(comparison) for verdict in line} == {""}
    assert told in words(render_comparison(comparison))


def test_other_held_out_images_are_said_to_be_not_comparable(finished: Path, second: Path) -> None:
    recipe = second / "recipe.yaml"
    text = recipe.read_text()
    recipe.write_text(text.replace("split:\n  held_out: 0.2\n  train: null\n  seed: 0", "split:\n  held_out: 0.3"))
    comparison = compare_runs([finished, second])
    assert list(comparison.obstacles) == [
        "not comparable: 00000-tiny (A) and 00001-other (B) hold out other images of the same data "
        "(split: held_out=0.2 seed=0 and held_out=0.3 seed=None)."
    ]


def test_a_run_that_does_not_know_its_data_is_not_comparable(finished: Path, second: Path) -> None:
    (second / "data.json").unlink()
    comparison = compare_runs([finished, second])
    assert comparison.obstacles[0].startswith("not comparable: 00001-other doesn't tell which images it was measured")
    assert {verdict for line in verdicts(comparison) for verdict in line} == {""}
    assert comparison.problems == ["00001-other: data.json is missing."]


def test_keys_that_differ_are_shown_without_paths(finished: Path, second: Path) -> None:
    recipe = second / "recipe.yaml"
    text = recipe.read_text().replace("batch: 4", "batch: 8").replace("name: tiny", "name: other")
    recipe.write_text(text.replace(f"{PATIENT}/pictures", f"{PATIENT}/others"))
    changed(second, "environment.json", threads=7)
    comparison = compare_runs([finished, second])
    assert [each.key for each in comparison.recipes] == ["data.root", "training.batch"]
    assert [each.key for each in comparison.environments] == ["threads"]
    html = render_comparison(comparison)
    assert "training.batch 4 8" in words(html) and "<mark>8</mark>" in html
    assert "data.root PATH PATH" in words(html)
    assert PATIENT not in html and str(finished.parent) not in html


def test_curves_are_overlaid_and_the_newest_grids_stand_side_by_side(finished: Path, second: Path) -> None:
    html = render_comparison(compare_runs([finished, second]))
    legends = [re.findall(r"</svg>([^<]+)</li>", each) for each in re.findall(r'<ul class="legend">.*?</ul>', html)]
    assert legends == [["00000-tiny", "00001-other"]] * 2
    assert html.count("data:image/webp") == 2
    assert "00001-other , step 4" in words(html)


def test_damaged_runs_are_compared_as_far_as_they_go(finished: Path, second: Path) -> None:
    for name in ("scores.json", "metrics.jsonl", "recipe.yaml"):
        (second / name).write_bytes(b"\xff{")
    (second / "samples" / "step_00000004.png").write_bytes(b"")
    text = words(render_comparison(compare_runs([finished, second])))
    assert "00001-other: scores.json can't be read" in text and "00001-other , step 2" in text


def test_what_can_not_be_compared_is_refused(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name two runs or more"):
        compare_runs([finished])
    with pytest.raises(UsageError, match="is named twice"):
        compare_runs([finished, finished])
    with pytest.raises(CheckpointError, match="is no folder of a run"):
        compare_runs([finished, tmp_path])
