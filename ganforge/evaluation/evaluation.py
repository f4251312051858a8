"""Scores of a generator by the evaluators of a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ganforge.data.images import DatasetCard, LabelledImages
from ganforge.evaluation.generation import Generation
from ganforge.evaluation.measure import Measured, Reference, measure
from ganforge.evaluation.score import Score
from ganforge.evaluation.store import FeatureStore
from ganforge.hardware import is_out_of_memory
from ganforge.interfaces import EvaluatorSpec
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.phantoms import AGAINST_PHANTOMS
from ganforge.processes.crew import Crew
from ganforge.processes.group import ALONE, Processes
from ganforge.processes.stop import Stops
from ganforge.randomness import derive_seed
from ganforge.recipe.models import Recipe
from ganforge.registry import Components
from ganforge.sampling import BATCH, proportional_labels


def reference_of(recipe: Recipe, train: LabelledImages, held_out: LabelledImages) -> Reference:
    """Held-out images; without any, those trained on, and each score then says so."""
    caveats: tuple[str, ...] = ()
    if held_out.card.is_phantom:
        caveats += (AGAINST_PHANTOMS,)
    if len(held_out):
        split = f"{len(held_out):,} held out by group, {len(train):,} trained on, split seed {recipe.split.seed}"
        return Reference(held_out, split, train, caveats)
    caveats = ("measured against the images it was TRAINED on, since none were held out", *caveats)
    return Reference(train, f"all {len(train):,}, trained on", None, caveats)


#: Number of the set of generated images by which checkpoints are chosen. Those that are reported come behind it, so
#: that the luck of a draw by which a checkpoint was chosen is not in its scores.
CHOOSING = 0


def reported(seeds: int) -> range:
    """Numbers of the sets over which scores are reported."""
    return range(CHOOSING + 1, CHOOSING + 1 + seeds)


class Evaluation:
    """Measures generators of one recipe against the same real images.

    All processes call the same methods with the same generators. The first one measures; the others generate and
    compute features for it, need no real images, and get no scores.
    """

    def __init__(
        self,
        recipe: Recipe,
        reference: Reference | None,
        listener: Listener,
        components: Components,
        processes: Processes = ALONE,
        stops: Stops | None = None,
    ) -> None:
        """reference: None on others than the first process. components: from which the recipe comes. stops: may end it.

        But for `deciding_score`, whose step is to be saved first.
        """
        self.recipe, self.reference, self.listener = recipe, reference, listener
        self.components, self.processes, self.stops = components, processes, stops

    def scores(self, generator: Generator, chosen_at: int | None = None) -> list[Score]:
        """Of all evaluators; one that fails is reported and does not stop the others.

        chosen_at: the step whose checkpoint this is, if it is the best by these measures; the scores then say so.
        """
        plan = self.recipe.evaluation
        scores = self._reported(self.measured(generator, plan.evaluators, reported(plan.seeds), self.stops))
        if chosen_at is not None:
            by = plan.best.by if plan.best is not None else ""
            caveat = f"of step {chosen_at}, chosen as the best by {by} on these same real images, which favours it"
            scores = [replace(score, warnings=(*score.warnings, caveat)) for score in scores]
        if plan.evaluators and self.processes.is_first:
            self.listener.scores(scores)
        return scores

    def deciding_score(self, generator: Generator) -> Score | None:
        """The first score of the evaluator by which the best checkpoint is kept; None if it fails or none is named."""
        best = self.recipe.evaluation.best
        chosen = [each for each in self.recipe.evaluation.evaluators if best is not None and each.kind == best.by]
        return next(iter(self._reported(self.measured(generator, chosen, [CHOOSING]))), None)

    def measured(
        self,
        generator: Generator,
        evaluators: Sequence[EvaluatorSpec],
        sets: Sequence[int],
        stops: Stops | None = None,
        *,
        is_equal: bool = False,
    ) -> Measured:
        """Scores over sets of generated images, each with a number and a seed of its own. stops: may end it.

        is_equal: generate as many images of each class that has real ones, rather than in their proportions.
        """
        crew = Crew(self.processes, stops)
        training = self.recipe.training
        # no more at once than the training holds
        generation = Generation(generator, min(BATCH, training.microbatch or training.batch), crew)
        store = FeatureStore(str(next(generator.parameters()).device), crew, self.components)
        if not self.processes.is_first:
            crew.help()
            return Measured([])
        assert self.reference is not None
        with crew.asking():
            return measure(
                evaluators,
                self.reference,
                self._generated(generation, self.reference.images, sets, is_equal) if evaluators else (),
                seed=self.recipe.seed,
                is_conditional=generator.is_conditional,
                listener=self.listener,
                store=store,
            )

    def _reported(self, measured: Measured) -> list[Score]:
        for reason in measured.failures.values():
            self.listener.warning(reason)
        return measured.scores

    def _generated(
        self, generation: Generation, real: LabelledImages, sets: Sequence[int], is_equal: bool
    ) -> Iterator[LabelledImages]:
        counts = real.class_counts()
        shares = [min(count, 1) for count in counts] if is_equal else counts
        labels = proportional_labels(shares, self.recipe.evaluation.images)
        for done, number in enumerate(sets):
            try:
                pixels = generation.images(derive_seed(self.recipe.seed, "evaluation", number), labels, self.listener)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                measured = f"{done} of {len(sets)} sets of images were measured"
                self.listener.warning(f"{measured}: generating more took more memory than there is.")
                return
            names = [f"generated {index}" for index in range(len(labels))]
            card = DatasetCard(self.recipe.name, real.card.classes, "", "", real.card.is_phantom, "")
            yield LabelledImages(pixels, np.asarray(labels, dtype=np.int64), names, names, card)
