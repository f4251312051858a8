"""What a run computes does not depend on the number of its processes."""

from __future__ import annotations

import itertools
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import networks, planned, randomise, recipe_data, stage
from several import together
from torch import Tensor, optim
from trainings import contents, trainer

from ganforge.evaluation.score import Score
from ganforge.networks.staged import Generator
from ganforge.plan.plan import Plan
from ganforge.processes.group import Processes, batch_problem
from ganforge.processes.stop import Stops
from ganforge.runs.checkpoint import Best, load_newest
from ganforge.tensors import load_tensors, save_tensors
from ganforge.training.exchange import Exchange
from ganforge.training.logit_penalty import LeCam
from ganforge.training.piecewise import PiecewiseRoute
from ganforge.training.players import Players
from ganforge.training.routes import AutogradRoute
from ganforge.training.specs import BCE, R1, R2, Hinge, Wasserstein
from ganforge.training.step import RealBatch, TrainStep

BATCH, CLASSES = 8, 2
REGULARISERS = {"none": [], "r1": [R1(gamma=2.0)], "r2": [R2(gamma=2.0)], "both": [R1(gamma=2.0), R2(gamma=1.0)]}
OPTIONS: list[dict[str, Any]] = [{}, {"microbatch": 3}, {"wrong_labels": 0.5, "microbatch": 1}]


@cache
def plan() -> Plan:
    data = recipe_data("style", "gp_gan")
    data["discriminator"]["label"] = [{"where": {"kind": "latent"}, "how": {"kind": "projection"}}]
    return planned(data)


def held_logits() -> LeCam:
    """A penalty that weighs more than the loss, and so changes the sign of some derivatives."""
    penalty = LeCam(weight=2.0, decay=0.9)
    penalty.observe(torch.tensor([0.5]), torch.tensor([-0.25]))
    return penalty


def one_step(
    processes: Processes, loss: Any, regularisers: list[Any], route: type, options: dict[str, Any]
) -> dict[str, Tensor]:
    """Gradients and metrics of one step, by name; frozen parameters have none."""
    generator, discriminator = networks(plan(), double=True)
    for network in (generator, discriminator):
        randomise(network)
        network.to(memory_format=torch.channels_last)
    for name, parameter in (*generator.named_parameters(), *discriminator.named_parameters()):
        parameter.requires_grad_(not name.startswith("resnet_0_0.conv_0"))
    # on no process a gradient comes here
    generator.register_parameter("idle", torch.nn.Parameter(torch.ones(3)))
    players = Players(
        generator,
        discriminator,
        optim.SGD(generator.parameters(), lr=0.1),
        optim.SGD(discriminator.parameters(), lr=0.1),
        {},
        {"lecam": held_logits().double()} if options.get("wrong_labels") else {},
    )
    probabilities = torch.tensor([0.5, 0.5], dtype=torch.float64)
    exchange = Exchange(processes, Stops())
    step = TrainStep(
        players, loss, regularisers, probabilities, 0, route(discriminator, torch.float64), exchange=exchange, **options
    )
    images = torch.randn(BATCH, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(BATCH) % CLASSES
    real = RealBatch(processes.share(images), processes.share(labels))  # type: ignore[type-var]
    metrics = step(real, 0, processes.share(range(BATCH)))
    found = {f"metric.{name}": torch.tensor(value) for name, value in metrics.items()}
    for which, network in (("generator", generator), ("discriminator", discriminator)):
        for name, parameter in network.named_parameters():
            found[f"{which}.{name}.moved"] = parameter.detach().clone()
            if parameter.grad is not None:
                assert processes.size == 1 or parameter.grad.stride() == parameter.stride()
                found[f"{which}.{name}.gradient"] = parameter.grad
    return found


def all_steps(processes: Processes, folder: Path) -> None:
    torch.set_default_dtype(torch.float64)
    found = {}
    kinds = itertools.product((BCE(), Hinge(), Wasserstein()), REGULARISERS, (AutogradRoute, PiecewiseRoute), OPTIONS)
    for loss, name, route, options in kinds:
        for key, value in one_step(processes, loss, REGULARISERS[name], route, options).items():
            found[f"{loss.kind} {name} {route.__name__} {options}: {key}"] = value
    save_tensors(folder / f"rank_{processes.rank}.safetensors", found)


def test_a_step_has_the_same_gradients_on_one_two_and_four_processes(tmp_path: Path) -> None:
    for size in (1, 2, 4):
        together(size, tmp_path / str(size), all_steps, tmp_path / str(size))
    whole = load_tensors(tmp_path / "1" / "rank_0.safetensors")
    assert len({name.rsplit(": ", 1)[0] for name in whole}) == 3 * 4 * 2 * 3
    assert any(name.endswith("idle.moved") for name in whole)
    assert not any(name.endswith(("idle.gradient", "resnet_0_0.conv_0.weight.gradient")) for name in whole)
    for size in (2, 4):
        ranks = [load_tensors(tmp_path / str(size) / f"rank_{rank}.safetensors") for rank in range(size)]
        for name, value in whole.items():
            torch.testing.assert_close(ranks[0][name], value, rtol=1e-10, atol=1e-10, msg=name)
        for found in ranks[1:]:
            assert found.keys() == whole.keys()
            assert [name for name in whole if not torch.equal(found[name], ranks[0][name])] == []


def long_recipe() -> dict[str, Any]:
    """All that has state, for 50 steps."""
    data = recipe_data("transfer")
    data["generator"]["label"] = [{"where": {"kind": "latent"}, "how": {"kind": "concatenate", "dim": 2}}]
    data["discriminator"]["label"] = [{"where": {"kind": "latent"}, "how": {"kind": "projection"}}]
    data["training"] |= {"batch": 4, "wrong_labels": 0.2}
    data["training"]["augmentations"] = [
        {"kind": "flip"},
        {"kind": "ada", "initial": 0.2, "adjust_images": 200, "target": 0.1},
    ]
    data["training"]["logit_penalties"] = [{"kind": "lecam", "weight": 0.3}]
    frozen = [{"freeze": "resnet_*"}, {"freeze": "conv_img.*"}]
    data["stages"] = [
        stage("head", 20, rate=1e-3, generator=frozen),
        stage("adapt", 20, rate=1e-3, generator=[*frozen, {"train": "*.adafm_*"}], discriminator=frozen[1:]),
        stage("head_again", 10, rate=1e-3, generator=frozen),
    ]
    data["output"] |= {"samples_every": 25, "checkpoints_every": 10}
    data["evaluation"] = {"evaluators": [{"kind": "stub_brightness"}], "best": {"by": "stub_brightness", "every": 10}}
    return data


def train(processes: Processes, folder: Path) -> None:
    def measure(generator: Generator) -> Score | None:
        return Score("stub", float(generator.training), 2, 2) if processes.is_first else None

    training = trainer(long_recipe(), folder, measure=measure, processes=processes)
    training.fit()
    assert training.selection.best == Best(10, 0.0)


def test_fifty_steps_train_the_same_on_two_processes_and_twice_to_the_same_bytes(tmp_path: Path) -> None:
    for name, size in (("one", 1), ("two", 2), ("again", 2)):
        together(size, tmp_path / f"meet_{name}", train, tmp_path / name)
    first, second = contents(tmp_path / "two"), contents(tmp_path / "again")
    assert list(first) == list(second) == list(contents(tmp_path / "one"))
    assert [name for name in first if first[name] != second[name]] == []
    one, two = (load_newest(tmp_path / name / "checkpoints")[0] for name in ("one", "two"))
    for stem, tensors in one.tensors.items():
        for name, value in tensors.items():
            torch.testing.assert_close(two.tensors[stem][name], value, rtol=1e-4, atol=1e-4, msg=f"{stem} {name}")
    rows = [[json.loads(row) for row in contents(tmp_path / n)["metrics.jsonl"].splitlines()] for n in ("one", "two")]
    assert sum("score" in row for row in rows[0]) == 5
    rows = [[row for row in each if "score" not in row] for each in rows]
    assert len(rows[0]) == 50
    for before, after in zip(*rows, strict=True):
        assert before.pop("stage") == after.pop("stage")
        assert after == pytest.approx(before, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(
    ("batch", "size", "words"),
    [
        (32, 4, None),
        (30, 4, "is 30, which 4 processes can't divide evenly; 28 and 32 can be divided: training.batch=28."),
        (3, 4, "is 3, which 4 processes can't divide evenly; 4 can be divided: training.batch=4."),
    ],
)
def test_a_batch_that_can_not_be_divided_names_the_nearest_that_can(batch: int, size: int, words: str | None) -> None:
    problem = batch_problem(batch, size)
    assert (problem and problem.message) == words
