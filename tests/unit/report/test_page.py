"""The page of a run: what it shows, what it must never show, and what a damaged folder makes of it."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import tempfile
from html import escape, unescape
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import PROPERTY
from hostile import CLASSES, DESCRIPTION, PATIENT
from hypothesis import given
from hypothesis import strategies as st
from page_text import words
from PIL import Image, PngImagePlugin

from ganforge.errors import CheckpointError, DataError
from ganforge.files import write_json
from ganforge.recipe import yaml
from ganforge.recipe.nodes import Origin
from ganforge.registry import Components
from ganforge.report.comparison import compare_runs
from ganforge.report.generate import draw_from
from ganforge.report.pictures import embed
from ganforge.report.rendering import render, render_comparison
from ganforge.report.report import Drawn, gather
from ganforge.report.writing import write_report

CPU = torch.device("cpu")


def page_of(folder: Path, drawn: Drawn | None = None, panel: Path | None = None) -> str:
    return render(gather(folder, drawn or Drawn(missing="not asked for"), panel))


def pictures(html: str) -> list[Image.Image]:
    found = re.findall(r"data:image/webp;base64,([A-Za-z0-9+/=]+)", html)
    return [Image.open(io.BytesIO(base64.b64decode(each))) for each in found]


class Tags(HTMLParser):
    """Names of all elements and attributes, as a browser reads them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes |= {name for name, _ in attrs}


def test_a_run_writes_its_report_at_its_end(made: Path) -> None:
    text = words((made / "report.html").read_text(encoding="utf-8"))
    assert "tiny" in text and "finished" in text and "running" not in text
    assert "Images seen 16 of 16 Steps 4 of 4, batch 4 Time" in text
    assert "From the generator of step 4, with fixed seeds." in text
    assert "Images 16 x 16 pixels Classes 3 Trained on 24 images, 6 held out" in text


def test_hostile_names_are_text(finished: Path, components: Components) -> None:
    recipe = finished / "recipe.yaml"
    name = "<script>alert(2)</script>"
    recipe.write_text(recipe.read_text().replace("name: tiny\n", f"name: '{name}'\n", 1))
    state = json.loads((finished / "run.json").read_text())
    write_json(finished / "run.json", {**state, "state": name, "error": f'"><b onclick="x">{name}'})
    html = page_of(finished, draw_from(finished, components, CPU))
    tags = Tags(html)
    assert tags.names.count("script") == 1
    assert [name for name in tags.attributes if name.startswith("on") or name == "style"] == []
    for text in (name, DESCRIPTION, *CLASSES):
        assert text not in html
        assert text in words(html)
    assert escape(CLASSES[0]) in html


def test_no_path_no_file_name_and_no_patient_gets_out(made: Path, finished: Path, components: Components) -> None:
    for html in (
        (made / "report.html").read_text(encoding="utf-8"),
        page_of(finished, draw_from(finished, components, CPU)),
        page_of(finished, draw_from(finished / "nowhere", components, CPU)),
    ):
        text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", html)
        assert "data.root=PATH" in text
        for secret in (PATIENT, "Jane", "Doe", str(made.parent), str(finished.parent), str(Path.home())):
            assert secret not in text


def test_errors_of_a_run_lose_their_paths(finished: Path) -> None:
    state = json.loads((finished / "run.json").read_text())
    error = f"training diverged, and {finished}/debug/nonfinite.json says more; /data/{PATIENT}/x.png"
    write_json(finished / "run.json", {**state, "state": "stopped", "error": error})
    assert "Stopped: training diverged, and PATH says more; PATH" in words(page_of(finished))


def test_nothing_is_asked_of_anybody(finished: Path) -> None:
    card = json.loads((finished / "data.json").read_text())
    card["card"]["citation"] = "Doe 2020, https://example.org/x?a=1&b=2."
    write_json(finished / "data.json", card)
    html = page_of(finished)
    assert '<a href="https://example.org/x?a=1&amp;b=2" rel="noopener noreferrer">' in html
    assert set(re.findall(r'\s(?:src|href)="([^"]{0,12})', html)) - {"data:image/w", "data:,"} == {
        "https://exam",
        *(target for target in re.findall(r'href="(#[^"]{0,11})', html)),
    }
    assert "@import" not in html and "url(" not in html
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    assert "default-src &#39;none&#39;; img-src data:;" in policy and "connect-src &#39;none&#39;" in policy


def test_pictures_carry_nothing_but_pixels(finished: Path) -> None:
    noted = PngImagePlugin.PngInfo()
    noted.add_text("Patient", PATIENT)
    tags = Image.Exif()
    tags[0x010E] = PATIENT
    Image.new("RGB", (70, 52)).save(finished / "samples" / "step_00000002.png", pnginfo=noted, exif=tags)
    html = page_of(finished)
    found = pictures(html)
    assert len(found) == 3
    assert all(
        not picture.info.get("exif") and not picture.getexif() and "Patient" not in picture.info for picture in found
    )
    assert all(PATIENT.encode() not in base64.b64decode(each) for each in re.findall(r"base64,([^\"]+)", html))


def test_the_timeline_has_each_grid_and_shows_the_last(finished: Path) -> None:
    html = page_of(finished)
    frames = re.findall(r'<img [^>]*data-label="([^"]+)"( hidden)?>', html)
    assert frames == [
        ("step 0, 0 images seen (before the training)", " hidden"),
        ("step 2, 8 images seen", " hidden"),
        ("step 4, 16 images seen", ""),
    ]
    alt = f"Generated images at step 4, 16 images seen; a row for each class: {', '.join(CLASSES)}"
    assert escape(alt).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in html


def test_names_of_rows_stand_in_the_page_and_not_in_its_pictures(finished: Path) -> None:
    grids = sorted((finished / "samples").glob("*.png"))
    with Image.open(grids[1]) as grid:
        assert grid.width > 2 * 18 - 2
        older = grid.crop((grid.width - (2 * 18 - 2), 0, grid.width, grid.height))
    named = pictures(page_of(finished))
    older.save(grids[1])
    found = pictures(page_of(finished))
    assert [picture.size for picture in found] == [(2 * 18 - 2, 3 * 18 - 2)] * 3
    assert [picture.tobytes() for picture in found] == [picture.tobytes() for picture in named]


def test_rows_of_a_generator_without_labels_have_no_names(finished: Path) -> None:
    assert 'class="rows"' in page_of(finished)
    path = finished / "recipe.yaml"
    recipe: Any = yaml.parse(path.read_text(), lambda line, column: Origin(None, line, column)).plain()
    recipe["generator"]["label"] = []
    path.write_text(yaml.dump(recipe))
    html = page_of(finished)
    assert 'class="rows"' not in html and "a row for each class" not in html and "a row per class" not in html
    both = compare_runs([finished, shutil.copytree(finished, finished.parent / "00001-tiny")])
    assert "Rows from the top" not in render_comparison(both)


def test_of_many_grids_some_are_shown(finished: Path) -> None:
    for step in range(10, 1010, 10):
        Image.new("RGB", (34, 52)).save(finished / "samples" / f"step_{step:08d}.png")
    html = page_of(finished)
    assert "40 of 103 grids; the others are in samples/ ." in words(html)
    labels = re.findall(r'data-label="step ([\d,]+),', html)
    assert (len(labels), labels[0], labels[-1]) == (40, "0", "1,000")


@pytest.mark.parametrize("size", [(330, 528), (3000, 1000)])
def test_a_picture_of_whatever_kind_takes_little_room_and_keeps_its_shape(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (*size, 3)).astype(np.uint8)
    picture = embed(noise)
    assert len(picture.address) < 150_000
    assert max(picture.width, picture.height) <= 1280
    assert picture.height / picture.width == pytest.approx(size[0] / size[1], rel=0.01)


def test_the_generator_is_drawn_by_class_truncation_interpolation_and_mixing(
    finished: Path, components: Components
) -> None:
    drawn = draw_from(finished, components, CPU)
    assert [sheet.title for sheet in drawn.sheets] == ["By class", "Truncation", "Interpolation", "Style mixing"]
    assert drawn.of == "the generator of step 4"
    assert [(sheet.picture.width, sheet.picture.height) for sheet in drawn.sheets] == [
        (8 * 18 - 2, 3 * 18 - 2),
        (6 * 18 - 2, 3 * 18 - 2),
        (8 * 18 - 2, 3 * 18 - 2),
        (5 * 18 - 2, 5 * 18 - 2),
    ]
    assert draw_from(finished, components, CPU).sheets == drawn.sheets


def test_scores_stand_with_their_spreads_and_what_real_images_reach(finished: Path) -> None:
    text = words(page_of(finished))
    assert "kd all 0.51 lower 0.02 0.04 0.01 floor 6" in text
    assert f"kd {CLASSES[0]} 0.62 lower 0.02 floor 31 3" in text
    assert "kappa all 0.4 higher 0.9 ceiling 0.444 6" in text
    assert "memorisation_ratio all 1.2 near 1 0.98 value 1.22 6" in text
    assert text.count("near 1 for new images") == 1
    assert "kappa : the classifier is weak & <b>small</b>" in text
    assert f"{CLASSES[1]} 2 33% 3 50% 1 17%" in text


def test_curves_have_a_title_a_summary_stages_and_a_table(finished: Path) -> None:
    html = page_of(finished)
    assert re.findall(r"<figcaption id=\"chart-\w+-caption\">([^<]+)<", html) == ["Losses"]
    assert re.search(r'<desc id="chart-loss-desc">generator: [\d.]+ at 4 images, [\d.]+ at 16; between', html)
    assert "end of stage head" in words(html)
    rows = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    assert f"16 {rows[-1]['loss_generator']:.4g}" in words(html)


def test_learning_rates_are_those_of_the_schedule(finished: Path, components: Components) -> None:
    drawn = draw_from(finished, components, CPU)
    (chart,) = (chart for chart in gather(finished, drawn).main_charts if chart.key == "rate")
    assert chart.header == ["images", "generator", "discriminator"]
    assert chart.rows == [[str(images), "0.001", "0.001"] for images in (0, 4, 8, 12)]


def test_how_to_repeat_and_cite(finished: Path) -> None:
    html = page_of(finished)
    (first, second) = (unescape(each) for each in re.findall(r'<pre class="command"><code>([^<]+)', html))
    assert first == f"ganforge run tiny.yaml data.root=PATH 'description={DESCRIPTION}'"
    assert second == "ganforge run recipe.yaml data.root=PATH output.folder=PATH"
    assert json.loads((finished / "run.json").read_text())["recipe"] in html
    assert "Data : pictures: not stated" in words(html)
    assert f"Software : ganforge {version('ganforge')}" in words(html)
    assert "Method : not known, since the recipe can't be read here with all its components" in words(html)


def test_what_is_cited_are_the_papers_of_the_recipe_s_own_parts(finished: Path, components: Components) -> None:
    text = words(page_of(finished, draw_from(finished, components, CPU)))
    assert "Method : Nian & Jin 2024: concatenate, after_frozen, concatenate_map" in text
    stability = 'Mescheder, Geiger & Nowozin 2018, "Which training methods for GANs do actually converge?" (ICML)'
    assert f"Method : {stability}: residual, r1" in text
    for other in ("Reed et al.", "Kumari", "Miyato", "Mo et al.", "labels behind"):
        assert other not in text


def test_the_page_says_what_n_counts(finished: Path) -> None:
    legend = "n : images compared at a time, which may be fewer than all; generated/real where they differ."
    assert legend in words(page_of(finished))


def test_arithmetic_stands_under_the_names_of_the_stages(finished: Path) -> None:
    state = json.loads((finished / "run.json").read_text())
    how = {"generator": "float32", "discriminator": "float32", "reason": "As asked.", "check": ""}
    write_json(finished / "run.json", {**state, "arithmetic": {"0": how, "1": how, "7": how, "x": how}})
    text = words(page_of(finished))
    for name in ("head", "all", "7", "x"):
        assert f"Stage {name}: generator in float32" in text


def test_a_branch_tells_where_it_came_from(finished: Path) -> None:
    state = json.loads((finished / "run.json").read_text())
    begun = {"run": "00000-tiny", "step": 1200, "changes": ["seed=3"]}
    del state["overrides"]
    write_json(finished / "run.json", {**state, "begun_from": begun})
    text = words(page_of(finished))
    assert "Goes on from step 1,200 of the run 00000-tiny:" in text and "seed=3" in text


def test_phantoms_are_called_phantoms_loudly(finished: Path) -> None:
    assert "Phantoms." not in words(page_of(finished))
    state = json.loads((finished / "run.json").read_text())
    write_json(finished / "run.json", {**state, "is_phantom": True})
    assert "Phantoms. The data are drawn by a program, not photographs of anybody." in words(page_of(finished))


def test_photographs_of_patients_are_there_only_when_asked_for_and_with_a_warning(
    finished: Path, tmp_path: Path
) -> None:
    panel = tmp_path / "pairs.png"
    Image.new("RGB", (90, 30), "red").save(panel)
    assert "photographs of patients" not in words(page_of(finished)).lower()
    path, _ = write_report(finished, Drawn(), panel=panel)
    assert path == finished / "report-with-patients.html"
    html = path.read_text(encoding="utf-8")
    assert words(html).count("This page holds photographs of patients.") == 1
    assert (90, 30) in [picture.size for picture in pictures(html)]
    assert "report-with-patients" not in (finished / "report.html").read_text()
    with pytest.raises(DataError, match=r"the panel .*nowhere\.png is not there\."):
        write_report(finished, Drawn(), panel=tmp_path / "nowhere.png")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("scores.json", None, "scores.json is missing."),
        ("scores.json", b"[{]", "scores.json can't be read:"),
        (
            "scores.json",
            b'[{"name": "kd", "value": "x", "n_real": 1, "n_fake": 1}, 3]',
            "score 1 of scores.json is left",
        ),
        ("metrics.jsonl", b"", "No metrics were written yet."),
        ("metrics.jsonl", b'{"step": 1, "images": 4, "loss_real": 1}\n{"st', "1 of 4"),
        ("metrics.jsonl", b'{"step": 1, "images": 4}\n[3]\n{}\nx\n', "3 of the 4 rows of metrics.jsonl are damaged"),
        (
            "metrics.jsonl",
            b'{"step": 1, "images": 4, "loss_a": 1e999, "loss_b": "x", "loss_c": true}\n',
            "Learning rates",
        ),
        ("samples/step_00000002.png", b"", "samples/step_00000002.png is empty"),
        ("samples/step_00000002.png", b"\x89PNG\r\n\x1a\nxx", "samples/step_00000002.png is"),
        ("freeze.json", b'{"head": [{"network": 3}], "all": 4}', "What trained"),
        ("freeze.json", b"[" * 100_000, "freeze.json can't be read:"),
        ("data.json", b'{"card": {"classes": 3, "name": {}}, "images": []}', "Data and source"),
        ("load.json", b'[{"network": 3, "loaded": 4, "widened": [[]]}]', "0 tensors loaded"),
        ("environment.json", b'"x"', "environment.json holds something else than was expected."),
        ("recipe.yaml", b"{", "recipe.yaml can't be read:"),
        ("recipe.yaml", b"stages: {a: 1}\ntraining: 3\noutput: [1]\nresolution: x", "Samples over the training"),
        ("run.json", b'{"classes": 3, "overrides": 4, "arithmetic": [], "begun_from": {"changes": 3}}', "unknown"),
        ("run.json", b"{}", "Repeat and cite"),
    ],
)
def test_a_damaged_folder_gives_a_page_that_says_so(
    finished: Path, components: Components, name: str, content: bytes | None, told: str
) -> None:
    (finished / name).unlink(missing_ok=True)
    if content is not None:
        (finished / name).write_bytes(content)
    assert told in words(page_of(finished, draw_from(finished, components, CPU)))


def test_a_run_without_a_checkpoint_or_without_its_plugin_says_what_is_missing(
    finished: Path, components: Components
) -> None:
    recipe = finished / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("kind: bce", "kind: mylab_loss"))
    text = words(page_of(finished, draw_from(finished, components, CPU)))
    assert "no loss is called 'mylab_loss'" in text
    recipe.write_text(recipe.read_text().replace("kind: mylab_loss", "kind: bce"))
    for path in (finished / "checkpoints").iterdir():
        (path / "manifest.json").unlink()
    assert "PATH is missing" not in words(page_of(finished, draw_from(finished, components, CPU)))
    assert "holds no checkpoint that can be used." in words(page_of(finished, draw_from(finished, components, CPU)))
    (finished / "checkpoints").rename(finished / "moved")
    assert "the run has no checkpoint yet." in words(page_of(finished, draw_from(finished, components, CPU)))


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is no folder of a run: it holds no run"):
        gather(tmp_path, Drawn())


def test_signs_of_a_training_that_goes_wrong_are_told(finished: Path) -> None:
    row = {"images": 4, "loss_real": 0.001, "loss_fake": 0.001, "spread_real": 0.3, "spread_fake": 0.3}
    (finished / "metrics.jsonl").write_text("".join(json.dumps({"step": n, **row}) + "\n" for n in range(1, 8)))
    assert "Step 5: for 5 rows of metrics the discriminator has made no mistake" in words(page_of(finished))


FILES = ("run.json", "data.json", "source.json", "load.json", "freeze.json", "environment.json", "scores.json")
JUNK = (None, True, -1, 10**30, 1e308, "", "<b>", "/x", [], {}, [[]], [{}], {"a": {}}, [1, "x"])


def spoilt(value: Any, place: int, junk: Any) -> tuple[Any, int]:
    """The value with the part number `place` replaced, and how many parts are left to count."""
    if place == 0:
        return junk, -1
    place -= 1
    if isinstance(value, dict | list):
        items = list(value.items() if isinstance(value, dict) else enumerate(value))
        for key, child in items:
            if place >= 0:
                new, place = spoilt(child, place, junk)
                value = {**value, key: new} if isinstance(value, dict) else [*value[:key], new, *value[key + 1 :]]
    return value, place


@PROPERTY
@given(st.sampled_from((*FILES, "recipe.yaml", "metrics.jsonl")), st.integers(0, 120), st.sampled_from(JUNK))
def test_whatever_stands_in_a_file_there_is_a_page_and_a_comparison(
    made: Path, name: str, place: int, junk: Any
) -> None:
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(shutil.copytree(made, Path(aside) / "run", ignore=shutil.ignore_patterns("checkpoints")))
        path = folder / name
        if name in ("source.json", "load.json"):
            path.write_text(
                '[{"network": "x", "loaded": ["a"], "widened": [["a", 1, "b"]], "fresh": [], "classes": ["x"]}]'
            )
        first, *others = path.read_text().splitlines() if name == "metrics.jsonl" else [path.read_text()]
        plain = yaml.parse(first, lambda line, column: Origin()).plain() if name == "recipe.yaml" else json.loads(first)
        new, _ = spoilt(plain, place, junk)
        path.write_text("\n".join([json.dumps(new), *others]) + "\n")
        assert page_of(folder).rstrip().endswith("</html>")
        assert render_comparison(compare_runs([folder, made])).rstrip().endswith("</html>")
