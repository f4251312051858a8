"""From a listing to labelled images: prepared, fingerprinted, and looked over for doubles."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ganforge.data.content import Unreadable, content_hashes
from ganforge.data.images import DatasetCard, LabelledImages, LeftOut, LoadContext
from ganforge.data.listing import Listing, refuse
from ganforge.data.preparation import Preparation, PrepareFile
from ganforge.data.prepared import PreparedSet, prepared_set
from ganforge.data.reading import AS_IT_STANDS, Reading
from ganforge.data.reasons import faults, ways_out
from ganforge.errors import one_line


@dataclass(frozen=True)
class FileSet:
    """A set of images in files, none of them opened yet."""

    listing: Listing
    classes: tuple[str, ...]
    preparation: Preparation
    #: What the set is called in reports.
    name: str
    licence: str = "not stated"
    citation: str = "not stated"
    #: How the preparation reads files.
    reading: Reading = AS_IT_STANDS


def load_files(files: FileSet, resolution: int, context: LoadContext) -> LabelledImages:
    """The images of a set of files at resolution x resolution, with a card.

    Files that can't be used are left out, and listed in what comes back, up to the share that `context` allows. Warns
    of them, of files with the same content, and of pictures that had to be enlarged. Raises DataError with all problems
    of the listing, else with every file that can't be used, and why.
    """
    listing = files.listing
    listing.problems.refuse()
    contents = content_hashes(listing.files, context)
    unreadable = {i: content.reason for i, content in enumerate(contents) if isinstance(content, Unreadable)}
    there = [i for i in range(len(listing)) if i not in unreadable]

    def bad_images(refused: Mapping[int, str]) -> dict[int, str]:
        """Of all files, in order; `refused` counts those that are there."""
        return dict(sorted({**unreadable, **{there[i]: reason for i, reason in refused.items()}}.items()))

    def judge(refused: Mapping[int, str]) -> None:
        bad = [(listing.names[i], reason) for i, reason in bad_images(refused).items()]
        _refuse_bad(bad, len(listing), context)

    if not there:
        judge({})
    prepared = prepared_set(
        PrepareFile(files.preparation, resolution),
        [listing.files[i] for i in there],
        judge,
        [files.preparation.options(), [contents[i] for i in there]],
        resolution,
        context,
    )
    bad = bad_images(prepared.refused)
    good = [i for i in range(len(listing)) if i not in bad]
    if bad:
        context.warn(f"{len(bad)} of {len(listing)} images can't be used and are left out.")
    _warn_of_doubles(listing, {i: str(contents[i]) for i in good}, context)
    small = sum(side < resolution for side in prepared.source_sides)
    if small:
        context.warn(f"{small} of {len(good)} images are smaller than {resolution} pixels and were enlarged.")
    return labelled(
        prepared,
        [listing.labels[i] for i in good],
        [listing.groups[i] for i in good],
        [listing.names[i] for i in good],
        files.classes,
        files.name,
        files.licence,
        files.citation,
        sides=None if listing.sides is None else [listing.sides[i] for i in good],
        left_out=[LeftOut(listing.names[i], reason) for i, reason in bad.items()],
    )


def labelled(
    prepared: PreparedSet,
    labels: Sequence[int],
    groups: Sequence[str],
    names: Sequence[str],
    classes: tuple[str, ...],
    name: str,
    licence: str,
    citation: str,
    is_phantom: bool = False,
    sides: Sequence[str] | None = None,
    left_out: Sequence[LeftOut] = (),
) -> LabelledImages:
    """Prepared images with labels and groups, and a card that carries their fingerprint."""
    decided_by = [prepared.sha256, list(labels), list(groups), *([list(sides)] if sides is not None else [])]
    fingerprint = hashlib.sha256(json.dumps(decided_by).encode()).hexdigest()
    card = DatasetCard(name, classes, licence, citation, is_phantom, fingerprint)
    numbers = np.asarray(labels, dtype=np.int64)
    return LabelledImages(prepared.images, numbers, list(groups), list(names), card, sides, tuple(left_out))


def _refuse_bad(bad: Sequence[tuple[str, str]], total: int, context: LoadContext) -> None:
    """Raise DataError where there are more bad images (name, reason) than may be left out."""
    most = context.max_bad_fraction
    if not bad or (most is not None and len(bad) <= most * total and len(bad) < total):
        return
    found = faults(bad)
    advice = "Replace these files, or take them out of the set."
    fraction = math.ceil(1000 * len(bad) / max(1, total)) / 1000  # the least that fits
    heading = "some images can't be used"
    # a set without any other image is no set
    can_be_left_out = context.is_of_recipe and len(bad) < total and fraction < 1
    if most is not None:
        heading = f"{len(bad)} of {total} images can't be used, more than bad_images.max_fraction={most:g} leaves out"
        if can_be_left_out:
            advice += f" `bad_images.max_fraction={fraction:g}` leaves out as many."
    elif can_be_left_out:
        advice += f" `bad_images={{policy: quarantine, max_fraction: {fraction:g}}}` leaves them out of a run."
    lines = [f"{line}." for fault in found for line in fault.lines()]
    refuse(heading, lines, "\n".join([*ways_out(found), advice]), len(bad))


def _warn_of_doubles(listing: Listing, hashes: Mapping[int, str], context: LoadContext) -> None:
    """Equal files harm where a split could part them, or where their labels differ."""
    first: dict[str, int] = {}
    harmful = []
    for i, sha256 in hashes.items():
        j = first.setdefault(sha256, i)
        if listing.labels[i] != listing.labels[j] or listing.groups[i] != listing.groups[j]:
            harmful.append((listing.names[j], listing.names[i]))
    if harmful:
        context.warn(
            f"{len(harmful)} files have the same content as another of a different class or patient, "
            f"such as {one_line(harmful[0][0])} and {one_line(harmful[0][1])}."
        )
