"""What a recipe says about its data, also where there is no recipe but a folder or a table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from ganforge.data.listing import folders_in, pictures_in
from ganforge.errors import RecipeError
from ganforge.files import is_folder
from ganforge.interfaces import Side, Spec
from ganforge.recipe.load import load_recipe
from ganforge.recipe.messages import problems_of
from ganforge.recipe.models import Augmentation, BadImagesSpec, Dataset, SplitSpec
from ganforge.recipe.nodes import DEFAULT, Node
from ganforge.recipe.overrides import apply_overrides
from ganforge.registry import Components


class DataRecipe(Spec):
    """The sections of a recipe that decide which images a run sees."""

    name: str = "data"
    seed: int = 0
    resolution: Side = 64
    data: Dataset
    bad_images: BadImagesSpec = BadImagesSpec()
    split: SplitSpec = SplitSpec()
    #: What training does to real images besides; those of `training` in a recipe.
    augmentations: tuple[Augmentation, ...] = ()


def load_data_recipe(what: Path, overrides: Sequence[str], components: Components) -> DataRecipe:
    """Of a recipe, a run, a folder with a sub-folder for each class, a folder of pictures (one class), or a CSV table.

    For folders and tables, `overrides` change what is above: `resolution=128 data.patient={patient}_*`. Raises
    RecipeError.
    """
    if is_folder(what) and (what / "recipe.yaml").is_file():
        what = what / "recipe.yaml"
    if not is_folder(what) and what.suffix.lower() not in (".csv", ".tsv"):
        recipe = load_recipe(what, overrides, components).recipe
        same = {name: getattr(recipe, name) for name in DataRecipe.model_fields if name != "augmentations"}
        return DataRecipe.model_construct(**same, augmentations=recipe.training.augmentations)
    root, problems = apply_overrides(_node({"name": _name(what), "data": _data(what)}), overrides)
    try:
        found = DataRecipe.model_validate(root.plain(), context={"components": components})
    except ValidationError as error:
        raise RecipeError([*problems_of(error, root, DataRecipe, components), *problems]) from error
    if problems:
        raise RecipeError(problems)
    return found


def _name(what: Path) -> str:
    return os.path.basename(os.path.realpath(what)) or "data"  # noqa: PTH119 - pathlib's own raises for a link in circles


def _data(what: Path) -> dict[str, object]:
    """Absolute: a set is called like its folder, also where that is `.`."""
    place = what.absolute()
    if not is_folder(what):
        return {"kind": "csv", "table": str(place), "root": str(place.parent)}
    if pictures_in(what) and not any(map(pictures_in, folders_in(what))):
        return {"kind": "image_folder", "root": str(place.resolve().parent), "classes": [place.resolve().name]}
    return {"kind": "image_folder", "root": str(place)}


def _node(value: object) -> Node:
    if isinstance(value, dict):
        return Node({key: _node(item) for key, item in value.items()}, DEFAULT)
    return Node([_node(item) for item in value] if isinstance(value, list) else value, DEFAULT)  # type: ignore[arg-type]
