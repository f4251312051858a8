"""The table of a split is read back as it was written, or refused."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganforge.data.images import DatasetCard, LabelledImages, LoadContext
from ganforge.data.labelled import BLANKS
from ganforge.data.specs import CsvTable
from ganforge.data.split_table import split_rows, write_split
from ganforge.errors import DataError
from ganforge.recipe.models import SplitSpec

Drawn = list[tuple[str, str, str]]
plain = st.text("aé2", min_size=1, max_size=3)
odd = st.text("aé \t\n\r\v\",;|'#\xa0\udcff", max_size=3) | st.sampled_from(sorted(BLANKS)).map(str.upper)


def images_of(names: st.SearchStrategy[str]) -> st.SearchStrategy[Drawn]:
    """The folder, class and patient of each image."""
    return st.lists(st.tuples(names, names, names), min_size=1, max_size=4)


def labelled(names: list[str], labels: list[str], patients: list[str]) -> LabelledImages:
    classes = tuple(dict.fromkeys(labels))
    return LabelledImages(
        np.zeros((len(names), 3, 1, 1), np.uint8),
        np.array([classes.index(label) for label in labels], np.int64),
        patients,
        names,
        DatasetCard("set", classes, "", "", False, ""),
    )


def expect_round_trip(root: Path, drawn: Drawn) -> None:
    """Write the split of such images and read it back. Raises DataError where it is refused."""
    names = [f"{folder}/{i}.png" if folder else f"{i}.png" for i, (folder, _, _) in enumerate(drawn)]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    images = labelled(names, [label for _, label, _ in drawn], [patient for *_, patient in drawn])
    rows = split_rows(images, SplitSpec())
    write_split(root / "split.csv", rows)
    spec = CsvTable(root=root, table=Path("split.csv"), patient="patient", split="split")
    listing = spec.files(LoadContext(root)).listing
    assert listing.problems.items == ()
    labels = [spec.classes()[label] for label in listing.labels]
    assert [*zip(listing.names, labels, listing.groups, listing.sides, strict=True)] == rows


@given(images_of(plain))
def test_a_split_is_read_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, drawn: Drawn) -> None:
    expect_round_trip(tmp_path_factory.mktemp("set"), drawn)


@given(images_of(plain | odd))
def test_names_that_would_be_read_back_as_others_are_refused(
    tmp_path_factory: pytest.TempPathFactory, drawn: Drawn
) -> None:
    with suppress(DataError):
        expect_round_trip(tmp_path_factory.mktemp("set"), drawn)


def test_all_names_that_no_table_can_hold_are_told() -> None:
    names = [" sick/1.png", " sick/2.png", "NA/IM 3 ", "NA/4\r.png"]
    with pytest.raises(DataError) as error:
        split_rows(labelled(names, [" sick", " sick", "NA", "NA"], ["7 ", "null", names[2], names[3]]), SplitSpec())
    assert str(error.value).splitlines() == [
        "a table can't hold all names of this set (7 problems):",
        "  the folder ' sick' would be read back without the spaces around it. Rename it.",
        "  the file 'NA/IM 3 ' would be read back without the spaces around it. Rename it.",
        "  the file 'NA/4\\x0d.png' would be read back in two rows. Rename it.",
        "  the class ' sick' would be read back without the spaces around it. Rename it.",
        "  the class 'NA' would be read back as a missing value. Rename it.",
        "  the patient '7 ' would be read back without the spaces around it. Rename it.",
        "  the patient 'null' would be read back as a missing value. Rename it.",
    ]
