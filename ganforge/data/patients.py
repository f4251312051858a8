"""The patient of an image from the name of its file.

A pattern is a file-name pattern as shells have them (`*`, `?`, `[0-9]`) with `{patient}` in the place of the patient.
It is no regular expression on purpose: one such as `((a+)+)$` takes years on a name of 60 characters, a recipe is data
that may come from anybody, and `{patient}_*` is easier to write. The work grows with the square of the name's length.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

PATIENT = "{patient}"
#: Longest pattern; file names have at most 255 characters.
MAX_LENGTH = 255


class PatientPattern:
    """Finds the patient in file names without suffix."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for text that has not exactly one `{patient}`."""
        if text.count(PATIENT) != 1 or len(text) > MAX_LENGTH:
            raise ValueError(
                f"'{text}' must hold {PATIENT} once, such as '{PATIENT}_*' for 10_left.jpg, with * for any text; "
                f"it is no regular expression, and has at most {MAX_LENGTH} characters."
            )
        before, after = text.split(PATIENT)
        self._before, self._after = (re.compile(fnmatch.translate(part)) for part in (before, after))

    def patient(self, stem: str) -> str | None:
        """The first and shortest text that fits; None where there is none. `{patient}_*` finds 10 in 10_left_2."""
        starts = [i for i in range(len(stem)) if self._before.match(stem[:i])]
        ends = [i for i in range(1, len(stem) + 1) if self._after.match(stem[i:])]
        found = ((start, end) for start in starts for end in ends if end > start)
        first = next(found, None)
        return stem[first[0] : first[1]] if first else None


def patient_of(stem: str, patterns: Sequence[PatientPattern]) -> str | None:
    """What the first pattern that fits finds."""
    return next((found for pattern in patterns if (found := pattern.patient(stem)) is not None), None)
