"""One training step: its losses, penalties, and what happens when a number is not finite."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pytest
import torch
from cases import PROPERTY, planned, recipe_data, stage
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn, optim
from trainings import tensors, trainer

from ganforge.augmentation.base import Augmentation
from ganforge.augmentation.simple import Flip
from ganforge.blocks.base import Context
from ganforge.errors import DivergedError, RecipeError
from ganforge.interfaces import LossSpec
from ganforge.networks.staged import Discriminator, Generator
from ganforge.randomness import Draws
from ganforge.training.logit_penalty import LeCam, LogitPenalty
from ganforge.training.norms import block_norms
from ganforge.training.passes import pooled, spread
from ganforge.training.players import Players
from ganforge.training.routes import AutogradRoute
from ganforge.training.specs import BCE, R1, R2, CosineRate, Hinge, StepRate, Wasserstein
from ganforge.training.step import RealBatch, TrainStep

logits = st.floats(-30, 30)


@PROPERTY
@given(logits)
def test_losses_are_their_closed_forms(x: float) -> None:
    t = torch.tensor([x], dtype=torch.float64)
    real = 1 / (1 + math.exp(-x))
    cases: list[tuple[LossSpec, float, float, float]] = [
        (BCE(), -math.log(real), -math.log(real), math.log1p(math.exp(x))),
        (Hinge(), -x, max(0.0, 1 - x), max(0.0, 1 + x)),
        (Wasserstein(), -x, -x, x),
    ]
    for loss, generator, on_real, on_fake in cases:
        found = [float(f(t)) for f in (loss.generator, loss.discriminator_real, loss.discriminator_fake)]
        assert found == pytest.approx([generator, on_real, on_fake], rel=1e-9, abs=1e-12)


class Linear(nn.Module):
    """<w, image> for each image: its gradient with respect to the image is w."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, h: Tensor, context: Context) -> Tensor:
        return (h * self.weight).sum(dim=(1, 2, 3))[:, None, None, None]


class Affine(nn.Module):
    """Latents as images."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, h: Tensor, context: Context) -> Tensor:
        return (self.gain * h).expand(-1, -1, 2, 2)


def linear_step(
    loss: LossSpec,
    regularisers: Sequence[R1 | R2],
    weight: Tensor,
    augmentations: Mapping[str, Augmentation] = MappingProxyType({}),
    logit_penalties: Mapping[str, LogitPenalty] = MappingProxyType({}),
) -> tuple[TrainStep, Generator, Discriminator]:
    generator = Generator(3, {"affine": Affine()})
    discriminator = Discriminator({"linear": Linear(weight)})
    players = Players(
        generator,
        discriminator,
        optim.SGD(generator.parameters(), lr=0.0),
        optim.SGD(discriminator.parameters(), lr=1.0),
        augmentations,
        logit_penalties,
    )
    route = AutogradRoute(discriminator, torch.float32)
    return TrainStep(players, loss, regularisers, torch.tensor([0.5, 0.5]), 0, route), generator, discriminator


def batch(num_images: int = 4) -> RealBatch:
    images = torch.randn(num_images, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    return RealBatch(images, torch.zeros(num_images, dtype=torch.int64))


@PROPERTY
@given(st.floats(0.1, 20), st.integers(1, 8), st.sampled_from(["real", "fake"]), st.integers(0, 2**16))
def test_the_gradient_penalty_of_a_linear_discriminator_is_analytic(
    gamma: float, every: int, on: str, seed: int
) -> None:
    weight = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(seed))
    regulariser = (R1 if on == "real" else R2)(gamma=gamma, every=every)
    step, _, discriminator = linear_step(BCE(), [regulariser], weight.clone())
    plain, _, plain_discriminator = linear_step(BCE(), [], weight.clone())
    metrics = step(batch(), 0, range(4))
    without = plain(batch(), 0, range(4))
    penalty = metrics.pop(f"penalty_{on}")
    assert penalty == pytest.approx(gamma / 2 * float(weight.square().sum()), rel=1e-5)
    assert metrics == pytest.approx(without)
    # d/dw of every * gamma / 2 * |w|^2 is every * gamma * w, and SGD at rate 1 subtracts it
    (moved,) = (p - q for p, q in zip(plain_discriminator.parameters(), discriminator.parameters(), strict=True))
    torch.testing.assert_close(moved.detach(), every * gamma * weight, rtol=1e-3, atol=1e-4)


def test_a_lazy_penalty_is_due_at_every_nth_step() -> None:
    step, _, _ = linear_step(Wasserstein(), [R1(gamma=1.0, every=3)], torch.ones(3, 2, 2))
    due = ["penalty_real" in step(batch(), number, range(4)) for number in range(7)]
    assert due == [True, False, False, True, False, False, True]


def test_a_penalty_on_logits_joins_the_loss_of_the_discriminator_and_follows_the_logits() -> None:
    penalty = LeCam(weight=0.5, decay=0.75)
    step, generator, discriminator = linear_step(
        BCE(), [], torch.full((3, 2, 2), 0.1), logit_penalties={"lecam": penalty}
    )
    plain, plain_generator, plain_discriminator = linear_step(BCE(), [], torch.full((3, 2, 2), 0.1))
    assert step(batch(), 0, range(4)) == pytest.approx({**plain(batch(), 0, range(4)), "penalty_lecam": 0.0})
    assert next(discriminator.parameters()).equal(next(plain_discriminator.parameters()))
    (weight,) = (each.detach().clone() for each in discriminator.parameters())

    anchors = penalty.anchors.clone()
    metrics, without = step(batch(), 1, range(4, 8)), plain(batch(), 1, range(4, 8))
    real, fake = batch().images, step.draw_fakes(range(4, 8), torch.device("cpu"), torch.float32).images.detach()
    leaf = weight.requires_grad_()
    logits = {name: (images * leaf).sum(dim=(1, 2, 3)) for name, images in (("real", real), ("fake", fake))}
    expected = 0.5 * (logits["real"] - anchors[1]).relu().square().mean()
    expected = expected + 0.5 * (anchors[0] - logits["fake"]).relu().square().mean()
    assert metrics == pytest.approx({**without, "penalty_lecam": expected.item()}, rel=1e-5)
    assert expected > 0
    (gradient,) = torch.autograd.grad(expected, leaf)
    (moved,) = (p - q for p, q in zip(plain_discriminator.parameters(), discriminator.parameters(), strict=True))
    torch.testing.assert_close(moved.detach(), gradient, rtol=1e-4, atol=1e-6)
    assert next(generator.parameters()).grad == next(plain_generator.parameters()).grad
    means = torch.stack([logits["real"].mean(), logits["fake"].mean()]).detach()
    torch.testing.assert_close(penalty.anchors, 0.75 * anchors + 0.25 * means)


def test_a_real_image_with_a_wrong_label_counts_as_generated_for_a_penalty_on_logits() -> None:
    class Seen(LogitPenalty):
        def __init__(self) -> None:
            super().__init__()
            self.as_fake: list[Tensor] = []

        def real(self, logits: Tensor) -> Tensor:
            return 0 * logits

        def fake(self, logits: Tensor) -> Tensor:
            self.as_fake.append(logits.detach())
            return 0 * logits

    seen = Seen()
    step, _, _ = linear_step(BCE(), [], torch.ones(3, 2, 2), logit_penalties={"seen": seen})
    step.wrong_labels = 0.5
    step(batch(), 0, range(4))
    # this discriminator looks at no label
    expected = batch().images.sum(dim=(1, 2, 3))
    assert any(torch.allclose(logits, expected) for logits in seen.as_fake)


def test_both_players_see_the_same_fakes_and_the_generator_moves_first() -> None:
    step, generator, _ = linear_step(Wasserstein(), [], torch.ones(3, 2, 2))
    step.players.generator_optimizer.param_groups[0]["lr"] = 1.0
    metrics = step(batch(), 0, range(4))
    assert metrics["loss_generator"] == pytest.approx(-metrics["logit_fake"], rel=1e-6)
    assert next(generator.parameters()).item() != 1.0


class Negative(Augmentation):
    """Of real images alone."""

    reals_only = True

    def forward(self, images: Tensor, draws: Draws) -> Tensor:
        return -images


def test_an_augmentation_of_real_images_leaves_the_fakes_alone() -> None:
    plain, changed = (linear_step(Wasserstein(), [], torch.ones(3, 2, 2), kept)[0] for kept in ({}, {"n": Negative()}))
    before, after = plain(batch(), 0, range(4)), changed(batch(), 0, range(4))
    assert after["logit_fake"] == before["logit_fake"] != 0
    assert after["logit_real"] == -before["logit_real"] != 0
    assert Flip("horizontal").reals_only


def test_the_rates_are_their_closed_forms() -> None:
    assert [StepRate(rate=1.0, every=2, factor=0.5).at(step, 6) for step in range(6)] == [1, 1, 0.5, 0.5, 0.25, 0.25]
    cosine = CosineRate(rate=1.0, final=0.2)
    assert cosine.at(0, 8) == 1.0
    assert cosine.at(4, 8) == pytest.approx(0.6)
    assert cosine.at(2, 8) == pytest.approx(0.2 + 0.4 * (1 + math.sqrt(0.5)))


class Spoilt(LossSpec):
    """BCE with one term that is not finite."""

    kind: Literal["spoilt"] = "spoilt"
    term: str
    value: Literal["nan", "inf"]

    def _spoil(self, name: str, x: Tensor) -> Tensor:
        return nn.functional.softplus(x) + (float(self.value) if name == self.term else 0.0)

    def generator(self, fake: Tensor) -> Tensor:
        return self._spoil("loss_generator", -fake)

    def discriminator_real(self, real: Tensor) -> Tensor:
        return self._spoil("loss_real", -real)

    def discriminator_fake(self, fake: Tensor) -> Tensor:
        return self._spoil("loss_fake", fake)


@pytest.mark.parametrize(
    ("gamma", "reason", "advice"),
    [
        (1e60, "penalty_real became inf", "a smaller"),
        (1e38, "the gradient of the discriminator's loss became inf", "another"),
    ],
)
def test_where_the_penalty_is_too_large_no_larger_gamma_is_advised(
    gamma: float, reason: str, advice: str, tmp_path: Path
) -> None:
    data = recipe_data()
    data["training"] |= {"step": "exact", "regularisers": [{"kind": "r1", "gamma": gamma, "every": 1}]}
    with pytest.raises(DivergedError) as caught:
        trainer(data, tmp_path).fit()
    assert f": {reason}; " in str(caught.value)
    assert str(caught.value).endswith(f" Try a lower learning rate or {advice} gamma of the R1 penalty.")


def test_where_a_penalty_on_logits_is_too_large_a_smaller_weight_is_advised(tmp_path: Path) -> None:
    data = recipe_data()
    data["training"] |= {"step": "exact", "logit_penalties": [{"kind": "lecam", "weight": 1e38}]}
    with pytest.raises(DivergedError, match="training diverged at step 2: ") as caught:
        trainer(data, tmp_path).fit()
    assert str(caught.value).endswith(" of the R1 penalty or a smaller weight of the penalties on logits.")


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize(
    ("term", "untouched"),
    [
        ("loss_generator", ("generator", "discriminator")),
        ("loss_real", ("discriminator",)),
        ("loss_fake", ("generator", "discriminator")),
    ],
)
def test_a_loss_that_is_not_finite_stops_the_run_before_the_update(
    term: str, value: Literal["nan", "inf"], untouched: tuple[str, ...], tmp_path: Path
) -> None:
    run = trainer(recipe_data(), tmp_path)
    run.train_step.loss = Spoilt(term=term, value=value)
    before = tensors(run)
    with pytest.raises(DivergedError) as caught:
        run.fit()
    report = tmp_path / "debug" / "nonfinite.json"
    assert str(caught.value) == (
        f"training diverged at step 1: {term} became {value}; there is no checkpoint yet, "
        f"and {report} says more. Try a lower learning rate or a larger gamma of the R1 penalty."
    )
    assert caught.value.exit_code == 4
    said = json.loads(report.read_text())
    assert (said["step"], said["reason"], said["samples"]) == (0, f"{term} became {value}", [0, 2])
    assert len(said["images"]) == 3 and set(said["images"]) <= set(range(len(run.reals.labels)))
    assert {"fc", "resnet_0_0", "conv_img"} <= said["norms"]["generator"].keys()
    assert all(float(block["weights"]) > 0 for block in said["norms"]["discriminator"].values())
    after = tensors(run)
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert not moved & set(untouched)


def test_a_report_names_the_blocks_whose_gradients_are_not_finite() -> None:
    network = nn.ModuleDict({"sound": nn.Linear(1, 1), "broken": nn.Linear(1, 1), "frozen": nn.Linear(1, 1)})
    for parameter in network.parameters():
        nn.init.constant_(parameter, 2.0)
    network["sound"].weight.grad = torch.full((1, 1), 3.0)
    network["broken"].bias.grad = torch.tensor([math.nan])
    assert block_norms(network) == {
        "sound": {"weights": "2.82843", "gradients": "3"},
        "broken": {"weights": "2.82843", "gradients": "nan"},
        "frozen": {"weights": "2.82843", "gradients": None},
    }


def test_a_rate_that_explodes_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    data = recipe_data()
    data["stages"] = [stage("calm", 2), stage("wild", 30, rate=1e3)]
    with pytest.raises(DivergedError, match=r"^training diverged at step \d+: .*; the last checkpoint is kept, and "):
        trainer(data, tmp_path).fit()
    assert (tmp_path / "checkpoints" / "step_00000002" / "manifest.json").is_file()


def test_a_state_of_a_step_depends_on_seed_and_recipe_alone(tmp_path: Path) -> None:
    first, second = (trainer(recipe_data("style"), tmp_path / name) for name in ("a", "b"))
    torch.manual_seed(1)
    first.fit()
    torch.manual_seed(2)
    second.fit()
    found: list[dict[str, Any]] = [tensors(first), tensors(second)]
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_a_fast_step_rounds_to_bfloat16_and_stays_near_an_exact_one(tmp_path: Path) -> None:
    found = []
    for step in ("exact", "fast"):
        data = recipe_data("style")
        data["training"]["step"] = step
        data["training"]["regularisers"] = [{"kind": "r1", "gamma": 1.0, "every": 1}]
        run = trainer(data, tmp_path / step)
        run.fit()
        found.append(tensors(run))
        assert all(value.dtype == torch.float32 for value in found[-1].values())
    differences = [float((found[0][name] - found[1][name]).abs().max()) for name in found[0]]
    assert 0 < max(differences) < 0.1
    assert run.train_step.route.dtype == torch.bfloat16


@pytest.mark.parametrize(("every", "passes"), [(1, [3, 3]), (2, [6])])
def test_one_pass_judges_fakes_and_reals_unless_a_penalty_is_due(every: int, passes: list[int], tmp_path: Path) -> None:
    data = recipe_data("style")
    data["training"] |= {"step": "exact", "regularisers": [{"kind": "r1", "gamma": 1.0, "every": every}]}
    run = trainer(data, tmp_path)
    run.step = 1
    sizes: list[int] = []
    run.discriminator.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    run._enter_stage(run.schedule.at(1))
    run._one_step()
    # with a penalty, a second pass on the real images computes the linear map
    assert sizes == (passes if every == 2 else [*passes, 3])


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("size", [1, 2])
def test_a_batch_in_parts_is_the_same_batch(size: int, every: int, tmp_path: Path) -> None:
    ends, sizes = [], []
    for microbatch in (None, size):
        data = recipe_data("gp_gan")
        data["training"] |= {
            "step": "exact",
            "microbatch": microbatch,
            "regularisers": [{"kind": "r1", "gamma": 1.0, "every": every}],
            "augmentations": [{"kind": "flip"}, {"kind": "diff_augment"}],
        }
        run = trainer(data, tmp_path / str(microbatch))
        if microbatch:
            run.discriminator.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
        run.fit()
        ends.append(tensors(run))
    whole, parts = ends
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-5, msg=name)
    assert max(sizes) == (size if every == 1 else 2 * size)  # fakes and reals in one pass where no penalty is due
    rows = [(tmp_path / name / "metrics.jsonl").read_text().splitlines()[-1] for name in ("None", str(size))]
    first, second = (json.loads(row) for row in rows)
    assert {key: value for key, value in first.items() if key != "stage"} == pytest.approx(
        {key: value for key, value in second.items() if key != "stage"}, rel=1e-4, abs=1e-5
    )


def test_more_at_a_time_than_the_batch_has_is_refused() -> None:
    data = recipe_data()
    data["training"]["microbatch"] = data["training"]["batch"] + 1
    with pytest.raises(RecipeError) as caught:
        planned(data)
    assert [str(problem) for problem in caught.value.problems] == [
        "training.microbatch: is 4, but the batch has 3 images."
    ]


def test_gradients_lie_in_memory_as_their_weights_do(tmp_path: Path) -> None:
    run = trainer(recipe_data("style"), tmp_path)
    run.discriminator.to(memory_format=torch.contiguous_format)
    run._enter_stage(run.schedule.at(0))
    run._one_step()
    gradients = [(p, p.grad) for p in run.discriminator.parameters() if p.grad is not None]
    assert gradients and all(p.stride() == gradient.stride() for p, gradient in gradients)


def test_the_spread_is_that_of_images_seen_as_a_few_parts() -> None:
    noise = torch.randn(16, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    assert pooled(noise).shape == (16, 3, 8, 8)
    assert float(spread(pooled(noise))) < 0.25  # 32 pixels in a part
    plain = torch.tensor([-1.0, 1.0])[:, None, None, None].expand(2, 3, 64, 32)
    assert float(spread(pooled(plain))) == 1
    small = noise[:, :, :8, :4].contiguous()
    assert torch.equal(pooled(small), small)
