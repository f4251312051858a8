"""A recipe as text and as a number: what is kept in a run, and what tells two recipes apart."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel

from ganforge.recipe import yaml
from ganforge.recipe.models import Recipe


def dump_recipe(recipe: Recipe) -> str:
    """YAML text with every value of the recipe, defaults included; it loads back to an equal recipe."""
    return yaml.dump(recipe.model_dump(mode="json"))


def recipe_hash(recipe: Recipe) -> str:
    """First 16 hex digits of the sha256 of the recipe as compact JSON, without values that are defaults.

    A later version that has more fields thus knows the recipe of an older run again. Trackers change nothing of a run
    and are left out, and so is how bad images are treated: which are used stands in the fingerprint of the data.
    Keys stand in the order of the fields, and blocks in their own: another order of blocks is another network.
    """
    chosen = _without_defaults(recipe, recipe.model_dump(mode="json"))
    chosen.pop("bad_images", None)
    output = chosen.pop("output", {})
    output.pop("trackers", None)
    if output:
        chosen["output"] = output
    text = json.dumps(chosen, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def _without_defaults(value: Any, dumped: Any) -> Any:
    """dumped: the value as JSON. The kind of a component stays, which its class has as a default."""
    if isinstance(value, BaseModel):
        chosen = {}
        for name, field in type(value).model_fields.items():
            found = getattr(value, name)
            if name == "kind" or found != field.get_default(call_default_factory=True):
                key = name if name in dumped else field.alias
                chosen[key] = _without_defaults(found, dumped[key])
        return chosen
    if isinstance(value, dict):
        # keys that are numbers are text in JSON
        pairs = zip(value.values(), dumped.items(), strict=True)
        return {key: _without_defaults(each, part) for each, (key, part) in pairs}
    if isinstance(value, list | tuple):
        return [_without_defaults(each, part) for each, part in zip(value, dumped, strict=True)]
    return dumped
