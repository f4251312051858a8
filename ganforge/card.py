"""What must be said of a trained generator wherever it goes: what it learnt from, how it was measured, its limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ganforge.errors import CheckpointError
from ganforge.files import read_json
from ganforge.interfaces import Spec

if TYPE_CHECKING:
    from ganforge.plan.plan import Plan
    from ganforge.runs.rundir import RunDir


class DataCard(Spec):
    """The images that the generator learnt from. fingerprint: sha256 over pixels, labels and groups."""

    name: str
    licence: str
    citation: str
    is_phantom: bool
    fingerprint: str
    #: Images of each class, in the order of the classes.
    train: tuple[int, ...]
    held_out: tuple[int, ...]


class SourceCard(Spec):
    """The pretrained weights that the training began with."""

    name: str
    licence: str
    citation: str
    sha256: str
    #: Web address; empty where the weights were read from a folder.
    url: str = ""


class ScoreCard(Spec):
    """One measured value; `text` is the line to cite, with sample sizes, spread and floor."""

    name: str
    value: float
    text: str
    of_class: str | None = None
    n_real: int
    n_fake: int
    spread: float | None = None
    seed_spread: float | None = None
    floor: float | None = None
    floor_spread: float | None = None
    #: `lower`, `higher` or `near 1`; empty where the run of an earlier version doesn't say.
    better: str = ""
    #: The real images: name of the set, and which of them.
    dataset: str = ""
    split: str = ""
    meaning: str = ""
    warnings: tuple[str, ...] = ()


class Card(Spec):
    """The provenance of a generator. Holds no path and no name of a file or patient."""

    name: str
    description: str
    #: Hash of the recipe, and the seed in it.
    recipe: str
    seed: int
    #: Steps after which these weights were taken, of those that the recipe has; images shown until then.
    step: int
    num_steps: int
    images: int
    resolution: int
    classes: tuple[str, ...]
    is_conditional: bool
    is_phantom: bool
    data: DataCard | None
    source: SourceCard | None
    scores: tuple[ScoreCard, ...]
    #: Why there are no scores, where there are none.
    not_measured: str = ""
    versions: dict[str, str]


def card_of_run(plan: Plan, run: RunDir, step: int, *, is_chosen: bool, is_conditional: bool) -> Card:
    """The card of the weights of one step of a run.

    is_chosen: they are those that the run's scores are about, if it is finished. Raises CheckpointError where a record
    of the run is damaged.
    """
    recipe, state = plan.recipe, run.read_state()
    scores: list[dict[str, Any]] = []
    reason = ""
    if state.get("state") != "finished":
        reason = "the training was not finished"
    elif not is_chosen:
        reason = "the scores of the run are those of another step"
    elif (run.path / "scores.json").is_file():
        scores = _record(run.path / "scores.json", list)
    if not scores and not reason:
        reason = "the recipe has no evaluator that gave a score"
    try:
        return Card(
            name=recipe.name,
            description=recipe.description,
            recipe=str(state.get("recipe", "")),
            seed=recipe.seed,
            step=step,
            num_steps=sum(stage.steps for stage in recipe.stages),
            images=step * recipe.training.batch,
            resolution=recipe.resolution,
            classes=plan.classes,
            is_conditional=is_conditional,
            is_phantom=recipe.data.is_phantom,
            data=_data(run.path / "data.json"),
            source=_source(run.path / "source.json"),
            scores=tuple(map(_score, scores)),
            not_measured=reason,
            versions=_versions(run.path / "environment.json"),
        )
    except (ValidationError, AttributeError, KeyError, TypeError) as error:
        raise CheckpointError(f"a record in {run.path} is damaged: {error}") from error


_SCORE_KEYS = tuple(ScoreCard.model_fields)
#: Of environment.json; the rest says where it ran.
_PACKAGES = ("ganforge", "torch", "numpy", "python")


def _score(record: dict[str, Any]) -> ScoreCard:
    return ScoreCard.model_validate({key: record[key] for key in _SCORE_KEYS if key in record})


def _data(path: Path) -> DataCard | None:
    if not path.is_file():
        return None
    record = _record(path, dict)
    card = {key: record["card"][key] for key in ("name", "licence", "citation", "is_phantom", "fingerprint")}
    return DataCard(**card, train=record["images"]["train"], held_out=record["images"]["held_out"])


def _source(path: Path) -> SourceCard | None:
    if not path.is_file():
        return None
    record = _record(path, dict)
    url = record["origin"] if str(record["origin"]).startswith(("http://", "https://")) else ""
    return SourceCard(**{key: record[key] for key in ("name", "licence", "citation", "sha256")}, url=url)


def _versions(path: Path) -> dict[str, str]:
    record = _record(path, dict) if path.is_file() else {}
    return {name: str(record[name]) for name in _PACKAGES if name in record}


def _record(path: Path, kind: type) -> Any:
    record = read_json(path, CheckpointError)
    if not isinstance(record, kind):
        raise CheckpointError(f"{path} is damaged: it holds no {kind.__name__}.")
    return record
