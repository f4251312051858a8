"""No path of the machine gets into a page, and nothing that only looks a little like one is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganforge.report.hiding import Hider, paths_in

SEGMENT = st.text("abcXYZ019_-.", min_size=1, max_size=8).filter(lambda text: not text.endswith("."))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("can't read /data/eyes/doe_1.png: gone", "can't read PATH: gone"),
        ("'/data/doe.png' and (C:\\eyes\\doe.png)", "'PATH' and (PATH)"),
        ("at ../eyes/doe.png, ~/eyes, ~doe/eyes or \\\\server\\eyes", "at PATH, PATH, PATH or PATH"),
        ("file:///data/doe.png", "PATH"),
        ("{root: /data/doe}", "{root: PATH}"),
        ("see http://example.org/a/b.tgz", "see http://example.org/a/b.tgz"),
        ("see https://doe:secret@example.org/a", "see https://example.org/a"),
        ("G/D losses, 300/293 and 1 / 2", "G/D losses, 300/293 and 1 / 2"),
    ],
)
def test_paths_in_texts_are_replaced_and_addresses_and_slashes_stay(text: str, shown: str) -> None:
    assert Hider()(text) == shown


def test_known_paths_are_found_with_blanks_and_relative() -> None:
    hide = Hider(["/data/Jane Doe", "eyes/doe", "."])
    assert hide("no '/data/Jane Doe/x 1.png'. Nor eyes/doe/2.png.") == "no 'PATH 1.png'. Nor PATH."
    assert hide("/data/Jane Doelle") == "PATH Doelle"


@given(st.lists(SEGMENT, min_size=1, max_size=4))
def test_no_part_of_an_absolute_path_is_left(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    assert Hider()(f"error: {path} is gone") == "error: PATH is gone"


def test_values_of_recipes_that_hold_a_slash_are_paths_but_for_prose_and_addresses() -> None:
    data = {"description": "G/D", "data": {"root": "eyes/doe", "labels": None, "globs": ["a/b", "fc.*"]}, "steps": 3}
    data["source"] = {"file": "https://example.org/x.pt"}
    assert Hider().recipe(data) == {
        "description": "G/D",
        "data": {"root": "PATH", "labels": None, "globs": ["PATH", "fc.*"]},
        "steps": 3,
        "source": {"file": "https://example.org/x.pt"},
    }


@pytest.mark.parametrize(
    ("override", "shown"),
    [
        ("data.root=/data/doe", "data.root=PATH"),
        ("data.root=doe/eyes", "data.root=PATH"),
        ("source={kind: run, run: /runs/3, best: true}", "source={kind: run, run: PATH, best: true}"),
        ("stages[0].steps=3", "stages[0].steps=3"),
    ],
)
def test_overrides_keep_their_keys(override: str, shown: str) -> None:
    assert Hider().override(override) == shown


def test_paths_are_found_by_their_type_in_a_validated_recipe() -> None:
    assert paths_in({"a": Path("x/y"), "b": [{"c": Path("z")}, "w/v"], "d": (Path("u"),)}) == {"x/y", "z", "u"}
