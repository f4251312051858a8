"""A folder that a dataset knows how to read, found by a look at its names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganforge.data.folder import list_folders
from ganforge.data.listing import Listing, entries, folders_in, pictures_in
from ganforge.data.patients import PatientPattern, patient_of
from ganforge.errors import DataError, one_line

if TYPE_CHECKING:
    from ganforge.data.specs import ImageFolder
    from ganforge.interfaces import DatasetSpec

#: Where names may tell the patient: `p017` of `p017_2`, `017` of `scan_017_2`; a name that fits nothing is its own.
PATTERNS = tuple((text, "{patient}") for text in ("{patient}_*", "{patient}-*", "*_{patient}_*", "*-{patient}-*"))
#: A guessed patient with more than this share of the images is no patient but a prefix that all names have.
LARGEST_SHARE = 0.1
FEWEST_PATIENTS = 10


@dataclass(frozen=True)
class Recognised:
    """A dataset for a folder, with the files that it would read."""

    spec: DatasetSpec
    listing: Listing
    #: Sentences about what was assumed or left out, for whoever reads the recipe.
    notes: tuple[str, ...] = ()


def recognise_folders(kind: type[ImageFolder], root: Path) -> Recognised | None:
    """The sub-folders that hold pictures, as classes; None where none does. Raises DataError as `list_folders`."""
    from ganforge.data.recognised_table import recognise_table
    from ganforge.data.specs import CsvTable

    folders = folders_in(root)
    filled = [folder.name for folder in folders if pictures_in(folder)]
    _refuse_nested(root, [folder for folder in folders if folder.name not in filled])
    if not filled:
        return None
    notes = []
    left_out = [folder.name for folder in folders if folder.name not in filled]
    if left_out:
        notes.append(f"folders without pictures are left out: {', '.join(left_out)}.")
    tables = [entry.name for entry in entries(root) if entry.suffix.lower() in (".csv", ".tsv") and entry.is_file()]
    if tables and len(filled) == 1 and recognise_table(CsvTable, root) is not None:
        return None  # the folder of the pictures that the table labels
    if tables:
        notes.append(
            f"{', '.join(tables)} is not read: the classes are the folders. For labels of a table, name the table: "
            f"`ganforge new recipe {root / tables[0]}`."
        )
    listing = list_folders(root, filled)
    patterns, patients = _patients(listing)
    if patterns:
        number = next(i for i, patient in enumerate(patients) if patients.count(patient) > 1)
        notes.append(
            f"files such as '{listing.files[number].stem}' look like several pictures of one patient or sample, "
            f"'{patients[number]}'; never both trained on and tested with. If not, remove `patient`."
        )
        listing = list_folders(root, filled, patterns)
    spec = kind(root=root, classes=tuple(filled) if left_out else (), patient=patterns)
    return Recognised(spec, listing, tuple(notes))


def _patients(listing: Listing) -> tuple[tuple[str, ...], list[str]]:
    """The patterns by which names are likely to tell patients, and the patient of each file; nothing where none is.

    A guess that is too coarse costs little; one that is too fine lets pictures of a patient into both sides of a split.
    """
    for texts in PATTERNS:
        patterns = [PatientPattern(text) for text in texts]
        patients = [patient_of(file.stem, patterns) or file.stem for file in listing.files]
        counts = Counter(patients)
        in_class = Counter(label for label, _ in set(zip(listing.labels, patients, strict=True)))
        if (
            len(counts) >= FEWEST_PATIENTS
            and max(counts.values()) <= LARGEST_SHARE * len(listing)
            and min(in_class.values()) > 1
            and len(counts) < len({file.stem for file in listing.files})
        ):
            return texts, patients
    return (), []


def _refuse_nested(root: Path, folders: Sequence[Path]) -> None:
    """Raise DataError where the classes lie one folder deeper, as in `train` and `test`."""
    deeper = [folder for folder in folders if any(pictures_in(inner) for inner in folders_in(folder))]
    if deeper:
        names = one_line(", ".join(str(folder) for folder in deeper))
        raise DataError(
            f"{root} holds folders of folders of pictures, where folders of pictures are expected. Name one of them: "
            f"{names}. ganforge holds out images for testing by itself."
        )
