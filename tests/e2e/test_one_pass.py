"""Evaluators of one recipe that ask for the same features share one pass over the images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import torch

from ganforge import builtin, plugins
from ganforge.data.images import LabelledImages
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.execute import run
from ganforge.interfaces import EvaluatorSpec, ExtractorSpec
from ganforge.listener import Listener
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components, Lookup, Origin


class Counted(ExtractorSpec):
    """Mean colour; counts the images that it sees."""

    kind: Literal["counted"] = "counted"
    seen: ClassVar[list[int]] = []

    def build(self, device: str) -> Any:
        class Means:
            name, sha256, dim, resizer = "means", "0" * 64, 3, "none"

            def __call__(self, images):
                Counted.seen.append(len(images))
                return images.mean(axis=(2, 3)).astype("float32")

        return Means()


class First(EvaluatorSpec):
    """Distance of the means."""

    kind: Literal["first"] = "first"
    extractor: Annotated[ExtractorSpec, Lookup("extractor")]

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        of_real = context.features(self.extractor, real, "real images")
        of_fake = context.features(self.extractor, fake, "generated images")
        distance = abs(float(of_real.values.mean() - of_fake.values.mean()))
        return [Score(self.kind, distance, len(real), len(fake), extractor=of_real.extractor)]


class Second(First):
    """The same under another name."""

    kind: Literal["second"] = "second"  # type: ignore[assignment]


def test_two_evaluators_of_a_recipe_extract_once(tiny_recipe: Path) -> None:
    components = Components()
    plugins.register(components, builtin, Origin("builtin", "ganforge", "0"))
    for family, spec in (("extractor", Counted), ("evaluator", First), ("evaluator", Second)):
        components[family].add(spec, Origin("test", "tests", "0"))
    both = ", ".join(f"{{kind: {kind}, extractor: {{kind: counted}}}}" for kind in ("first", "second"))
    loaded = load_recipe(tiny_recipe, [f"evaluation={{images: 9, evaluators: [{both}]}}"], components)
    assert [each.extractor for each in loaded.recipe.evaluation.evaluators] == [Counted(), Counted()]
    Counted.seen.clear()
    found = run(loaded, Listener(), torch.device("cpu"))
    first, second = json.loads((found.path / "scores.json").read_text())
    assert first["value"] == second["value"] and first["extractor"] == "means@00000000"
    assert Counted.seen == [first["n_real"], 9, 9, 9]  # the real images once, a set for each generator seed
