"""What `ganforge data check` finds: numbers of a set, and what is wrong with it."""

# N images

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from ganforge.data.assemble import FileSet
from ganforge.data.check import findings
from ganforge.data.check.doubles import nearly_equal
from ganforge.data.check.finding import Finding, Set
from ganforge.data.check.look import BLACK, WHITE, Look, LookAt, look_at_array
from ganforge.data.images import LoadContext
from ganforge.data.prepared import made_by
from ganforge.data.split import HowToSplit, divide
from ganforge.errors import DataError
from ganforge.interfaces import DatasetSpec


@dataclass(frozen=True)
class ClassCount:
    """What there is of a class; images and patients that can be used."""

    name: str
    images: int
    patients: int
    train: int
    held_out: int
    bad: int


@dataclass(frozen=True)
class Check:
    """The result. `images` has what stands behind the numbers, file by file, and stays on this machine."""

    name: str
    resolution: int
    num_images: int
    #: None where nothing is known of them: each image then counts as one of its own.
    num_patients: int | None
    classes: tuple[ClassCount, ...]
    #: Smallest, median, largest, in pixels; nothing where no image can be used.
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    #: Such as "PNG I;16, 16 bits" -> images.
    kinds: dict[str, int]
    #: Mean of the images' mean levels, 0 to 255, and shares that are nearly black and white.
    brightness: float
    black: float
    white: float
    findings: tuple[Finding, ...]
    images: Set
    files: FileSet | None

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.is_error]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with the names of files."""
        kept = {
            name: value for name, value in vars(self).items() if name not in ("images", "files", "findings", "classes")
        }
        # the items say all that the lines say
        found = [{**asdict(finding), "images": len(finding.images)} for finding in self.findings]
        found = [{name: value for name, value in finding.items() if name != "lines"} for finding in found]
        return {**kept, "classes": [asdict(count) for count in self.classes], "findings": found}


def check_data(data: DatasetSpec, resolution: int, split: HowToSplit, context: LoadContext, name: str) -> Check:
    """Looks at every file of a set, decoded in full, in parallel; `name` is what the result calls it.

    Raises DataError only where nothing can be listed, or a package is missing that reads the files.
    """
    said: list[str] = []
    files = data.files(replace(context, warn=said.append))
    images = (
        _drawn(data, resolution, split, context) if files is None else _looked_at(files, resolution, split, context)
    )
    has_window = files is not None and files.reading.window is not None
    alike = nearly_equal(images.looks, context.progress)
    found = [
        *_listed(files),
        *(Finding("note", False, text.rstrip(".")) for text in said),
        *findings.bad_files(images, context.max_bad_fraction),
        *findings.doubles(images),
        *findings.near_doubles(images, alike),
        *findings.classes(images, split.held_out),
        *findings.alike(images),
        *findings.patients(images),
        *findings.small(images),
        *findings.extreme_brightness(images),
        *findings.uniform(images),
        *findings.misnamed(images),
        *findings.windows(images, has_window),
        *findings.telling_kinds(images),
    ]
    found.sort(key=lambda finding: not finding.is_error)
    return _summed_up(images, name, files, tuple(found))


def _listed(files: FileSet | None) -> list[Finding]:
    if files is None or not files.listing.problems.items:
        return []
    problems = files.listing.problems
    number = f"{len(problems.items):,} {'problem' if len(problems.items) == 1 else 'problems'}"
    return [Finding("listing", True, f"{problems.heading} ({number})", problems.way_out, problems.items)]


def _looked_at(files: FileSet, resolution: int, split: HowToSplit, context: LoadContext) -> Set:
    listing = files.listing
    look_at = LookAt(files.preparation, files.reading, resolution)
    made = made_by(look_at, listing.files, context.workers)
    looks = list(context.progress(made, len(listing), "looking at images"))
    # a row whose class is unknown is a problem of the listing; it is in no class
    keep = [i for i, label in enumerate(listing.labels) if label >= 0]
    names, groups = ([column[i] for i in keep] for column in (listing.names, listing.groups))
    labels = [listing.labels[i] for i in keep]
    looks = [looks[i] for i in keep]
    given = None if listing.sides is None else [listing.sides[i] for i in keep]
    sides = _divide(looks, labels, groups, given, split)
    return Set(names, labels, groups, sides, looks, files.classes, resolution)


def _drawn(data: DatasetSpec, resolution: int, split: HowToSplit, context: LoadContext) -> Set:
    """A set without files: its images as they come."""
    images = data.load(resolution, context)
    looks = [look_at_array(pixels) for pixels in images.images]
    labels = images.labels.tolist()
    sides = _divide(looks, labels, images.groups, images.sides, split)
    return Set(images.names, labels, images.groups, sides, looks, images.card.classes, resolution)


def _divide(
    looks: Sequence[Look],
    labels: Sequence[int],
    groups: Sequence[str],
    given: Sequence[str] | None,
    split: HowToSplit,
) -> list[str]:
    """The side of each image as a run would divide those that can be used; "" for the others."""
    usable = [i for i, look in enumerate(looks) if not look.reason]
    kept = None if given is None else [given[i] for i in usable]
    divided = divide([labels[i] for i in usable], [groups[i] for i in usable], kept, split)
    sides = [""] * len(looks)
    for i, side in zip(usable, divided, strict=True):
        sides[i] = side
    return sides


def _summed_up(images: Set, name: str, files: FileSet | None, found: tuple[Finding, ...]) -> Check:
    usable = images.usable()
    if not len(images) and not found:
        raise DataError("there are no images.")
    levels = np.array([images.looks[i].brightness for i in usable])
    kinds = Counter(_kind(images, i) for i in usable)
    return Check(
        name,
        images.resolution,
        len(images),
        images.num_groups_of(range(len(images))) if images.knows_patients() else None,
        tuple(_count(images, label) for label in range(len(images.classes))),
        _spread([images.looks[i].width for i in usable]),
        _spread([images.looks[i].height for i in usable]),
        dict(kinds.most_common()),
        float(levels.mean()) if usable else 0.0,
        float((levels < BLACK).mean()) if usable else 0.0,
        float((levels > WHITE).mean()) if usable else 0.0,
        found,
        images,
        files,
    )


def _count(images: Set, label: int) -> ClassCount:
    members = [i for i in range(len(images)) if images.labels[i] == label]
    usable = [i for i in members if not images.looks[i].reason]
    train, held_out = (sum(images.sides[i] == side for i in usable) for side in ("train", "held_out"))
    name, bad = images.classes[label], len(members) - len(usable)
    return ClassCount(name, len(usable), images.num_groups_of(usable), train, held_out, bad)


def _spread(sides: list[int]) -> tuple[float, ...]:
    return (min(sides), median(sides), max(sides)) if sides else ()


def _kind(images: Set, i: int) -> str:
    look = images.looks[i]
    return f"{look.format} {look.mode}, {look.bits} {'bit' if look.bits == 1 else 'bits'}"
