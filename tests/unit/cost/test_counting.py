"""Work and memory are counted without numbers, and are those of the engine's own steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from cases import planned, recipe_data, stage
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from traffic import traffic
from trainings import trainer

from ganforge.blocks.pooling import pooled_conv3
from ganforge.cost.counting import WorkCounter, counting
from ganforge.cost.estimate import EXACT, FAST, StageCost, count_stages
from ganforge.cost.made_up import MadeUpStep, Shells
from ganforge.errors import UsageError
from ganforge.processes.stop import REASONS
from ganforge.training.specs import BCE

#: Kinds of networks that compute in different ways.
KINDS = [("gp_gan", "gp_gan"), ("style", "gp_gan"), ("transfer", "third_party")]


def counted(data: dict[str, Any], size: int = 1) -> StageCost:
    (cost,) = count_stages(planned(data), size, EXACT)
    return cost


def test_a_convolution_is_two_for_each_product() -> None:
    by_hand = 2 * (2 * 8 * 8) * 5 * (3 * 3 * 3)  # pixels, channels out, kernel and channels in
    with counting() as counter:
        h = torch.empty(2, 3, 8, 8, requires_grad=True)
        weight = torch.empty(5, 3, 3, 3, requires_grad=True)
        out = F.conv2d(h, weight, padding=1)
        assert counter.work.flop == {"float32": by_hand}
        out.sum().backward()
        assert counter.work.flop == {"float32": 3 * by_hand}


@pytest.mark.parametrize(("frozen", "passes"), [("weight", 2), ("input", 2), ("both", 1)])
def test_what_is_frozen_gets_no_gradient(frozen: str, passes: int) -> None:
    with counting() as counter:
        h = torch.empty(2, 3, 8, 8, requires_grad=frozen == "weight")
        weight = torch.empty(5, 3, 3, 3, requires_grad=frozen == "input")
        out = F.conv2d(h, weight, padding=1)
        if out.requires_grad:
            out.sum().backward()
    assert counter.work.flop["float32"] == passes * 2 * 2 * 8 * 8 * 5 * 27


def test_memory_that_was_let_go_of_no_longer_counts() -> None:
    with counting() as counter:
        a = torch.empty(1000)
        b = a + 1
        assert (counter.live, counter.peak) == (8000, 8000)
        view = b[:10]
        del a, b
        assert counter.live == 4000
        del view
        assert (counter.live, counter.peak) == (0, 8000)
        counter.restart()
        assert counter.peak == 0 and counter.work.operations == 0


def test_random_numbers_are_counted_and_views_are_no_operations() -> None:
    with counting() as counter:
        torch.randn(3, 4, generator=torch.Generator()).view(-1).detach()
    assert (counter.work.drawn, counter.work.operations, counter.work.moved) == (12, 1, 48)


@pytest.mark.parametrize(("generator", "discriminator"), KINDS)
def test_the_work_is_that_of_the_steps_that_are_computed(generator: str, discriminator: str, tmp_path: Path) -> None:
    data = recipe_data(generator, discriminator)
    data["stages"] = [stage("one", 2, generator=[{"freeze": "fc.*"}], discriminator=[{"freeze": "conv_img.*"}])]
    cost = counted(data)
    training = trainer(data, tmp_path)
    training.advance()  # makes the optimizers' state
    found = {}
    for step in (0, 1):
        training.step = step
        with WorkCounter() as counter:
            training.advance()
        found[step] = counter.work
    assert found[0].flop["float32"] > found[1].flop["float32"] > 0
    assert cost.work.flop["float32"] == pytest.approx((found[0].flop["float32"] + found[1].flop["float32"]) / 2, abs=1)
    assert cost.work.drawn > 0


@pytest.mark.parametrize("generator", ["gp_gan", "style", "transfer"])
def test_the_memory_is_what_torch_hands_out(generator: str, tmp_path: Path) -> None:
    data = recipe_data(generator)
    data["training"]["batch"] = 64  # features that outweigh what the profiler sees beside the step
    cost = counted(data)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        training = trainer(data, tmp_path)
        for _ in range(4):
            training.advance()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]  # type: ignore[union-attr]
    live = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    assert cost.peak == pytest.approx(peak, rel=0.05)


def test_what_lives_between_steps_is_told_apart() -> None:
    plan = planned(recipe_data())
    shells = Shells.of(plan)
    with counting() as counter:
        step = MadeUpStep(shells, 1, EXACT)
        step.enter(0)
        step(0)
        held = step.held()
        live = counter.live
    generator, discriminator = plan.generator.num_parameters, plan.discriminator.num_parameters
    assert held["weights"] == 4 * (2 * generator + discriminator)
    assert held["gradients"] == 4 * (generator + discriminator)
    assert held["optimizer"] == pytest.approx(8 * (generator + discriminator), abs=4 * 60)  # and a count for each
    assert sum(held.values()) == pytest.approx(live, rel=0.02) and sum(held.values()) <= live


def test_in_parts_a_batch_needs_less_for_its_features_alone() -> None:
    data = recipe_data()
    data["training"]["batch"] = 32
    whole = counted(data)
    data["training"]["microbatch"] = 8
    parts = counted(data)
    assert parts.held == whole.held
    assert parts.features < 0.5 * whole.features
    assert parts.work.flop == whole.work.flop


def test_convolutions_in_bfloat16_are_counted_as_such() -> None:
    (cost,) = count_stages(planned(recipe_data("gp_gan")), 1, FAST)
    assert cost.dtype == "bfloat16" and cost.work.flop["bfloat16"] > 0


@pytest.mark.parametrize("size", [2, 4])
def test_what_is_sent_is_gradients_and_a_little_more(size: int) -> None:
    data = recipe_data()
    data["training"]["batch"] = 8
    cost = counted(data, size)
    (sent,) = traffic(planned(data))
    # a number for each parameter, rank and reason to stop; of the samples logits, images and the penalty
    numbers = [len(planned(data).network(name).sizes) for name in ("generator", "discriminator")]  # type: ignore[arg-type]
    more = [number + size + len(REASONS) for number in numbers]
    of_samples = 8 * 2 + 8 * 2 * 3 * 8 * 8
    assert cost.sums[0] == sent.generator + 4 * more[0]
    assert cost.sums[1] in [sent.discriminator + 4 * (more[1] + of_samples + penalty) for penalty in (0, 1)]
    assert counted(data, 1).sums == ()


def test_nothing_of_it_is_left_for_those_who_compute() -> None:
    h, weight = torch.rand(1, 2, 8, 8), torch.rand(3, 2, 3, 3)
    before = pooled_conv3(h, weight)
    counted(recipe_data())
    assert torch.equal(pooled_conv3(h, weight), before)


def test_a_part_that_asks_for_numbers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BCE, "generator", lambda self, fake: fake[fake.nonzero()[:, 0]])
    with pytest.raises(
        UsageError, match=r"^the recipe can't be counted, since a part of it asks for numbers \(aten\.nonzero"
    ):
        counted(recipe_data())


def test_work_grows_evenly_with_the_share_of_a_process() -> None:
    data = recipe_data("style")
    data["training"]["batch"] = 8
    one, two, four = (counted(data, size).work for size in (8, 4, 2))
    for of in ("moved", "operations", "drawn"):
        step = getattr(two, of) - getattr(one, of)
        assert getattr(four, of) == pytest.approx(getattr(one, of) + 3 * step, rel=0.1)
    step = two.flop["float32"] - one.flop["float32"]
    assert four.flop["float32"] == pytest.approx(one.flop["float32"] + 3 * step, rel=0.001)
