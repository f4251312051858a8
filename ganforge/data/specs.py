"""The datasets of the core: a folder per class, and a table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from ganforge.interfaces import DatasetSpec

if TYPE_CHECKING:
    from ganforge.data.images import LabelledImages, LoadContext
    from ganforge.data.recognised import Recognised
    from ganforge.data.table import Table

Name = Annotated[str, StringConstraints(min_length=1)]


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"names '{twice[0]}' more than once.")
    return names


def _with_one_group(pattern: str | None) -> str | None:
    if pattern is None:
        return None
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"'{pattern}' is no regular expression: {error}.") from error
    if groups != 1:
        raise ValueError(f"'{pattern}' has {groups} groups; it needs exactly one, around the patient's name.")
    return pattern


Classes = Annotated[tuple[Name, ...], AfterValidator(_distinct)]
PatientPattern = Annotated[str | None, AfterValidator(_with_one_group)]
Fit = Literal["crop", "pad"]


class ImageFolder(DatasetSpec):
    """One sub-folder of images per class."""

    # In recipes the field is `classes`, whose name the method has in Python.
    model_config = ConfigDict(serialize_by_alias=True)

    kind: Literal["image_folder"] = "image_folder"
    root: Path
    #: Sub-folders to take, in the order of the labels; empty: all, in natural order.
    selected: Classes = Field(default=(), alias="classes")
    #: Regular expression whose one group is the patient, searched in a file's name without suffix; null: each image is
    #: a patient of its own.
    patient: PatientPattern = None
    #: Take the centred square of a picture ("crop"), or put it on a black square ("pad").
    fit: Fit = "crop"

    @classmethod
    def recognise(cls, root: Path) -> Recognised | None:
        """Any folder with sub-folders that hold pictures; the patient is guessed from the names of the files."""
        from ganforge.data.recognised import recognise_folders

        return recognise_folders(cls, root)

    def classes(self) -> tuple[str, ...]:
        """Names of the class folders. Raises DataError where they are not there."""
        from ganforge.data.folder import folder_classes

        return folder_classes(self.root, self.selected)

    def load(self, resolution: int, context: LoadContext) -> LabelledImages:
        """All images of the class folders. Raises DataError with every file that can't be used."""
        from ganforge.data.assemble import load_listing
        from ganforge.data.folder import list_folders
        from ganforge.data.preparation import WholePicture

        classes = self.classes()
        listing = list_folders(self.root, classes, self.patient)
        return load_listing(listing, classes, WholePicture(self.fit), resolution, context, name=_name(self.root))


class ImageTable(DatasetSpec):
    """Images of a folder, labelled by a CSV table."""

    model_config = ConfigDict(serialize_by_alias=True)

    kind: Literal["image_table"] = "image_table"
    root: Path
    #: CSV file with a header line; relative to `root`, or absolute.
    table: Path
    #: Columns that hold the file's name (with or without suffix, relative to root), the class, and the patient;
    #: without a patient column, each image is a patient of its own.
    image: Name = "image"
    label: Name = "label"
    patient: Name | None = None
    #: All values that the label column may hold, in the order of the labels; empty: those that it holds.
    selected: Classes = Field(default=(), alias="classes")
    #: Leave out rows whose image is not in the folder, with a warning.
    allow_missing: bool = False
    #: Take the centred square of a picture ("crop"), or put it on a black square ("pad").
    fit: Fit = "crop"

    def classes(self) -> tuple[str, ...]:
        """The classes that were given, or those of the table. Raises DataError where it can't be read."""
        return self.selected or self._label_names(self._read())

    def load(self, resolution: int, context: LoadContext) -> LabelledImages:
        """All images of the table. Raises DataError with every row, then every file, that can't be used."""
        from ganforge.data.assemble import load_listing
        from ganforge.data.labelled import Columns, list_table
        from ganforge.data.preparation import WholePicture

        table = self._read()
        classes = self.selected or self._label_names(table)
        listing = list_table(
            table,
            self.root,
            Columns(self.image, self.label, self.patient),
            {name: label for label, name in enumerate(classes)},
            allow_missing=self.allow_missing,
            warn=context.warn,
        )
        return load_listing(listing, classes, WholePicture(self.fit), resolution, context, name=_name(self.root))

    def _label_names(self, table: Table) -> tuple[str, ...]:
        from ganforge.data.labelled import label_names

        return label_names(table, self.label)

    def _read(self) -> Table:
        from ganforge.data.listing import existing_folder
        from ganforge.data.table import read_table

        return read_table(existing_folder(self.root) / self.table)


def _name(root: Path) -> str:
    """What the set is called in reports: the name of its folder."""
    return root.resolve().name or str(root)


DATASETS: list[type[DatasetSpec]] = [ImageFolder, ImageTable]
