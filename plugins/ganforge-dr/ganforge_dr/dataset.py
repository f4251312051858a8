"""Diabetic retinopathy: graded fundus photographs, or phantoms where there are none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeInt, PositiveInt, model_validator

from ganforge.errors import DataError
from ganforge.interfaces import DatasetSpec
from ganforge_dr.grades import CLASSES

if TYPE_CHECKING:
    from ganforge.data.assemble import FileSet
    from ganforge.data.images import LabelledImages, LoadContext
    from ganforge.data.recognised import Recognised


class DiabeticRetinopathy(DatasetSpec):
    """Fundus photographs with grades 0 to 4, or the digital fundus phantom."""

    kind: Literal["diabetic_retinopathy"] = "diabetic_retinopathy"
    #: Folder of the photographs; null: the digital fundus phantom, which is drawn by a program.
    root: Path | None = None
    #: "folders": 0/ to 4/. "eyepacs": a table `image,level`, or that of EyeQ. "aptos": a table `id_code,diagnosis`.
    layout: Literal["auto", "folders", "eyepacs", "aptos"] = "auto"
    #: CSV file of the labels, relative to root or absolute; null: the one that lies in root.
    labels: Path | None = None
    #: Leave out rows of the table whose image is not there, with a warning.
    allow_missing: bool = False
    #: Number of phantoms.
    images: PositiveInt = 1500
    #: Decides grades, patients and pictures of the phantoms.
    seed: NonNegativeInt = 0

    @model_validator(mode="after")
    def _every_field_has_an_effect(self) -> DiabeticRetinopathy:
        fields = type(self).model_fields
        unused = ("labels", "layout", "allow_missing") if self.root is None else ("images", "seed")
        changed = [name for name in unused if getattr(self, name) != fields[name].default]
        if changed:
            why = "without `root` phantoms are drawn" if self.root is None else "they are for phantoms, without `root`"
            raise ValueError(f"{', '.join(f'`{name}`' for name in changed)} would have no effect: {why}.")
        if self.layout == "folders" and self.labels is not None:
            raise ValueError("`labels` would have no effect: with `layout: folders` the folder is the label.")
        return self

    @property
    def is_phantom(self) -> bool:
        """True without `root`."""
        return self.root is None

    def preflight(self) -> None:
        if self.root is not None and not self.root.is_dir():
            raise DataError(f"there is no folder {self.root}. Name that of the photographs with data.root=FOLDER.")

    @classmethod
    def recognise(cls, root: Path) -> Recognised | None:
        """A folder with a table of a known form, or grade folders whose files are named as those of EyePACS."""
        from ganforge.data.recognised import Recognised
        from ganforge_dr.photographs import list_photographs, looks_graded

        if not looks_graded(root):
            return None
        notes: list[str] = []
        found = list_photographs(root, "auto", None, False, notes.append)
        return Recognised(cls(root=root), found.listing, tuple(notes))

    def classes(self) -> tuple[str, ...]:
        """The five grades."""
        return CLASSES

    def load(self, resolution: int, context: LoadContext) -> LabelledImages:
        """All images, each a square that its retina fills. Raises DataError with every row, then file, that is bad."""
        files = self.files(context)
        if files is None:
            from ganforge_dr.drawn import load_phantoms

            return load_phantoms(self.images, self.seed, resolution, context)
        from ganforge.data.assemble import load_files

        return load_files(files, resolution, context)

    def files(self, context: LoadContext) -> FileSet | None:
        """The photographs; None for phantoms."""
        if self.root is None:
            return None
        from ganforge.data.assemble import FileSet
        from ganforge_dr.photographs import list_photographs
        from ganforge_dr.preparation import RetinaSquare

        found = list_photographs(self.root, self.layout, self.labels, self.allow_missing, context.warn)
        name = f"{self.root.resolve().name} ({found.set_name})"
        return FileSet(found.listing, CLASSES, RetinaSquare(), name, found.licence, found.citation)
