"""A look at a folder of pictures: which dataset reads it, its classes, patients and sizes, by headers of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

from ganforge.data.alike import ADVICE, alike_classes
from ganforge.data.decode import Header, UnusableImage, read_header
from ganforge.data.listing import Listing, entries, existing_folder, folders_in, pictures_in, refuse
from ganforge.data.recognised import Recognised
from ganforge.data.recognised_table import SUFFIXES as TABLES
from ganforge.data.specs import CsvTable
from ganforge.data.split import HowToSplit, divide
from ganforge.errors import DataError, UsageError, did_you_mean, one_line
from ganforge.files import expect_file, is_file, is_special
from ganforge.interfaces import DatasetSpec
from ganforge.progress import Progress, no_progress
from ganforge.registry import Components
from ganforge.starter.depth import Depth, depth_of

#: Headers that are read; of larger sets, so many are taken at equal distances.
MOST_HEADERS = 2000
#: A generator hardly learns a class from fewer.
FEW_IMAGES = 20


@dataclass(frozen=True)
class Survey:
    """What is known of a set of pictures of which hardly any was decoded."""

    spec: DatasetSpec
    classes: tuple[str, ...]
    #: Images of each class.
    counts: tuple[int, ...]
    num_patients: int
    #: Median, over the pictures that were looked at, of the shorter side in pixels, and its extremes.
    side: int
    smallest: int
    largest: int
    #: Pictures that were looked at, and those of them that have no colour.
    num_headers: int
    num_grey: int
    #: Median, over the same pictures, of the share of its area that is outside the centred square.
    outside_square: float
    #: What a few pictures of 16 bits hold; None where there are none.
    depth: Depth | None
    labels: tuple[int, ...]
    groups: tuple[str, ...]
    #: For each image "train", "held_out" or "unused", where the set itself says so.
    sides: tuple[str, ...] | None
    #: Sentences about what was assumed, and about what the user should know.
    notes: tuple[str, ...]

    @property
    def num_images(self) -> int:
        return len(self.labels)

    def split_counts(self, split: HowToSplit) -> tuple[list[int], list[int]]:
        """Images of each class to train on and held out, as a run would divide them."""
        divided = divide(self.labels, self.groups, self.sides, split)
        counts = Counter(zip(divided, self.labels, strict=True))
        train, unseen = ([counts[side, label] for label in range(len(self.classes))] for side in ("train", "held_out"))
        return train, unseen


def survey(root: Path, components: Components, kind: str | None = None, progress: Progress = no_progress) -> Survey:
    """A look at a folder or a table. kind: of the dataset; None: the one that recognises it.

    Raises DataError for a folder in which there is nothing to learn from, with all that is wrong, and UsageError for an
    unknown kind.
    """
    recognised = _recognised(_existing(root), components, kind)
    listing, classes = recognised.listing, recognised.spec.classes()
    looks = _looks(root, listing, progress)
    headers = [look.header for look in looks]
    counts = [listing.labels.count(label) for label in range(len(classes))]
    few = [
        f"class '{name}' has {count} picture{'' if count == 1 else 's'}; a class needs two at least, one to train on "
        "and one to test with."
        for name, count in zip(classes, counts, strict=True)
        if count < 2
    ]
    refuse(f"{root} has too few pictures", few, "Add some, or move the folder of that class away.")
    if listing.sides is not None and "train" not in listing.sides:
        raise DataError(f"{root} says which pictures are trained on, and none is. Give some the split 'train'.")
    sides = [min(header.width, header.height) for header in headers]
    return Survey(
        spec=_as_given(recognised.spec, root),
        classes=classes,
        counts=tuple(counts),
        num_patients=len(set(listing.groups)),
        side=round(median(sides)),
        smallest=min(sides),
        largest=max(sides),
        num_headers=len(headers),
        num_grey=sum(header.is_grey for header in headers),
        outside_square=median(
            1 - min(header.width, header.height) / max(header.width, header.height) for header in headers
        ),
        depth=depth_of([look.file for look in looks if look.header.is_grey]),
        labels=listing.labels,
        groups=listing.groups,
        sides=listing.sides,
        notes=(*recognised.notes, *(f"{text}. {ADVICE}" for text in alike_classes(classes))),
    )


def _as_given(spec: DatasetSpec, place: Path) -> DatasetSpec:
    """The spec with its table by the path by which the user named it or its folder, as `root` is.

    The full path stays where `root` holds another file by that one.
    """
    if not isinstance(spec, CsvTable) or not spec.table.is_absolute():
        return spec
    table = place if is_file(place) else place / spec.table.name
    return spec if is_file(spec.root / table) else spec.model_copy(update={"table": table})


def _existing(place: Path) -> Path:
    """A folder, or a file that may be a table. Raises DataError."""
    if is_file(place) and place.suffix.lower() not in TABLES:
        raise DataError(f"{place} is no folder of pictures, and no table (CSV or TSV) of their labels.")
    if is_special(place):
        expect_file(place, "", DataError)
    return place if is_file(place) else existing_folder(place)


def _recognised(root: Path, components: Components, kind: str | None) -> Recognised:
    """By the kind that was asked for; else by a plugin's kind, if one knows the folder, before the core's."""
    registry = components["dataset"]
    known = [name for name, _, _ in registry]
    if kind is not None and kind not in known:
        raise UsageError(f"no dataset is called '{kind}'.{did_you_mean(kind, known)} Installed: {', '.join(known)}.")
    if is_file(root) and kind not in (None, "csv"):
        raise UsageError(
            f"{root} is a table, which datasets of the kind '{kind}' don't read by itself: name its folder."
        )
    if is_file(root):
        kind = "csv"
    found: dict[str, Recognised] = {}
    chosen = [row for row in registry if row[0] == kind or kind is None]
    for is_core in (False, True):
        for name, spec, origin in chosen:
            if (origin.plugin == "builtin") == is_core and not (is_core and found):
                recognised = spec.recognise(root)
                if recognised is not None:
                    found[name] = recognised
    if len(found) > 1:
        raise UsageError(f"{root} could be of several kinds: {', '.join(found)}. Choose one with --data KIND.")
    if not found:
        raise DataError(one_line(_unknown(root, kind)))
    (recognised,) = found.values()
    return recognised


def _unknown(root: Path, kind: str | None) -> str:
    """What the folder holds instead of classes of pictures, and what to do."""
    there = entries(root)
    if not there:
        return f"{root} is empty. Put one folder of pictures for each class into it."
    if kind is not None:
        return f"{root} can't be told to be a set of the kind '{kind}'. Leave --data out, or write the recipe by hand."
    tables = [entry.name for entry in there if entry.suffix.lower() == ".csv" and entry.is_file()]
    pictures = pictures_in(root)
    if tables:
        return (
            f"{root} holds no class folders, but the table {tables[0]}, whose columns can't be told to name its "
            f"pictures. `ganforge new recipe {root / tables[0]}` says what it finds in it."
        )
    if pictures:
        return (
            f"{root} holds {len(pictures)} pictures, but no class folders. Sort them into one folder for each class; "
            "without classes, into one folder for all, and the generator is trained without labels."
        )
    names = ", ".join(folder.name for folder in folders_in(root)[:5])
    return (
        f"{root} holds no pictures (JPEG, PNG, TIFF or BMP)"
        f"{f', nor do the folders in it: {names}' if names else ''}. It needs one folder of pictures for each class."
    )


class Look(NamedTuple):
    """A picture and its header."""

    file: Path
    header: Header


def _looks(root: Path, listing: Listing, progress: Progress) -> list[Look]:
    """Headers of the pictures, or of some of many. Raises DataError with all files that can't be used."""
    step = max(1, len(listing) // MOST_HEADERS)
    chosen: Sequence[int] = range(0, len(listing), step)
    looks, problems = [], []
    for index in progress(chosen, len(chosen), "looking at pictures"):
        try:
            looks.append(Look(listing.files[index], read_header(listing.files[index])))
        except UnusableImage as error:
            problems.append(f"{listing.names[index]} {error}.")
    refuse(f"pictures in {root} can't be used", problems, "Repair them, or move them away.")
    return looks
