"""Scores of a generator by the evaluators of a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ganforge.cache import cache_folder
from ganforge.data.images import DatasetCard, LabelledImages
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.hardware import is_out_of_memory, round_products
from ganforge.interfaces import EvaluatorSpec
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.randomness import derive_seed
from ganforge.recipe.models import Recipe
from ganforge.sampling import BATCH, Sampler, proportional_labels


class Evaluation:
    """Measures against held-out images; without any, against those trained on, and each score then says so."""

    def __init__(self, recipe: Recipe, train: LabelledImages, held_out: LabelledImages, listener: Listener) -> None:
        self.recipe, self.listener = recipe, listener
        self.real = held_out if len(held_out) else train
        self.caveats: tuple[str, ...] = ()
        if not len(held_out):
            self.caveats += ("measured against the images it was TRAINED on, since none were held out",)
        if self.real.card.is_phantom:
            self.caveats += ("the real images are phantoms, drawn by a program",)

    def scores(self, generator: Generator, chosen_at: int | None = None) -> list[Score]:
        """Of all evaluators; one that fails is reported and does not stop the others.

        chosen_at: the step whose checkpoint this is, if it is the best by these measures; the scores then say so.
        """
        caveats = self.caveats
        if chosen_at is not None:
            by = self.recipe.evaluation.best.by if self.recipe.evaluation.best is not None else ""
            caveats += (f"of step {chosen_at}, chosen as the best by {by} on these same real images, which favours it",)
        found = self._measured(generator, self.recipe.evaluation.evaluators)
        scores = [replace(score, warnings=score.warnings + caveats) for score in found]
        if self.recipe.evaluation.evaluators:
            self.listener.scores(scores)
        return scores

    def deciding_score(self, generator: Generator) -> Score | None:
        """The first score of the evaluator by which the best checkpoint is kept; None if it fails or none is named."""
        best = self.recipe.evaluation.best
        chosen = [each for each in self.recipe.evaluation.evaluators if best is not None and each.kind == best.by]
        return next(self._measured(generator, chosen), None)

    def _measured(
        self, generator: Generator, evaluators: tuple[EvaluatorSpec, ...] | list[EvaluatorSpec]
    ) -> Iterator[Score]:
        if not evaluators:
            return
        try:
            fake = self._generated(generator)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.listener.warning("nothing was measured: generating images for it took more memory than there is.")
            return
        context = EvaluationContext(cache_folder(), self.recipe.seed, generator.is_conditional, self.listener.progress)
        for evaluator in evaluators:
            try:
                yield from evaluator.evaluate(self.real, fake, context)
            except Exception as error:  # a broken evaluator must not cost a training
                self.listener.warning(f"evaluator '{evaluator.kind}' gave no score: {type(error).__name__}: {error}")

    def _generated(self, generator: Generator) -> LabelledImages:
        round_products(next(generator.parameters()).device, allowed=False)
        labels = proportional_labels(self.real.class_counts(), self.recipe.evaluation.images)
        # no more at once than the training holds
        batch = min(BATCH, self.recipe.training.batch)
        sampler = Sampler(generator, derive_seed(self.recipe.seed, "evaluation"), batch=batch)
        pixels = sampler.images(labels, self.listener)
        names = [f"generated {index}" for index in range(len(labels))]
        card = DatasetCard(self.recipe.name, self.real.card.classes, "", "", self.real.card.is_phantom, "")
        return LabelledImages(pixels, np.asarray(labels, dtype=np.int64), names, names, card)
