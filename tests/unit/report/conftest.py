"""One finished run with hostile names, made once; each test gets a copy of its folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile import CLASSES, DESCRIPTION, PATIENT
from PIL import Image
from tiny import TINY_RECIPE

from ganforge.evaluation.score import Score
from ganforge.execute import run
from ganforge.files import write_json
from ganforge.listener import Listener
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components

SCORES = [
    Score("kd[net@1a2b3c4d]", 0.51, 6, 6, spread=0.04, spread_of="draws", floor=0.01, num_seeds=2, seed_spread=0.02),
    Score("kd[net@1a2b3c4d]", 0.62, 3, 3, of_class=CLASSES[0], floor=0.02),
    Score(
        "kappa[net@1a2b3c4d]",
        0.4,
        6,
        6,
        floor=0.9,
        lower_is_better=False,
        matrix=((5, 1, 0), (2, 3, 1), (0, 0, 6)),
        classes=CLASSES,
        warnings=("the classifier is weak & <b>small</b>",),
    ),
    Score("memorisation_ratio[pixels]", 1.2, 6, 6, floor=0.98, target=1.0, meaning="near 1 for new images"),
]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, components: Components) -> Iterator[Path]:
    """The folder of the run: not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    root = folder / PATIENT / "pictures"
    random = np.random.default_rng(0)
    for number, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for index in range(10):
            picture = random.integers(0, 80 * number + 90, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(picture).save(root / name / f"{PATIENT}_{index:02d}.png")
    recipe = folder / "tiny.yaml"
    recipe.write_text(TINY_RECIPE.format(root="PICTURES", runs=f"'{folder / 'runs'}'"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANFORGE_CACHE", str(folder / "cache"))
        loaded = load_recipe(recipe, [f"data.root={root}", f"description={DESCRIPTION}"], components)
        path = run(loaded, Listener(), torch.device("cpu")).path
        write_json(path / "scores.json", [score.as_dict() for score in SCORES])
        yield path


@pytest.fixture
def finished(made: Path, tmp_path: Path) -> Path:
    """A copy of the run's folder."""
    return Path(shutil.copytree(made, tmp_path / "runs" / made.name))
