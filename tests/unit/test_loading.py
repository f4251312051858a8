"""Which images a run refuses to train on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from cases import images, planned, recipe_data
from runs import LABEL

from ganforge.data.images import LabelledImages, LoadContext
from ganforge.errors import DataError
from ganforge.interfaces import DatasetSpec
from ganforge.listener import Listener
from ganforge.loading import load_data
from ganforge.runs.rundir import RunDir

EMBEDDING = {"kind": "class_embedding", "num_classes": 2, "dim": 2}


class OneKind(DatasetSpec):
    """Two classes, of which one has no image."""

    kind: Literal["one_kind"] = "one_kind"

    def classes(self) -> tuple[str, ...]:
        return ("class 0", "class 1")

    def load(self, resolution: int, context: LoadContext) -> LabelledImages:
        both = images(8, resolution)
        return both.subset((both.labels == 0).nonzero()[0])


def load(data: dict[str, Any], folder: Path) -> tuple[LabelledImages, LabelledImages]:
    plan = planned(data)
    plan = replace(plan, recipe=plan.recipe.model_copy(update={"data": OneKind()}))
    return load_data(plan, RunDir.create(folder, "run"), Listener())


@pytest.mark.parametrize("is_by_birth", [True, False])
def test_a_class_that_a_generator_would_never_be_asked_for_is_refused(is_by_birth: bool, tmp_path: Path) -> None:
    data = recipe_data()
    if is_by_birth:
        data["generator"]["blocks"] = {"embedding": EMBEDDING, **data["generator"]["blocks"]}
    else:
        data["generator"]["label"] = [LABEL]
    with pytest.raises(DataError) as caught:
        load(data, tmp_path)
    assert str(caught.value) == (
        "no image to train on has the class 'upright'. Where there are some, split.seed=N or a smaller "
        "split.held_out may bring them back; else train without labels."
    )


def test_without_labels_a_class_may_have_no_image(tmp_path: Path) -> None:
    train, held_out = load(recipe_data(), tmp_path)
    assert train.class_counts()[1] == held_out.class_counts()[1] == 0
