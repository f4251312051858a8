"""Evaluators on one or several sets of generated images, and what their scores have in common."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache

from ganforge.cache import cache_folder
from ganforge.data.images import LabelledImages
from ganforge.errors import DataError, PluginError, ProcessError
from ganforge.evaluation.checks import checked, described
from ganforge.evaluation.score import EvaluationContext, Matrix, Score
from ganforge.evaluation.store import FeatureStore
from ganforge.interfaces import EvaluatorSpec
from ganforge.listener import Listener
from ganforge.randomness import derive_seed


@dataclass(frozen=True)
class Reference:
    """The real images that generated ones are compared with."""

    images: LabelledImages
    #: Which images these are, as a reader of the score needs to know it.
    split: str
    #: What the generator was trained on, if that is known.
    train: LabelledImages | None = None
    #: Warnings that every score gets.
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """Scores, and for each evaluator (its place in the list) that gave none, the reason."""

    scores: list[Score]
    failures: dict[int, str] = field(default_factory=dict)

    def tell_failures(self, listener: Listener, *, are_named: bool) -> None:
        """Warn of the evaluators that gave no score.

        Raises DataError with the reasons instead where they were asked for by name, or where none gave a score.
        """
        if self.failures and (are_named or not self.scores):
            raise DataError("\n".join(self.failures.values()))
        for reason in self.failures.values():
            listener.warning(reason)


def measure(
    evaluators: Sequence[EvaluatorSpec],
    reference: Reference,
    fakes: Iterable[LabelledImages],
    *,
    seed: int,
    is_conditional: bool,
    listener: Listener,
    store: FeatureStore | None = None,
) -> Measured:
    """All evaluators on each set of fakes, one set per generator seed; scores are means over the sets.

    An evaluator that raises, or gives what are no scores, is a failure and does not stop the others. store: computes
    the features; None: one on the processor.
    """
    found: dict[int, list[list[Score]]] = {}
    failures: dict[int, str] = {}
    store = store or FeatureStore()
    in_memory = cache(reference.images.in_memory)
    for number, fake in enumerate(each.in_memory() for each in fakes):
        context = EvaluationContext(
            cache_folder(),
            derive_seed(seed, "evaluation", number),
            is_conditional,
            listener.progress,
            reference.train,
            store,
        )
        for position, evaluator in enumerate(evaluators):
            if position in failures:
                continue
            with _as_failure(failures, position, evaluator):
                real = reference.images if evaluator.in_batches else in_memory()
                found.setdefault(position, []).append(checked(evaluator.evaluate(real, fake, context)))
        store.forget_generated()
    means = []
    for position, evaluator in enumerate(evaluators):
        if position in found and position not in failures:
            with _as_failure(failures, position, evaluator):
                means += [_placed(score, reference) for score in checked(over_seeds(found[position]))]
    return Measured(means, failures)


@contextmanager
def _as_failure(failures: dict[int, str], position: int, evaluator: EvaluatorSpec) -> Iterator[None]:
    """Whatever is raised becomes the reason why this evaluator gave no score: it must not cost a training."""
    try:
        yield
    except (KeyboardInterrupt, ProcessError):  # a process that is lost is no fault of the evaluator
        raise
    except BaseException as error:  # also what ends a program: that is not for an evaluator to do
        failures[position] = f"evaluator '{evaluator.kind}' gave no score: {described(error)}"


def over_seeds(sets: Sequence[Sequence[Score]]) -> list[Score]:
    """One score for each that all sets have (by name and class): means, and the standard deviation over the sets.

    Sample sizes are the smallest of them; matrices are summed. Raises PluginError for matrices of different classes.
    """
    if len(sets) == 1:
        return list(sets[0])
    by_identity = [{(score.name, score.of_class): score for score in scores} for scores in sets]
    common = [identity for identity in by_identity[0] if all(identity in scores for scores in by_identity)]
    return [_mean([scores[identity] for scores in by_identity]) for identity in common]


def _mean(scores: Sequence[Score]) -> Score:
    values = [score.value for score in scores]
    warnings = dict.fromkeys(warning for score in scores for warning in score.warnings)
    return replace(
        scores[0],
        value=statistics.fmean(values),
        n_real=min(score.n_real for score in scores),
        n_fake=min(score.n_fake for score in scores),
        spread=_mean_or_none([score.spread for score in scores]),
        spread_of=scores[0].spread_of and f"{scores[0].spread_of}, mean over the sets",
        floor=_mean_or_none([score.floor for score in scores]),
        floor_spread=_mean_or_none([score.floor_spread for score in scores]),
        matrix=_sum_or_none([score.matrix for score in scores]),
        num_seeds=len(scores),
        seed_spread=statistics.stdev(values),
        warnings=tuple(warnings),
    )


def _mean_or_none(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if len(known) == len(values) else None


def _sum_or_none(matrices: Sequence[Matrix | None]) -> Matrix | None:
    known = [matrix for matrix in matrices if matrix is not None]
    if len(known) < len(matrices):
        return None
    sizes = {tuple(map(len, matrix)) for matrix in known}
    if len(sizes) > 1:
        raise PluginError("its matrices over the generator seeds have different sizes.")
    return tuple(tuple(map(sum, zip(*rows, strict=True))) for rows in zip(*known, strict=True))


def _placed(score: Score, reference: Reference) -> Score:
    card = reference.images.card
    return replace(
        score,
        dataset=score.dataset or card.name,
        split=score.split or reference.split,
        fingerprint=score.fingerprint or card.fingerprint,
        warnings=score.warnings + reference.caveats,
    )
