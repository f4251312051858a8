"""What a component must be: one base class per kind of component.

A component is a frozen pydantic model (a *spec*) that can build what it describes. Specs are data: they
print, compare, hash and go into the recipe's JSON schema. This module and all modules that define the core's
specs import no torch, so that recipes can be listed and described without it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from ganforge.fields.exact import be_exact
from ganforge.fields.remarks import remarks
from ganforge.shapes import Shape

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema
    from torch import Tensor, nn, optim

    from ganforge.augmentation.base import Augmentation
    from ganforge.data.assemble import FileSet
    from ganforge.data.images import LabelledImages, LoadContext
    from ganforge.data.recognised import Recognised
    from ganforge.evaluation.features import Extractor
    from ganforge.evaluation.score import EvaluationContext, Score
    from ganforge.tracking.base import TrackedRun, Tracker
    from ganforge.training.logit_penalty import LogitPenalty
    from ganforge.weights.pretrained import PretrainedWeights, PublishedFile, StoreContext


#: Numbers that no network or batch comes near: a slip of the keyboard is an error and not a full memory.
Width = Annotated[int, Field(gt=0, le=65_536)]
Side = Annotated[int, Field(gt=0, le=4096)]
LearningRate = Annotated[float, Field(gt=0, le=1000)]


class Spec(BaseModel):
    """A part of a recipe: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_empty_paths(cls, given: Any, info: ValidationInfo) -> Any:
        """`data.root=$ROOT` with an unset variable must not mean the current folder."""
        if isinstance(given, str) and (not given.strip() or "\0" in given):
            field = cls.model_fields[info.field_name or ""]
            if _is_path(field.annotation):
                raise ValueError(f"must be a path, not {given!r}.")
        return given

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema of the fields, whose values are what they look like; of every plugin's spec too."""
        reference = handler(source)
        be_exact(handler.resolve_ref_schema(reference))
        return reference

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema with the `#:` comments of the fields as their descriptions, which editors show."""
        reference = handler(schema)
        properties = handler.resolve_ref_schema(reference).get("properties", {})
        for name, text in remarks(cls).items():
            key = cls.model_fields[name].alias or name
            if key in properties:
                properties[key].setdefault("description", text)
        return reference


def _is_path(annotation: Any) -> bool:
    return annotation is Path or Path in get_args(annotation)


class Component(Spec):
    """A spec with a name. Subclasses narrow `kind` to `Literal["the_name"]` with that name as default."""

    kind: str
    #: What the report of a run with this component tells its readers to cite, one text for each paper.
    papers: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def kind_name(cls) -> str:
        """The name under which recipes know this component."""
        return str(cls.model_fields["kind"].default)

    @classmethod
    def summary(cls) -> str:
        """First line of the docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0] if cls.__doc__ else ""


class BlockSpec(Component):
    """One named block of a generator or discriminator.

    The module that `build` returns is called as `block(h, context)` with h: (N, *shape) and a
    `ganforge.blocks.base.Context`, and returns (N, *out_shape(shape)). One that reads `context.labels` says of how many
    classes they are: by a field `num_classes` of the spec (or `num_logits`) and an attribute `num_classes` of the
    module.
    """

    #: The block has no parameters, and label maps may pass it on their way to the next convolution.
    parameter_free: ClassVar[bool] = False
    #: The module has `widen(extra_channels)` and then takes `block(h, context, extra)`.
    widens: ClassVar[bool] = False
    #: The module has `add_adafm()`: its convolutions can be adapted while they are frozen.
    adapts: ClassVar[bool] = False
    #: The block reads `context.style`; the walk refuses it in a network without a mapping network.
    needs_style: ClassVar[bool] = False
    #: The block computes from the style alone, not from h; the walk refuses it behind another block.
    starts_from_style: ClassVar[bool] = False
    #: The block computes with `context.ops` and has no other parameters, products of features or non-linearities: the
    #: training step then gets a discriminator's gradient penalty without differentiating twice.
    piecewise_linear: ClassVar[bool] = False
    #: The module has `forward_upsampled(h, context)`, the same as `block(h, context)` of the nearest upsampling of h;
    #: a network calls it instead where it can.
    absorbs_upsampling: ClassVar[bool] = False
    #: The module has `forward_pooled(h, context, extra=None)`, the same as 3x3 average pooling with stride 2 of what
    #: `block(h, context, extra)` gives; a network calls it instead where it can.
    absorbs_pooling: ClassVar[bool] = False

    @abstractmethod
    def out_shape(self, shape: Shape) -> Shape:
        """The shape that comes out when `shape` goes in. Raises `ShapeError` where that can't be."""

    @abstractmethod
    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        """The module, for inputs of `shape`; style_dim is 0 in a network without a mapping network."""


class MappingSpec(Component):
    """Network from the latent z to the style w that the style blocks read.

    The module is called as `mapping(z, extra)` with z: (N, Z) and extra: (N, E) or None; it returns (N, W).
    It has `widen(extra_channels)`, as a block that widens. One with an attribute `num_classes` (and the spec with a
    field of that name) is called as `mapping(z, extra, labels)` with labels: (N,) int64.
    """

    @abstractmethod
    def style_dim(self, latent_dim: int) -> int:
        """W, the length of the style."""

    @abstractmethod
    def build(self, latent_dim: int) -> nn.Module: ...


@dataclass(frozen=True)
class Sites:
    """The places of one network at which a label can enter.

    Site i is the place in front of block i; site len(keys) is behind the last one.
    """

    network: Literal["generator", "discriminator"]
    keys: tuple[str, ...]
    #: len(keys) + 1 shapes; shapes[i] is what stands at site i.
    shapes: tuple[Shape, ...]
    #: Keys of the blocks whose own parameters are frozen in every stage.
    frozen: frozenset[str]


class DepthSpec(Component):
    """*Where* a label enters a network."""

    @abstractmethod
    def locate(self, sites: Sites) -> int:
        """The number of the site. Raises ValueError, with what there is instead, where there is none."""


class InjectionSpec(Component):
    """*How* a label enters a network.

    The module is called as `injection(h, context)` with h: (N, *shape) and a `ganforge.blocks.base.Context`, whose
    `labels` are (N,) int64 and which has no style and no noise. What comes back,
    by `target`: "features": (N, *shape), replaces h. "extra": (N, extra_channels(), H, W), additional input
    of the next block that widens. "logit": (N,), added to the logit (discriminator only).
    A fresh module must change nothing: "features" returns h, "logit" zeros; "extra" is met by zero weights.
    """

    target: ClassVar[Literal["features", "extra", "logit"]]
    #: As for blocks: the module computes with `context.ops`.
    piecewise_linear: ClassVar[bool] = False

    def extra_channels(self) -> int:
        """Number of additional input channels; only for target "extra"."""
        return 0

    @abstractmethod
    def build(self, shape: Shape, num_classes: int) -> nn.Module: ...


class FeatureNetworkSpec(Component):
    """A fixed, pretrained network through which a discriminator sees the images besides its own blocks.

    The module that `build` returns is called as `network(images)` with images: (N, 3, H, W) in [-1, 1], and gives
    features (N, *shape), one tensor for each of `out_shapes`. It is differentiable, treats each image alone, and has
    neither state nor randomness. It is never trained, and no checkpoint holds its weights.
    """

    def preflight(self) -> None:
        """Raise GanforgeError now for what would fail later: a file or package that is missing."""

    @abstractmethod
    def out_shapes(self, image: Shape) -> tuple[Shape, ...]:
        """What comes out for images of this shape. Raises `ShapeError` where that can't be."""

    @abstractmethod
    def build(self) -> nn.Module:
        """The network with its weights. Raises GanforgeError where they can't be had."""


class InitialisationSpec(Component):
    """Rule for the first values of the parameters of a network."""

    @abstractmethod
    def apply(self, network: nn.Module) -> None:
        """Draw the parameters in place, from torch's global generator, which the caller has seeded."""


class DatasetSpec(Component):
    """A set of labelled images."""

    def preflight(self) -> None:
        """Raise DataError now for what would fail later: a folder or table that is not there."""

    @classmethod
    def recognise(cls, root: Path) -> Recognised | None:
        """The folder as a set of this kind, for `ganforge new recipe`; None where it is none, or can't be told to be.

        Looks at names and tables, and opens no picture. Raises DataError with all that is wrong where it is one.
        """
        return None

    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the labels. May list a folder; raises DataError."""

    @abstractmethod
    def load(self, resolution: int, context: LoadContext) -> LabelledImages:
        """All images at resolution x resolution. Raises DataError with every file or row that is bad."""

    def files(self, context: LoadContext) -> FileSet | None:
        """The files behind the images, unopened, for `ganforge data check`; None where there are none.

        Raises DataError only where nothing can be listed; what is wrong with parts of it stands in the listing.
        """
        return None

    @property
    def is_phantom(self) -> bool:
        """True where the images are drawn by a program; every output then says so."""
        return False


class SamplerSpec(Component):
    """Rule by which images are drawn during training."""

    #: False: each time any image may be drawn, by its probability. True: each image is drawn once in every epoch of as
    #: many samples as there are images; the probabilities must be equal.
    by_epoch: ClassVar[bool] = False

    @abstractmethod
    def weights(self, labels: Sequence[int], num_classes: int) -> list[float]:
        """Probability of each image (sums to 1). The labels of generated images are drawn in the same proportions."""


class SourceSpec(Component):
    """Pretrained weights."""

    def preflight(self) -> None:
        """Raise GanforgeError now for what would fail after the data were prepared: a file that is not there."""

    @abstractmethod
    def fetch(self, context: StoreContext) -> PretrainedWeights:
        """Weights under ganforge's parameter names, with their provenance."""

    def published(self) -> PublishedFile | None:
        """The file that `fetch` downloads; None where it downloads nothing."""
        return None

    def cached(self, cache: Path) -> Path | None:
        """What `fetch` would use instead of a download; None if it isn't there. Looks at names alone."""
        return None


class EvaluatorSpec(Component):
    """Measure of generated images against real ones."""

    #: Whether it takes batches of the real images (`ganforge.data.pixels.Pixels`), which then need not fit into memory.
    #: For others they are read into an array first.
    in_batches: ClassVar[bool] = False

    def preflight(self) -> None:
        """Raise GanforgeError now for what would fail after a long training: a file or package that is missing."""

    @abstractmethod
    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        """Scores of `fake`; its labels are those that the generator was asked for.

        `context.train.images` may be more than the memory holds: take batches, or features from the context.
        """


class ExtractorSpec(Component):
    """A fixed network that turns images into features."""

    def preflight(self) -> None:
        """Raise GanforgeError now for what would fail after a long training: a file or package that is missing."""

    @abstractmethod
    def build(self, device: str) -> Extractor:
        """The network with its weights, which computes on `device` (`cpu`, `cuda:0`).

        Raises GanforgeError where the weights can't be had.
        """


class LossSpec(Component):
    """What generator and discriminator minimise, as a function of logits: (N,) -> (N,)."""

    @abstractmethod
    def generator(self, fake: Tensor) -> Tensor: ...

    @abstractmethod
    def discriminator_real(self, real: Tensor) -> Tensor: ...

    @abstractmethod
    def discriminator_fake(self, fake: Tensor) -> Tensor: ...


class RegulariserSpec(Component):
    """Penalty on the discriminator, a function of its gradient with respect to images.

    Computed every `every` steps and multiplied by `every`, so that its mean strength does not depend on it. None
    leaves it to the training: each step if that is exact, every 16th if it is fast.
    """

    on: ClassVar[Literal["real", "fake"]]
    every: int | None

    @abstractmethod
    def penalty(self, gradient: Tensor) -> Tensor:
        """(N,) from the gradient of each logit with respect to its image: (N, 3, H, W).

        Where the discriminator sees pretrained features too, with respect to image and features in a row: (N, D).
        """


class LogitPenaltySpec(Component):
    """Penalty on the discriminator, a function of its logits, which may follow them from step to step.

    See `ganforge.training.logit_penalty.LogitPenalty` for what the module must do.
    """

    @abstractmethod
    def build(self) -> LogitPenalty: ...


class AugmentationSpec(Component):
    """Differentiable change of a batch of images before the discriminator sees it, real and fake alike or real alone.

    See `ganforge.augmentation.base.Augmentation` for what the module must do.
    """

    @abstractmethod
    def build(self) -> Augmentation: ...


class OptimizerSpec(Component):
    """Rule that updates parameters."""

    @abstractmethod
    def build(self, parameters: list[nn.Parameter], rate: float) -> optim.Optimizer:
        """The optimizer of these parameters, some of which may be frozen and then get no gradient.

        Its groups hold the rate as `lr`, which the schedule sets. Checkpoints keep what stands in its `state`, tensors
        by parameter; what it keeps elsewhere, as in its groups, is lost when a run is resumed.
        """


class RateSpec(Component):
    """Learning rate over the steps of a stage."""

    @abstractmethod
    def at(self, step: int, num_steps: int) -> float:
        """Rate at `step`, counted from the stage's first (0 <= step < num_steps)."""


class TrackerSpec(Component):
    """Somebody outside of the run who is told how it goes: files for TensorBoard, a server.

    Trackers stand in `output.trackers` and are no part of what tells two recipes apart: with others, or none, the run
    gives the same bytes, and it can be resumed with others.
    """

    def preflight(self) -> None:
        """Raise GanforgeError now for what would fail when the run begins: a package that is missing."""

    @abstractmethod
    def build(self, run: TrackedRun) -> Tracker:
        """The tracker, when the training begins or goes on. What it raises switches it off."""
