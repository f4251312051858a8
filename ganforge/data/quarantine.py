"""The list of images that were left out."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ganforge.data.images import LeftOut
from ganforge.files import write_text


def write_quarantine(path: Path, left_out: Sequence[LeftOut]) -> None:
    """A table `image,reason`. It names files, and with them patients: it is for this machine alone."""
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(("image", "reason"))
    rows.writerows((left.name, left.reason) for left in left_out)
    write_text(path, stream.getvalue())
