"""The result of a check as one HTML page that loads nothing."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ganforge.data.check.check import Check
from ganforge.data.check.findings import Finding
from ganforge.data.decode import decode
from ganforge.data.listing import SHOWN
from ganforge.files import write_text

#: Pictures of each class, and of each finding.
_EACH = 8
_SIDE = 96
#: Findings whose words hold names of files or folders.
_NAMING = frozenset({"note", "listing"})


def write_page(path: Path, check: Check, *, with_pictures: bool) -> None:
    """Write the page. Without pictures it names no file of the set and no folder, so that it may be shown to others."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("ganforge.data.check", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    members: list[list[int]] = [[] for _ in check.classes]
    for i in check.images.usable():
        members[check.images.labels[i]].append(i)
    text = environment.get_template("page.html.j2").render(
        check=check,
        is_private=with_pictures,
        largest=max((of.images for of in check.classes), default=0) or 1,
        by_class=[
            {"name": of.name, "pictures": _pictures(check, _spread(members[label])) if with_pictures else []}
            for label, of in enumerate(check.classes)
        ],
        findings=[_finding(check, finding, with_pictures) for finding in check.findings],
    )
    write_text(path, text)


def _finding(check: Check, finding: Finding, with_pictures: bool) -> dict[str, Any]:
    text = finding.text
    if not with_pictures and finding.what in _NAMING:
        text = "what the terminal says of the set as a whole" if finding.what == "note" else _without_heading(finding)
    return {
        "text": text,
        "advice": finding.advice,
        "is_error": finding.is_error,
        "shown": finding.items[:SHOWN] if with_pictures else (),
        "pictures": _pictures(check, finding.images[: 2 * _EACH]) if with_pictures else [],
    }


def _without_heading(finding: Finding) -> str:
    number = len(finding.items)
    return f"{number:,} {'problem' if number == 1 else 'problems'} of folders or rows, which the terminal names"


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
        png = base64.b64encode(stream.getvalue()).decode()
        pictures.append({"name": check.images.described(i), "png": png})
    return pictures
