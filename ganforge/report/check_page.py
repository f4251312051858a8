"""The page about a set of images that was checked."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from ganforge.data.check.check import Check
from ganforge.data.check.finding import Finding
from ganforge.data.decode import decode
from ganforge.data.listing import SHOWN
from ganforge.data.reasons import faults
from ganforge.files import write_text
from ganforge.report.rendering import render_check

#: Pictures of each class, and of each finding.
_EACH = 8
_SIDE = 96
#: Findings whose words hold names of files or folders -> what a page says in their place.
_NAMELESS = {
    "note": "something about the set as a whole, which the terminal tells",
    "listing": "problems of folders or rows ({number}), which the terminal names",
    "patients_in_names": "each image counts as a patient of its own, but file names seem to tell the patient",
}


def write_page(path: Path, check: Check, *, with_pictures: bool) -> None:
    """Write the page. Without pictures it names no file of the set and no folder, so that it may be shown to others."""
    members: list[list[int]] = [[] for _ in check.classes]
    for i in check.images.usable():
        members[check.images.labels[i]].append(i)
    by_class = [
        {"name": of.name, "pictures": _pictures(check, _spread(members[label])) if with_pictures else []}
        for label, of in enumerate(check.classes)
    ]
    findings = [_finding(check, finding, with_pictures) for finding in check.findings]
    text = render_check(check=check, is_private=with_pictures, by_class=by_class, findings=findings)
    write_text(path, text)


def _finding(check: Check, finding: Finding, with_pictures: bool) -> dict[str, Any]:
    if with_pictures:
        text, advice, shown = finding.text, finding.advice, list((finding.lines or finding.items)[:SHOWN])
    elif finding.what in _NAMELESS:
        text, advice, shown = _NAMELESS[finding.what].format(number=f"{len(finding.items):,}"), "", []
    else:
        text, advice = finding.text, finding.advice
        bad = [("", look.reason) for look in check.images.looks if look.reason and finding.what == "bad_files"]
        found = sorted(faults(bad), key=lambda fault: -len(fault.names))
        shown = [f"{len(fault.names):,} x: {fault.text}" for fault in found[:SHOWN]]
    pictures = _pictures(check, finding.images[: 2 * _EACH]) if with_pictures else []
    return {"text": text, "advice": advice, "is_error": finding.is_error, "shown": shown, "pictures": pictures}


def _spread(members: Sequence[int]) -> list[int]:
    places = np.linspace(0, len(members) - 1, min(_EACH, len(members))).astype(int)
    return [members[place] for place in places]


def _pictures(check: Check, images: Sequence[int]) -> list[dict[str, str]]:
    """Thumbnails, without anything else that the files hold."""
    if check.files is None:
        return []
    place = dict(zip(check.files.listing.names, check.files.listing.files, strict=True))
    pictures = []
    for i in images:
        image = decode(place[check.images.names[i]], at_least=2 * _SIDE, reading=check.files.reading)
        image.thumbnail((_SIDE, _SIDE))
        image.info.clear()
        stream = io.BytesIO()
        image.save(stream, "PNG")
        address = Markup("data:image/png;base64," + base64.b64encode(stream.getvalue()).decode())  # noqa: S704
        pictures.append({"name": check.images.described(i), "address": address})
    return pictures
