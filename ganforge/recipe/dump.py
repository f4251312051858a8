"""A recipe as text and as a number: what is kept in a run, and what tells two recipes apart."""

from __future__ import annotations

import hashlib
import json

from ganforge.recipe import yaml
from ganforge.recipe.models import Recipe


def dump_recipe(recipe: Recipe) -> str:
    """YAML text with every value of the recipe, defaults included; it loads back to an equal recipe."""
    return yaml.dump(recipe.model_dump(mode="json"))


def recipe_hash(recipe: Recipe) -> str:
    """First 16 hex digits of the sha256 of the recipe as compact JSON, defaults included.

    Without `output.trackers`, which change nothing of the run, so that it can be resumed with others.
    Keys stand in the order of the fields, and blocks in their own: another order of blocks is another network.
    """
    values = recipe.model_dump(mode="json")
    del values["output"]["trackers"]
    text = json.dumps(values, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]
