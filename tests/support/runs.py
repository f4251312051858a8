"""Finished runs of a few steps, and how the public functions find their components."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ganforge_stub
import torch
from cases import components, recipe_data

from ganforge import execute
from ganforge.listener import Listener
from ganforge.recipe import yaml
from ganforge.recipe.load import load_recipe

#: The stub plugin as a file, for whoever takes `plugins=[...]` or `-p`.
STUB = Path(ganforge_stub.__file__)
LABEL = {"where": {"kind": "latent"}, "how": {"kind": "concatenate", "dim": 2}}


def recipe_file(
    folder: Path,
    generator: str = "style",
    *,
    conditional: bool = True,
    generator_spec: dict[str, Any] | None = None,
    **changes: Any,
) -> Path:
    """A recipe of 8 px over phantoms, with everything that it writes in `folder`."""
    data = {**recipe_data(generator), **changes}
    data["generator"] = generator_spec or data["generator"]
    if conditional:
        data["generator"]["label"] = [LABEL]
        data["discriminator"]["label"] = [
            {"where": {"kind": "after", "block": "pool_0"}, "how": {"kind": "concatenate_map"}}
        ]
    data["evaluation"] = {"evaluators": [{"kind": "stub_brightness"}], "images": 8, **data.get("evaluation", {})}
    data["output"] = {"folder": str(folder / "runs"), **data["output"]}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "recipe.yaml"
    path.write_text(yaml.dump(data), encoding="utf-8")
    return path


def finished_run(folder: Path, generator: str = "style", **options: Any) -> Path:
    """The folder of a run of 4 steps."""
    loaded = load_recipe(recipe_file(folder, generator, **options), (), components())
    return execute.run(loaded, Listener(), torch.device("cpu")).path
