"""Which classes somebody asks for, by name or by number."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ganforge.errors import CheckpointError, UsageError, did_you_mean, one_line
from ganforge.files import is_file, read_json


def classes_at(path: Path) -> tuple[str, ...]:
    """Names of the classes of the run, checkpoint or export at `path`, by its records alone; () where none says."""
    for place, names in ((path, "run.json"), (path / ".." / "..", "run.json"), (path, "config.json")):
        if is_file(place / names):
            with suppress(CheckpointError):
                record = read_json(place / names, CheckpointError)
                found = record.get("classes") if isinstance(record, dict) else None
                if isinstance(found, list) and all(isinstance(name, str) for name in found):
                    return tuple(found)
    return ()


def find_labels(wanted: Iterable[Any], classes: Sequence[str]) -> list[int]:
    """The label number of each class that is wanted, in the order given.

    A text is the name of a class, or the number of a label where no class has that name; an integer is the number.
    Raises UsageError with everything that is neither.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    found, unknown = [], {}
    for word in wanted:
        number = _number(word, numbers)
        if number is None:
            text = repr(word) if isinstance(word, str) else str(word)
            unknown[text] = f"no class is called {text}.{did_you_mean(str(word), classes)}"
            if (isinstance(word, int) and not isinstance(word, bool)) or (isinstance(word, str) and word.isdecimal()):
                unknown[text] = f"there is no label {str(word).lstrip('0') or 0}: they go from 0 to {len(classes) - 1}."
        else:
            found.append(number)
    if unknown:
        known = ", ".join(f"{name} (label {number})" for number, name in enumerate(classes))
        raise UsageError("\n".join([*unknown.values(), one_line(f"Classes: {known}.")]))
    return found


def whole_number(text: str) -> int | None:
    """The number that ASCII digits are; of a longer one its first nine digits, which are too many as well."""
    return int(text.lstrip("0")[:9] or 0) if text.isascii() and text.isdecimal() else None


def _number(word: Any, numbers: dict[str, int]) -> int | None:
    if isinstance(word, str):
        if word in numbers:
            return numbers[word]
        word = whole_number(word)
    try:
        number = operator.index(word)
    except TypeError:  # 1.0, None, a list
        return None
    return number if not isinstance(word, bool) and 0 <= number < len(numbers) else None
