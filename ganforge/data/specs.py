"""The datasets of the core: a folder per class, and a table."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, NonNegativeInt, StringConstraints

from ganforge.data.patients import PatientPattern
from ganforge.interfaces import DatasetSpec, Spec

if TYPE_CHECKING:
    from ganforge.data.assemble import FileSet
    from ganforge.data.images import LabelledImages, LoadContext
    from ganforge.data.labelled import Columns
    from ganforge.data.listing import Listing
    from ganforge.data.recognised import Recognised
    from ganforge.data.table import Table

Name = Annotated[str, StringConstraints(min_length=1)]


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"names '{twice[0]}' more than once.")
    return names


def _distinct_names(names: dict[str, str]) -> dict[str, str]:
    """Two values may not become one class: that would be a decision, and it belongs in the table."""
    _distinct(tuple(names.values()))
    return names


def _as_tuple(given: Any) -> Any:
    return (given,) if isinstance(given, str) else () if given is None else given


def _values_as_text(given: Any) -> Any:
    """YAML reads [0, 1] and the keys of {0: none, 1: mild} as numbers; in a table everything is text."""
    if isinstance(given, Mapping):
        return {_number_as_text(key): name for key, name in given.items()}
    return [_number_as_text(value) for value in given] if isinstance(given, list) else () if given is None else given


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _patterns(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        PatientPattern(text)
    return texts


Classes = Annotated[tuple[Name, ...], AfterValidator(_distinct), BeforeValidator(_as_tuple)]
ClassNames = Annotated[dict[Name, Name], Field(min_length=1), AfterValidator(_distinct_names)]
Values = Annotated[ClassNames | Classes, BeforeValidator(_values_as_text)]
Patterns = Annotated[tuple[Name, ...], AfterValidator(_patterns), BeforeValidator(_as_tuple)]
Fit = Literal["crop", "pad"]


class Window(Spec):
    """The values that become black to white, in the words of radiology."""

    center: float
    width: float = Field(gt=0)


class PictureFiles(DatasetSpec):
    """What the datasets of the core have in common: pictures in files, and how each becomes a square."""

    # In recipes the field of the classes is `classes`, whose name the method has in Python.
    model_config = ConfigDict(serialize_by_alias=True)

    root: Path
    #: Take the centred square of a picture ("crop"), or put it on a black square ("pad").
    fit: Fit = "crop"
    #: For 16-bit, 32-bit and floating-point pictures and DICOM files: the values that become black to white; null: the
    #: full range of 16 bits, and what a DICOM file says itself (else from its smallest to its largest value).
    window: Window | None = None
    #: Frame of DICOM files with several, counted from 0; null: such files are refused.
    frame: NonNegativeInt | None = None

    def load(self, resolution: int, context: LoadContext) -> LabelledImages:
        """All images. Raises DataError with every row or entry of a folder, then every file, that can't be used."""
        from ganforge.data.assemble import load_files

        files = self.files(context)
        assert files is not None
        return load_files(files, resolution, context)

    def _set(self, listing: Listing, classes: tuple[str, ...]) -> FileSet:
        """The set is called like its folder."""
        from ganforge.data.assemble import FileSet
        from ganforge.data.preparation import WholePicture
        from ganforge.data.reading import Reading

        reading = Reading((self.window.center, self.window.width) if self.window else None, self.frame)
        name = self.root.resolve().name or str(self.root)
        return FileSet(listing, classes, WholePicture(self.fit, reading), name, reading=reading)


class ImageFolder(PictureFiles):
    """One sub-folder of images per class."""

    kind: Literal["image_folder"] = "image_folder"
    #: Sub-folders to take, in the order of the labels; empty: all, in natural order.
    selected: Classes = Field(default=(), alias="classes")
    #: Where the patient stands in a file's name without suffix, such as "{patient}_*" for 10_left.jpg; several patterns
    #: are tried in order; empty: each image is a patient of its own.
    patient: Patterns = ()

    @classmethod
    def recognise(cls, root: Path) -> Recognised | None:
        """Any folder with sub-folders that hold pictures; the patient is guessed from the names of the files."""
        from ganforge.data.recognised import recognise_folders

        return recognise_folders(cls, root)

    def classes(self) -> tuple[str, ...]:
        """Names of the class folders. Raises DataError where they are not there."""
        from ganforge.data.folder import folder_classes

        return folder_classes(self.root, self.selected)

    def files(self, context: LoadContext) -> FileSet | None:
        """The images of the class folders."""
        from ganforge.data.folder import list_folders

        classes = self.classes()
        listing = list_folders(self.root, classes, self.patient)
        return self._set(listing, classes)


class CsvTable(PictureFiles):
    """Images of a folder, labelled by a table in a CSV file."""

    kind: Literal["csv"] = "csv"
    #: Table with a header line: a path from `root`, else from where the command is given.
    table: Path
    #: What stands between two cells; null: comma, semicolon, tab or bar, whichever the header has most of.
    separator: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None
    #: Column that holds the file's name, with or without suffix, relative to root.
    image: Name = "image"
    #: Column that holds the class; null: the folder in which a file lies is its class.
    label: Name | None = "label"
    #: Column that holds the patient; null: each image is a patient of its own.
    patient: Name | None = None
    #: Column with `train`, `held_out` or `unused`, for a split that is given; null: the recipe's `split` decides.
    split: Name | None = None
    #: What is added to each file's name, such as ".png"; null: names are looked for as they are, then without suffix.
    extension: Annotated[str, StringConstraints(pattern=r"^\.[A-Za-z0-9]+$")] | None = None
    #: All values that the label column may hold, in the order of the labels, or a name for each: {0: none, 1: mild};
    #: empty: those that it holds.
    selected: Values = Field(default=(), alias="classes")
    #: Leave out rows whose image is not in the folder, with a warning.
    allow_missing: bool = False

    @classmethod
    def recognise(cls, root: Path) -> Recognised | None:
        """A table, or a folder with one that names its pictures."""
        from ganforge.data.recognised_table import recognise_table

        return recognise_table(cls, root)

    def classes(self) -> tuple[str, ...]:
        """The names that were given, or the values of the table. Raises DataError where it can't be read."""
        if isinstance(self.selected, dict):
            return tuple(self.selected.values())
        return self.selected or self._values(self._read())

    def files(self, context: LoadContext) -> FileSet | None:
        """The images of the table."""
        from ganforge.data.labelled import list_table

        table = self._read()
        values = tuple(self.selected) or self._values(table)
        listing = list_table(
            table,
            self.root,
            self._columns,
            {value: label for label, value in enumerate(values)},
            extension=self.extension or "",
            allow_missing=self.allow_missing,
            warn=context.warn,
        )
        classes = tuple(self.selected.values()) if isinstance(self.selected, dict) else values
        return self._set(listing, classes)

    def _values(self, table: Table) -> tuple[str, ...]:
        from ganforge.data.labelled import label_names

        return label_names(table, self.root, self._columns, self.extension or "")

    @property
    def _columns(self) -> Columns:
        from ganforge.data.labelled import Columns

        return Columns(self.image, self.label, self.patient, self.split)

    def _read(self) -> Table:
        """The table, which has the columns that are named. Raises DataError with those that may be meant."""
        from ganforge.data.columns import as_mapping, guess_columns, other_separator
        from ganforge.errors import DataError

        table, wanted = self._found(), self._columns.all()
        try:
            table.require(*wanted)
        except DataError as error:
            text, separator = str(error), None
            if other := other_separator(table):
                separator, table = other
                text += f"\nIts cells seem to be parted by {separator!r}: {_override('data.separator', separator)}"
            if not separator or set(wanted) - set(table.columns):
                text += (
                    "\nA table needs the columns of files and classes, and the folder of the files. That may be: "
                    f"data='{as_mapping(table, guess_columns(table), separator)}'"
                )
            raise DataError(text) from None
        return table

    def _found(self) -> Table:
        from ganforge.data.listing import existing_folder
        from ganforge.data.table import read_table
        from ganforge.errors import DataError
        from ganforge.files import is_file, is_special

        inside = existing_folder(self.root) / self.table
        if self.table.is_absolute() or not (is_file(self.table) or is_special(self.table)):
            return read_table(inside, self.separator)
        if is_file(inside) and not inside.samefile(self.table):
            raise DataError(f"`table: {self.table}` may be {inside} or {self.table.resolve()}; give its full path.")
        return read_table(self.table, self.separator)


def _override(key: str, value: str) -> str:
    """`key=value` as a shell takes it."""
    from ganforge.fields.scalars import shown

    return shlex.quote(f"{key}={shown(value)}")


DATASETS: list[type[DatasetSpec]] = [ImageFolder, CsvTable]
