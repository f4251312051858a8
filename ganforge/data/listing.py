"""What a dataset's files are, before any of them is opened."""

# N images

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganforge.data.decode import SUFFIXES
from ganforge.errors import DataError

#: Problems that an error shows in full; the rest are counted.
SHOWN = 20


@dataclass(frozen=True)
class Listing:
    """N files with their labels (0 .. classes - 1), groups (patients) and names for the user."""

    files: tuple[Path, ...]
    labels: tuple[int, ...]
    groups: tuple[str, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        assert len(self.files) == len(self.labels) == len(self.groups) == len(self.names)

    def __len__(self) -> int:
        return len(self.files)


def refuse(heading: str, problems: Sequence[str], way_out: str = "") -> None:
    """Raise one DataError with all problems, the first 20 in full; nothing happens where there are none."""
    if not problems:
        return
    lines = [f"{heading} ({len(problems)} {'problem' if len(problems) == 1 else 'problems'}):"]
    lines += [f"  {problem}" for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        lines.append(f"  ... and {len(problems) - SHOWN} more.")
    if way_out:
        lines.append(way_out)
    raise DataError("\n".join(lines))


def existing_folder(root: Path) -> Path:
    """`root`, if it is a folder that can be listed. Raises DataError."""
    if not root.exists():
        raise DataError(f"there is no folder {root} (looked from {Path.cwd()}).")
    if not root.is_dir():
        raise DataError(f"{root} is a file, but must be the folder that holds the images.")
    return root


def is_picture(file: Path) -> bool:
    """True for a file whose suffix says that it is a picture; hidden files are none."""
    return not file.name.startswith(".") and file.suffix.lower() in SUFFIXES and file.is_file()


def natural_order(names: Iterable[str]) -> list[str]:
    """Sorted as people count: 2 before 10."""
    return sorted(names, key=lambda name: ([_counted(part) for part in re.findall(r"\d+|\D+", name)], name))


def _counted(part: str) -> tuple[bool, int, str]:
    return (False, int(part), "") if part.isdecimal() else (True, 0, part)
