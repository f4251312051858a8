"""Several processes give the scores of one, and a fault of one of them is told as its own would be."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from cases import components, images, networks, planned, recipe_data
from ganforge_stub.extractors import Colours, StubColours
from several import ends, start, together

from ganforge.data.images import LabelledImages
from ganforge.evaluation.evaluation import Evaluation, reported
from ganforge.evaluation.generation import Generation
from ganforge.evaluation.measure import Measured, Reference
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.interfaces import EvaluatorSpec, ExtractorSpec
from ganforge.listener import Listener
from ganforge.processes.group import ALONE, Processes
from ganforge.processes.stop import Stops
from ganforge.recipe.models import Recipe


class Private(ExtractorSpec):
    """An extractor that no plugin registers."""

    kind: Literal["private"] = "private"

    def build(self, device: str) -> Colours:
        return Colours()


class Distance(EvaluatorSpec):
    """Squared distance of mean features, summed in float64; and the first image, so that an order shows."""

    kind: Literal["distance"] = "distance"
    private: bool = False

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        extractor = Private() if self.private else StubColours()
        of_real = context.features(extractor, real, "real images")
        mirrored = LabelledImages(real.images[..., ::-1], real.labels, real.groups, real.names, real.card)
        of_mirrored = context.features(extractor, mirrored, "mirrored images")
        of_fake = context.features(extractor, fake, "generated images")
        means = [each.values.astype(np.float64).mean(axis=0) for each in (of_real, of_mirrored, of_fake)]
        value = float(((means[0] + means[1] - means[2]) ** 2).sum()) + float(fake.images[0].mean())
        return [Score(f"distance[{of_real.extractor}]", value, len(real), len(fake))]


class Fails(EvaluatorSpec):
    """Fails ahead of its second request."""

    kind: Literal["fails"] = "fails"

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        context.features(StubColours(), real, "real images")
        raise ValueError("no second set")


class Told(Listener):
    """Keeps warnings, and how many batches there were."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.batches: dict[str, int] = {}

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def progress(self, items: Any, total: int, what: str) -> Iterator[Any]:
        for item in items:
            self.batches[what] = self.batches.get(what, 0) + 1
            yield item


@pytest.fixture(autouse=True, scope="module")
def planned_once() -> None:
    """What torch imports for a plan, the processes of these tests find imported."""
    planned(recipe_data("style"))


EVALUATORS = (Distance(), Fails(), Distance(private=True))


def recipe() -> Recipe:
    """17 images in batches of 3."""
    found = planned(recipe_data("style")).recipe
    changed = {"images": 17, "seeds": 2, "evaluators": EVALUATORS}
    training = found.training.model_copy(update={"batch": 3})
    return found.model_copy(update={"training": training, "evaluation": found.evaluation.model_copy(update=changed)})


def measured(processes: Processes, listener: Listener, stops: Stops | None = None) -> Measured:
    generator = networks(planned(recipe_data("style")))[0]
    reference = Reference(images(70), "all") if processes.is_first else None
    evaluation = Evaluation(recipe(), reference, listener, components(), processes)
    return evaluation.measured(generator, EVALUATORS, reported(2), stops)


def measure(processes: Processes, folder: Path) -> None:
    os.environ["GANFORGE_CACHE"] = str(folder / f"cache_{processes.size}")
    told = Told()
    found = measured(processes, told)
    if not processes.is_first:
        assert found == Measured([])
        return
    assert told.batches == {"generating": 12, "colours: real images": 3, "colours: mirrored images": 3,
                            "colours: generated images": 2}  # fmt: skip
    result = {"scores": [score.as_dict() for score in found.scores], "failures": found.failures}
    (folder / f"{processes.size}.json").write_text(json.dumps(result))


def test_scores_of_one_two_and_four_processes_are_the_same_to_the_bit(tmp_path: Path) -> None:
    for size in (1, 2, 4):
        together(size, tmp_path / f"meet_{size}", measure, tmp_path)
    one, two, four = ((tmp_path / f"{size}.json").read_text() for size in (1, 2, 4))
    assert one == two == four
    result = json.loads(one)
    assert [score["name"].partition("@")[0] for score in result["scores"]] == ["distance[colours"] * 2
    assert result["scores"][0]["num_seeds"] == 2 and result["scores"][0]["value"] == result["scores"][1]["value"]
    assert result["failures"] == {"1": "evaluator 'fails' gave no score: ValueError: no second set"}
    caches = [sorted(path.name for path in (tmp_path / f"cache_{size}").rglob("*.npy")) for size in (1, 2, 4)]
    assert caches[0] == caches[1] == caches[2] and len(caches[0]) == 2


def work(processes: Processes, folder: Path, fault: Callable[[], None], task: str, *faulty: int) -> None:
    """An evaluation in which some processes have a fault in their second batch of images or features."""
    os.environ["GANFORGE_CACHE"] = str(folder / "cache")
    owner: Any = Generation if task == "images" else Colours
    name = "_drawn" if task == "images" else "__call__"
    right, calls = getattr(owner, name), []

    def broken(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2 and processes.rank in faulty:
            fault()
        return right(*arguments)

    setattr(owner, name, broken)
    told = Told()
    os.environ["RANK"] = str(processes.rank)
    with Stops(for_good=True) as stops:
        found = measured(processes, told, stops)
    if processes.is_first:
        names = [score.name.partition("@")[0] for score in found.scores]
        (folder / "result.json").write_text(json.dumps([names, found.failures, told.warnings]))


def refuse() -> None:
    raise KeyError("odd")


def fill_memory() -> None:
    raise MemoryError("no room")


NO_SECOND = "evaluator 'fails' gave no score: ValueError: no second set"
FULL = "0 of 2 sets of images were measured: generating more took more memory than there is."


@pytest.mark.parametrize(
    ("fault", "task", "faulty", "names", "failures", "warnings"),
    [
        (refuse, "features", 1, ["distance[colours"],
         {"0": "evaluator 'distance' gave no score: PartError: rank 1 of 2: KeyError: 'odd'", "1": NO_SECOND}, []),
        (refuse, "features", 0, ["distance[colours"],
         {"0": "evaluator 'distance' gave no score: KeyError: 'odd'", "1": NO_SECOND}, []),
        (fill_memory, "images", 1, [], {}, [FULL]),
        (fill_memory, "images", 0, [], {}, [FULL]),
    ],
    ids=["refuse 1", "refuse 0", "memory 1", "memory 0"],
)  # fmt: skip
def test_a_fault_in_a_part_is_one_of_what_asked_for_it_and_is_told_once(
    fault: Callable[[], None],
    task: str,
    faulty: int,
    names: list[str],
    failures: dict[str, str],
    warnings: list[str],
    tmp_path: Path,
) -> None:
    together(2, tmp_path / "meet", work, tmp_path, fault, task, faulty)
    assert json.loads((tmp_path / "result.json").read_text()) == [names, failures, warnings]


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(("task", "faulty"), [("images", 1), ("features", 1), ("features", 0)])
def test_one_that_dies_ends_the_evaluation_and_is_no_fault_of_an_evaluator(
    task: str, faulty: int, tmp_path: Path
) -> None:
    codes = ends(start(2, tmp_path / "meet", work, tmp_path, kill, task, faulty))
    assert codes[faulty] == -signal.SIGKILL and codes[1 - faulty] == 9
    assert (tmp_path / "meet" / f"error_{1 - faulty}").read_text() == (
        f"ProcessError: the process of rank {faulty} of 2 ended without a word: killed, or out of memory."
    )
    assert not (tmp_path / "result.json").exists()


def stop() -> None:
    os.kill(os.getpid(), signal.SIGUSR2)


@pytest.mark.parametrize(("task", "faulty"), [("images", 1), ("features", 0)])
def test_a_signal_to_one_stops_all_behind_their_batch(task: str, faulty: int, tmp_path: Path) -> None:
    assert ends(start(2, tmp_path / "meet", work, tmp_path, stop, task, faulty)) == [140, 140]
    said = [(tmp_path / "meet" / f"error_{rank}").read_text() for rank in (0, 1)]
    assert said == ["RunStopped: stopped by SIGUSR2"] * 2
    assert not (tmp_path / "result.json").exists()


def be_killed_or_told_by_the_launcher() -> None:
    os.kill(os.getpid(), signal.SIGKILL if os.environ["RANK"] == "1" else signal.SIGTERM)


def test_a_launcher_that_stops_the_rest_hides_not_who_was_killed(tmp_path: Path) -> None:
    children = start(2, tmp_path / "meet", work, tmp_path, be_killed_or_told_by_the_launcher, "images", 0, 1)
    assert ends(children) == [9, -signal.SIGKILL]
    assert "rank 1 of 2 ended without a word" in (tmp_path / "meet" / "error_0").read_text()


def test_networks_compute_where_the_evaluation_does() -> None:
    found = []

    class Asks(EvaluatorSpec):
        """Asks for the device."""

        kind: Literal["asks"] = "asks"

        def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
            found.append(context.device)
            return [Score("asks", 0.0, 1, 1)]

    generator = networks(planned(recipe_data("style")))[0]
    Evaluation(recipe(), Reference(images(4), ""), Listener(), components(), ALONE).measured(generator, [Asks()], [0])
    assert found == ["cpu"]
