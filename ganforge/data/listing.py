"""What a dataset's files are, before any of them is opened."""

# N images

from __future__ import annotations

import errno
import re
import stat
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganforge.data.decode import SUFFIXES, UnusableImage, is_dicom
from ganforge.errors import DataError, one_line
from ganforge.files import kind_of

#: Problems that an error shows in full; the rest are counted.
SHOWN = 20


@dataclass(frozen=True)
class Problems:
    """What keeps a listing from being used, all of it."""

    heading: str
    items: tuple[str, ...] = ()
    way_out: str = ""

    def refuse(self) -> None:
        """Raise one DataError with all of them; nothing happens where there are none."""
        refuse(self.heading, self.items, self.way_out)


@dataclass(frozen=True)
class Listing:
    """N files with their labels (0 .. classes - 1), groups (patients) and names for the user."""

    files: tuple[Path, ...]
    labels: tuple[int, ...]
    groups: tuple[str, ...]
    names: tuple[str, ...]
    #: For each image "train", "held_out" or "unused" (see `ganforge.data.split`); None: the recipe's `split` decides.
    sides: tuple[str, ...] | None = None
    #: What was found beside these files and must be put right before they are used.
    problems: Problems = Problems("")

    def __post_init__(self) -> None:
        assert len(self.files) == len(self.labels) == len(self.groups) == len(self.names)
        assert self.sides is None or len(self.sides) == len(self.files)

    def __len__(self) -> int:
        return len(self.files)


def refuse(heading: str, problems: Sequence[str], way_out: str = "", number: int | None = None) -> None:
    """Raise one DataError with all problems, the first 20 in full; nothing happens where there are none.

    number: of problems, where a line stands for several.
    """
    if not problems:
        return
    number = len(problems) if number is None else number
    lines = [f"{one_line(heading)} ({number} {'problem' if number == 1 else 'problems'}):"]
    lines += [f"  {one_line(problem)}" for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        lines.append(f"  ... and {len(problems) - SHOWN} more.")
    if way_out:
        lines.append(way_out)
    raise DataError("\n".join(lines))


def existing_folder(root: Path) -> Path:
    """`root`, if it is a folder. Raises DataError."""
    try:
        if odd := odd_kind(root):
            raise DataError(f"{root} is {odd}, but must be the folder that holds the images.")
        if not root.exists():
            raise DataError(f"there is no folder {root} (looked from {Path.cwd()}).")
        if not root.is_dir():
            raise DataError(f"{root} is a file, but must be the folder that holds the images.")
    except OSError as error:  # a name that is too long, a folder above it that is closed
        raise DataError(f"{root} can't be read: {error.strerror}.") from error
    return root


def pictures_in(folder: Path) -> list[Path]:
    """The pictures that lie directly in a folder, in natural order. Raises DataError where it can't be listed."""
    return [entry for entry in entries(folder) if is_picture(entry)]


def folders_in(folder: Path) -> list[Path]:
    """The sub-folders of a folder without hidden ones, in natural order. Raises DataError as `pictures_in`."""
    return [entry for entry in entries(folder) if entry.is_dir() and not entry.name.startswith(".")]


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, in natural order. Raises DataError where it, or what lies in it, can't be looked at."""
    try:
        found = {entry.name: entry for entry in folder.iterdir()}
        for entry in found.values():
            entry.is_file()  # raises where names may be listed, and nothing else is allowed
    except OSError as error:
        raise DataError(f"{folder} can't be read: {error.strerror}.") from error
    return [found[name] for name in natural_order(found)]


def is_picture(file: Path) -> bool:
    """True for a file that is a picture by its suffix, or has none and starts as DICOM files do; no hidden file is."""
    if file.name.startswith(".") or not file.is_file():
        return False
    return file.suffix.lower() in SUFFIXES or (not file.suffix and _starts_as_dicom(file))


def odd_kind(file: Path) -> str:
    """`a pipe`, `a link to nothing`, ... for what is neither file nor folder; nothing for these."""
    try:
        mode = file.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a null character, which no path has
        leads_nowhere = getattr(error, "errno", 0) in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP} and file.is_symlink()
        return "a link that leads nowhere" if leads_nowhere else ""
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else kind_of(mode)


def _starts_as_dicom(file: Path) -> bool:
    try:
        return is_dicom(file)
    except UnusableImage:  # it is named by whoever opens it for its pixels
        return False


def natural_order(names: Iterable[str]) -> list[str]:
    """Sorted as people count: 2 before 10."""
    return sorted(names, key=lambda name: ([_counted(part) for part in re.findall(r"\d+|\D+", name)], name))


def _counted(part: str) -> tuple[bool, int, str]:
    if not part.isdecimal():
        return (True, 0, part)
    # not through int, which refuses numbers of thousands of digits
    digits = "".join(str(unicodedata.decimal(digit)) for digit in part).lstrip("0")
    return (False, len(digits), digits)
