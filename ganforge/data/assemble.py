"""From a listing to labelled images: prepared, fingerprinted, and looked over for doubles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from ganforge.data.content import content_hashes
from ganforge.data.images import DatasetCard, LabelledImages, LoadContext
from ganforge.data.listing import Listing
from ganforge.data.preparation import Preparation, PrepareFile
from ganforge.data.prepared import PreparedSet, prepared_set


def load_listing(
    listing: Listing,
    classes: tuple[str, ...],
    preparation: Preparation,
    resolution: int,
    context: LoadContext,
    *,
    name: str,
    licence: str = "not stated",
    citation: str = "not stated",
) -> LabelledImages:
    """The images of a listing at resolution x resolution, with a card.

    Warns of files with the same content and of pictures that had to be enlarged. Raises DataError with every
    file that can't be used.
    """
    hashes = content_hashes(listing.files, context)
    make = PrepareFile(preparation, resolution)
    decided_by = [preparation.options(), hashes]
    prepared = prepared_set(make, listing.files, listing.names, decided_by, resolution, context)
    _warn_of_doubles(listing, hashes, context)
    small = sum(side < resolution for side in prepared.source_sides)
    if small:
        context.warn(f"{small} of {len(listing)} images are smaller than {resolution} pixels and were enlarged.")
    return labelled(prepared, listing.labels, listing.groups, listing.names, classes, name, licence, citation)


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
) -> LabelledImages:
    """Prepared images with labels and groups, and a card that carries their fingerprint."""
    fingerprint = hashlib.sha256(json.dumps([prepared.sha256, list(labels), list(groups)]).encode()).hexdigest()
    card = DatasetCard(name, classes, licence, citation, is_phantom, fingerprint)
    return LabelledImages(prepared.images, np.asarray(labels, dtype=np.int64), list(groups), list(names), card)


def _warn_of_doubles(listing: Listing, hashes: Sequence[str], context: LoadContext) -> None:
    """Equal files harm where a split could part them, or where their labels differ."""
    first: dict[str, int] = {}
    harmful = []
    for i, sha256 in enumerate(hashes):
        j = first.setdefault(sha256, i)
        if listing.labels[i] != listing.labels[j] or listing.groups[i] != listing.groups[j]:
            harmful.append((listing.names[j], listing.names[i]))
    if harmful:
        context.warn(
            f"{len(harmful)} files have the same content as another of a different class or patient, "
            f"such as {harmful[0][0]} and {harmful[0][1]}."
        )
