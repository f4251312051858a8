"""The conformance kit finds each broken promise and says which one it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import torch
from torch import Tensor, nn

from ganforge import testing
from ganforge.blocks.base import Context, ConvBlock
from ganforge.data.images import LabelledImages, LoadContext
from ganforge.data.specs import ImageFolder
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.interfaces import (
    AugmentationSpec,
    BlockSpec,
    DepthSpec,
    EvaluatorSpec,
    InjectionSpec,
    LogitPenaltySpec,
    LossSpec,
    OptimizerSpec,
    RateSpec,
    RegulariserSpec,
    SamplerSpec,
    Sites,
)
from ganforge.shapes import Shape
from ganforge.testing.classes import check_class_rows
from ganforge.training.logit_penalty import LogitPenalty


class Conv(ConvBlock):
    """A convolution that keeps the width, and does one thing wrong."""

    def __init__(self, channels: int, fault: str) -> None:
        super().__init__()
        self.conv_0 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels) if fault == "batch norm" else None
        self.fault = fault
        self.unused = nn.Parameter(torch.zeros(1)) if fault == "unused" else None
        self.adaptable = ("conv_0",)  # type: ignore[misc]

    def widen(self, extra_channels: int) -> None:
        super().widen(extra_channels)
        self.extra_0 = nn.Conv2d(extra_channels, self.conv_0.out_channels, 1)

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        out = self.convolve("conv_0", h.detach() if self.fault == "detached" else h, context)
        if extra is not None:
            out = out + self.extra_0(extra)
        if self.fault == "dropout":
            out = nn.functional.dropout(out, 0.5)
        return out if self.norm is None else self.norm(out)


class Faulty(BlockSpec):
    """A block that does one thing wrong."""

    kind: Literal["faulty"] = "faulty"
    fault: str
    adapts: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return shape.doubled() if self.fault == "shape" else shape

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        return Conv(shape.channels, self.fault)


class FaultyWide(Faulty):
    """A block whose extra weights don't start at zero."""

    kind: Literal["faulty_wide"] = "faulty_wide"  # type: ignore[assignment]
    widens: ClassVar[bool] = True


class FaultyLabels(Faulty):
    """A block that reads labels and doesn't say so."""

    kind: Literal["faulty_labels"] = "faulty_labels"  # type: ignore[assignment]
    adapts: ClassVar[bool] = False

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        class Module(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.offset = nn.Embedding(2, shape.channels)

            def forward(self, h: Tensor, context: Context) -> Tensor:
                out: Tensor = h + self.offset(context.labels)[:, :, None, None]
                return out

        return Module()


class FaultyFree(Faulty):
    """A block that has parameters but denies it."""

    kind: Literal["faulty_free"] = "faulty_free"  # type: ignore[assignment]
    parameter_free: ClassVar[bool] = True


class FaultyLinear(Faulty):
    """A block that declares `piecewise_linear` but calls torch's own leaky ReLU or convolution."""

    kind: Literal["faulty_linear"] = "faulty_linear"  # type: ignore[assignment]
    adapts: ClassVar[bool] = False
    piecewise_linear: ClassVar[bool] = True

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        class Module(nn.Module):
            def __init__(self, fault: str) -> None:
                super().__init__()
                self.conv = nn.Conv2d(shape.channels, shape.channels, 3, padding=1)
                self.fault = fault

            def forward(self, h: Tensor, context: Context) -> Tensor:
                if self.fault == "own convolution":
                    return context.ops.leaky_relu(self.conv(h))
                h = context.ops.conv2d(h, self.conv.weight, self.conv.bias, padding=1)
                return h * h if self.fault == "square" else nn.functional.leaky_relu(h, 0.2)

        return Module(self.fault)


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("own convolution", "conv.weight, conv.bias gets"),
        ("own leaky ReLU", "weight gets"),
        ("square", "conv.weight, conv.bias gets"),
    ],
)
def test_a_block_that_is_not_piecewise_linear_is_refused(fault: str, what: str) -> None:
    with pytest.raises(AssertionError, match="faulty_linear: is not `piecewise_linear` as it declares: ") as caught:
        testing.check_block(FaultyLinear(fault=fault))
    assert what in str(caught.value)


class FaultyPooling(Faulty):
    """A block whose `forward_pooled` forgets the border, or that has it without saying so."""

    kind: Literal["faulty_pooling"] = "faulty_pooling"  # type: ignore[assignment]
    adapts: ClassVar[bool] = False
    absorbs_pooling: ClassVar[bool] = True

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        class Module(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = nn.Conv2d(shape.channels, shape.channels, 3, padding=1)

            def forward(self, h: Tensor, context: Context) -> Tensor:
                out: Tensor = self.conv(h)
                return out

            def forward_pooled(self, h: Tensor, context: Context) -> Tensor:
                blurred = nn.functional.avg_pool2d(h, 3, stride=1, padding=1)
                return nn.functional.conv2d(blurred, self.conv.weight, self.conv.bias, stride=2, padding=1)

        return Module()


class SecretPooling(FaultyPooling):
    """A block with a `forward_pooled` that nobody would test."""

    absorbs_pooling: ClassVar[bool] = False


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            FaultyPooling(fault=""),
            "faulty_pooling: `forward_pooled` gives something else than average pooling of what the block gives.",
        ),
        (
            SecretPooling(fault=""),
            "faulty_pooling: `absorbs_pooling` is false, but its module has `forward_pooled`, "
            "which networks would use.",
        ),
        (Faulty(fault="shape"), "faulty: declares 4 x 12 x 12 for 4 x 6 x 6, but gives 4 x 6 x 6."),
        (Faulty(fault="unused"), "faulty: no gradient reaches unused, so it could never train."),
        (
            Faulty(fault="dropout"),
            "faulty: draws from torch's global generator, so that a resumed run would differ. "
            "Take random numbers from what is passed in.",
        ),
        (
            Faulty(fault="batch norm"),
            "faulty: the result for a sample depends on the other samples of its batch, so results would change with "
            "the batch size (batch normalisation does this).",
        ),
        (
            FaultyWide(fault=""),
            "faulty_wide: a freshly widened block computes something else; its new weights must start at zero.",
        ),
        (
            FaultyLabels(fault=""),
            "faulty_labels: reads labels, but its spec or its module has no `num_classes`, so that its network would "
            "pass for unconditional.",
        ),
        (FaultyFree(fault=""), "faulty_free: says that it is parameter_free, but has parameters."),
        (
            Faulty(fault="detached"),
            "faulty: passes no finite gradient to its input, so the blocks in front of it could never train.",
        ),
    ],
)
def test_a_broken_block_is_refused(spec: BlockSpec, message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        testing.check_block(spec)
    assert str(caught.value) == message


def test_a_block_that_does_nothing_wrong_passes() -> None:
    testing.check_block(Faulty(fault=""))


class FaultyRows(BlockSpec):
    """A block by class that says wrongly which parameters have a row for each class."""

    kind: Literal["faulty_rows"] = "faulty_rows"
    num_classes: int = 2
    names: tuple[str, ...] | str

    def out_shape(self, shape: Shape) -> Shape:
        return shape

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        class Rows(nn.Module):
            def __init__(self, num_classes: int, names: tuple[str, ...] | str) -> None:
                super().__init__()
                self.num_classes, self.class_rows = num_classes, names
                self.offset = nn.Embedding(num_classes, shape.channels)
                self.scale = nn.Parameter(torch.ones(shape.channels, 1, 1))
                self.register_buffer("mean", torch.zeros(num_classes))

            def forward(self, h: Tensor, context: Context) -> Tensor:
                out: Tensor = h * self.scale + self.offset(context.labels)[:, :, None, None]
                return out

        return Rows(self.num_classes, self.names)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ("offset.weigth",),
            "names 'offset.weigth', which is no parameter of its Rows; that has: scale, offset.weight.",
        ),
        (("mean",), "names 'mean', which is no parameter of its Rows; that has: scale, offset.weight."),
        (("offset.weight", "scale"), "names 'scale', which has 4 rows for 2 classes."),
        ("offset.weight", "must be a tuple of names, not 'offset.weight'."),
    ],
)
def test_class_rows_that_name_something_else_are_refused(names: Any, message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        testing.check_block(FaultyRows(names=names))
    assert str(caught.value) == f"faulty_rows: `class_rows` {message}"
    testing.check_block(FaultyRows(names=("offset.weight",)))


def test_class_rows_of_nobody_knows_how_many_classes_are_refused() -> None:
    class Rows(nn.Embedding):
        class_rows = ("weight",)

    with pytest.raises(AssertionError) as caught:
        check_class_rows("faulty", Rows(2, 3), None)
    assert str(caught.value) == "faulty: has `class_rows`, but no `num_classes` or `num_logits`."


class Loud(InjectionSpec):
    """An injection that changes features before it has learned anything."""

    kind: Literal["loud"] = "loud"
    target: ClassVar[Literal["features", "extra", "logit"]] = "features"

    def build(self, shape: Shape, num_classes: int) -> nn.Module:
        class Module(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.offset = nn.Embedding(num_classes, 1)

            def forward(self, h: Tensor, context: Context) -> Tensor:
                return h + self.offset(context.labels)[:, :, None, None]

        return Module()


class Beyond(DepthSpec):
    """A depth behind the end."""

    kind: Literal["beyond"] = "beyond"

    def locate(self, sites: Sites) -> int:
        return len(sites.keys) + 1


class Wrong(LossSpec):
    """A loss that rewards the generator for being found out."""

    kind: Literal["wrong"] = "wrong"

    def generator(self, fake: Tensor) -> Tensor:
        return fake

    def discriminator_real(self, real: Tensor) -> Tensor:
        return -real

    def discriminator_fake(self, fake: Tensor) -> Tensor:
        return fake


class Summed(RegulariserSpec):
    """A penalty over the whole batch."""

    kind: Literal["summed"] = "summed"
    on: ClassVar[Literal["real", "fake"]] = "real"
    every: int = 1

    def penalty(self, gradient: Tensor) -> Tensor:
        return gradient.square().sum()


class Forgetful(LogitPenaltySpec):
    """A penalty whose memory is no buffer."""

    kind: Literal["forgetful"] = "forgetful"

    def build(self) -> LogitPenalty:
        class Module(LogitPenalty):
            seen = 0.0

            def real(self, logits: Tensor) -> Tensor:
                return (logits - self.seen).square()

            def fake(self, logits: Tensor) -> Tensor:
                return logits.square()

            def observe(self, real: Tensor, fake: Tensor) -> None:
                self.seen = real.mean().item()

        return Module()


class Brighter(AugmentationSpec):
    """An augmentation with randomness of its own."""

    kind: Literal["brighter"] = "brighter"

    def build(self) -> nn.Module:
        class Module(nn.Module):
            def forward(self, images: Tensor, draws: Any) -> Tensor:
                return images + torch.rand(1)

        return Module()


class Half(SamplerSpec):
    """A sampler whose probabilities sum to a half."""

    kind: Literal["half"] = "half"

    def weights(self, labels: Sequence[int], num_classes: int) -> list[float]:
        return [0.5 / len(labels)] * len(labels)


class Uneven(SamplerSpec):
    """A sampler with two wills."""

    kind: Literal["uneven"] = "uneven"
    by_epoch: ClassVar[bool] = True

    def weights(self, labels: Sequence[int], num_classes: int) -> list[float]:
        return [2 * (i + 1) / len(labels) / (len(labels) + 1) for i in range(len(labels))]


class Moving(OptimizerSpec):
    """An optimizer that keeps its state to itself."""

    kind: Literal["moving"] = "moving"

    def build(self, parameters: list[nn.Parameter], rate: float) -> torch.optim.Optimizer:
        class Slower(torch.optim.SGD):
            steps = 0

            def step(self, closure: Any = None) -> None:  # type: ignore[override]
                self.steps += 1
                self.param_groups[0]["lr"] = rate / self.steps
                super().step()

        return Slower(parameters, lr=rate)


class Sinking(RateSpec):
    """A rate that falls below zero."""

    kind: Literal["sinking"] = "sinking"

    def at(self, step: int, num_steps: int) -> float:
        return 0.5 - step


class Unsure(EvaluatorSpec):
    """An evaluator without a number."""

    kind: Literal["unsure"] = "unsure"

    def evaluate(self, real: Any, fake: Any, context: EvaluationContext) -> list[Score]:
        return [Score("unsure", float("nan"), len(real), len(fake))]


class FirstPixel(EvaluatorSpec):
    """An evaluator that looks at the first image alone."""

    kind: Literal["first_pixel"] = "first_pixel"

    def evaluate(self, real: Any, fake: Any, context: EvaluationContext) -> list[Score]:
        value = float(fake.images[0].mean())
        return [Score("first_pixel", value, len(real), len(fake))]


class InMemory(EvaluatorSpec):
    """An evaluator that reads all training images at once."""

    kind: Literal["in_memory"] = "in_memory"

    def evaluate(self, real: Any, fake: Any, context: EvaluationContext) -> list[Score]:
        assert context.train is not None
        return [Score("in_memory", float(context.train.images.mean()), len(real), len(fake))]


class UpsideDown(EvaluatorSpec):
    """A distance that says of itself that higher is better."""

    kind: Literal["upside_down"] = "upside_down"

    def evaluate(self, real: Any, fake: Any, context: EvaluationContext) -> list[Score]:
        value = abs(float(real.images.mean()) - float(fake.images.mean()))
        return [Score("upside_down", value, len(real), len(fake), lower_is_better=False)]


def test_each_kind_of_component_is_refused_with_the_promise_that_it_breaks(tmp_path: Path) -> None:
    cases: list[tuple[Any, str]] = [
        (
            lambda: testing.check_injection(Loud()),
            "loud: a fresh injection must give back the features that came in.",
        ),
        (
            lambda: testing.check_depth(Beyond()),
            "beyond: must give a site from 0 to 5 of the generator, but gives 6.",
        ),
        (lambda: testing.check_loss(Wrong()), "wrong: `generator` must fall as the logit rises."),
        (
            lambda: testing.check_regulariser(Summed()),
            "summed: must give one penalty per sample, but gives () for 3 samples.",
        ),
        (
            lambda: testing.check_logit_penalty(Forgetful()),
            "forgetful: follows the logits by something that its state, buffers, lacks.",
        ),
        (
            lambda: testing.check_augmentation(Brighter()),
            "brighter: draws from torch's global generator, so that a resumed run would differ. "
            "Take random numbers from what is passed in.",
        ),
        (lambda: testing.check_sampler(Half()), "half: gives probabilities that sum to 0.5, not to 1."),
        (
            lambda: testing.check_optimizer(Moving()),
            "moving: does not continue exactly from its saved state; keep all state as tensors, one set per parameter.",
        ),
        (lambda: testing.check_rate(Sinking()), "sinking: the rate at step 1 is -0.5."),
        (
            lambda: testing.check_evaluator(Unsure(), tmp_path),
            "unsure: the field `value` of its score 'unsure' is nan, not a finite Python number.",
        ),
        (
            lambda: testing.check_evaluator(FirstPixel(), tmp_path),
            "first_pixel: gives other scores for the same images in another order.",
        ),
        (
            lambda: testing.check_evaluator(InMemory(), tmp_path),
            "in_memory: takes images for an array that a training leaves on the disk ('View' object has no attribute "
            "'mean'). Take batches, such as `context.train.images[start:stop]`.",
        ),
        (
            lambda: testing.check_sampler(Uneven()),
            "uneven: draws each image once in each epoch, but says that some are drawn more often than others.",
        ),
        (
            lambda: testing.check_evaluator(UpsideDown(), tmp_path),
            "upside_down: upside_down is 0 for the real images themselves and 92.51 for nearly black ones, but "
            "says that higher is better.",
        ),
    ]
    for check, message in cases:
        with pytest.raises(AssertionError) as caught:
            check()
        assert str(caught.value) == message


def test_a_spec_without_a_docstring_is_refused() -> None:
    class Silent(Sinking):
        kind: Literal["silent"] = "silent"  # type: ignore[assignment]

    Silent.__doc__ = None
    with pytest.raises(AssertionError, match=r"^silent: the docstring of Silent is empty; its first line is shown"):
        testing.check_rate(Silent())


class Renames(ImageFolder):
    """A dataset whose files have other names than its images."""

    kind: Literal["renames"] = "renames"  # type: ignore[assignment]

    def load(self, resolution: int, context: LoadContext) -> LabelledImages:
        images = super().load(resolution, context)
        return replace(images, names=[f"new {name}" for name in images.names])


def test_a_dataset_whose_files_are_not_its_images_is_refused(tiny_images: Path, tmp_path: Path) -> None:
    testing.check_dataset(ImageFolder(root=tiny_images), tmp_path / "one")
    with pytest.raises(AssertionError, match="renames: `files` lists other images or classes than `load` gives"):
        testing.check_dataset(Renames(root=tiny_images), tmp_path / "other")
