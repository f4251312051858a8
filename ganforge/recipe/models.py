"""The recipe: everything that decides what a run computes, as frozen data.

Cross-field rules (shapes, globs, sites, class counts) are in `ganforge.plan.walk`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, StringConstraints, model_validator

from ganforge import interfaces
from ganforge.interfaces import Side, Spec, Width
from ganforge.registry import Lookup

#: Name of a block, which is also the first part of the names of its parameters.
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
#: Pattern with `*` and `?` over names, such as `resnet_0_*`.
Glob = Annotated[str, StringConstraints(min_length=1)]

Block = Annotated[interfaces.BlockSpec, Lookup("block")]
Mapping = Annotated[interfaces.MappingSpec, Lookup("mapping")]
Depth = Annotated[interfaces.DepthSpec, Lookup("depth")]
Injection = Annotated[interfaces.InjectionSpec, Lookup("injection")]
FeatureNetwork = Annotated[interfaces.FeatureNetworkSpec, Lookup("feature_network")]
Initialisation = Annotated[interfaces.InitialisationSpec, Lookup("initialisation")]
Dataset = Annotated[interfaces.DatasetSpec, Lookup("dataset")]
Sampler = Annotated[interfaces.SamplerSpec, Lookup("sampler")]
Source = Annotated[interfaces.SourceSpec, Lookup("source")]
Evaluator = Annotated[interfaces.EvaluatorSpec, Lookup("evaluator")]
Loss = Annotated[interfaces.LossSpec, Lookup("loss")]
Regulariser = Annotated[interfaces.RegulariserSpec, Lookup("regulariser")]
LogitPenalty = Annotated[interfaces.LogitPenaltySpec, Lookup("logit_penalty")]
Augmentation = Annotated[interfaces.AugmentationSpec, Lookup("augmentation")]
Optimizer = Annotated[interfaces.OptimizerSpec, Lookup("optimizer")]
Tracker = Annotated[interfaces.TrackerSpec, Lookup("tracker")]
Rate = Annotated[interfaces.RateSpec, Lookup("rate")]


class LabelSite(Spec):
    """One place at which the label enters a network, and how."""

    where: Depth
    how: Injection


#: See LoadRules.classes.
ClassRule = Literal["drop", "mean", "nearest"] | tuple[Annotated[int, Field(strict=True, ge=0)], ...]


class LoadRules(Spec):
    """What may be missing on either side when pretrained weights are loaded; all else must fit."""

    #: Parameters and buffers of the network that keep their initial values.
    fresh: tuple[Glob, ...] = ()
    #: Parameters and buffers of the source that are not used.
    drop: tuple[Glob, ...] = ()
    #: What becomes of embeddings and logits by class where the source has another number of classes: `drop` leaves the
    #: initial values, `mean` takes the mean over its classes, `nearest` the class of which its discriminator
    #: finds the images of ours most real; or the numbers of its classes, one for each of ours.
    classes: ClassRule | None = None


class NetworkSpec(Spec):
    """What generator and discriminator have in common."""

    blocks: dict[Key, Block] = Field(min_length=1)
    #: Blocks (globs over their keys) whose convolutions get an AdaFM.
    adafm: tuple[Glob, ...] = ()
    #: Where and how the label enters; empty for an unconditional network.
    label: tuple[LabelSite, ...] = ()
    initialisation: Initialisation
    #: How pretrained weights are loaded; null: the network starts from its initial values.
    pretrained: LoadRules | None = None


class GeneratorSpec(NetworkSpec):
    """From the latent (N, Z) to images (N, 3, H, W) in [-1, 1]."""

    latent_dim: Width
    mapping: Mapping | None = None


class FeaturesSpec(Spec):
    """What a fixed network sees joins the discriminator's own features, with weights that are zero at first."""

    network: FeatureNetwork
    #: Where: in front of the next block that widens, those features of the network that have the same sides.
    at: Annotated[tuple[Depth, ...], Field(min_length=1)]


class DiscriminatorSpec(NetworkSpec):
    """From images (N, 3, H, W) to logits (N,)."""

    #: A pretrained network that sees the images beside the discriminator's own blocks (Kumari et al. 2022).
    features: FeaturesSpec | None = None


class SplitSpec(Spec):
    """Which images training never sees. Groups (patients) are never divided."""

    held_out: float = Field(default=0.2, ge=0, lt=1)
    #: Train on about so many images, with the class proportions of all; null: on all that are not held out.
    train: PositiveInt | None = None
    seed: int = 0


class BadImagesSpec(Spec):
    """What becomes of pictures that can't be used. None is ever replaced by another."""

    #: `error`: one of them stops the run, with the reasons of all. `quarantine`: they are left out, and stand with
    #: their reasons in quarantine.csv of the run, which names files and stays on this machine.
    policy: Literal["error", "quarantine"] = "error"
    #: Largest share that is left out; more of them stop the run all the same.
    max_fraction: float = Field(default=0.001, ge=0, lt=1)


class TrainingSpec(Spec):
    """What stays the same in all stages."""

    batch: Width
    #: Images that are computed at a time, for less memory with the same batch: their gradients are added up. Blocks
    #: that look at a whole batch see that many. Null: all.
    microbatch: Width | None = None
    loss: Loss
    #: Weight of the discriminator's loss on real images with a wrong label, which it is to take for generated, in each
    #: class over that on generated images of it: it must then look at the label. Exaggerates what is typical of a class
    #: (Reed et al. 2016, GAN-CLS, algorithm 1, halves both losses, which is 1 here). Under a sampler that draws classes
    #: very unequally, the few images of rare ones weigh much where they stand for a common one.
    wrong_labels: float = Field(default=0.0, ge=0, le=100)
    regularisers: tuple[Regulariser, ...] = ()
    logit_penalties: tuple[LogitPenalty, ...] = ()
    augmentations: tuple[Augmentation, ...] = ()
    sampler: Sampler
    optimizer: Optimizer
    #: Decay of the moving average of the generator's weights, per step.
    ema: float = Field(default=0.999, ge=0, lt=1)
    #: `exact`: float32. `fast`: convolutions in bfloat16, the generator's only if its gradient stays nearly the same;
    #: penalties that say no `every` at every 16th step.
    #: `auto`: fast where the hardware computes bfloat16 natively, else exact; the run says which.
    step: Literal["exact", "fast", "auto"] = "auto"


class FreezeRule(Spec):
    """`train: GLOB` or `freeze: GLOB`, over the names of parameters."""

    train: Glob | None = None
    freeze: Glob | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> FreezeRule:
        if (self.train is None) == (self.freeze is None):
            raise ValueError("must be either `train: GLOB` or `freeze: GLOB`.")
        return self

    @property
    def glob(self) -> str:
        return self.train or self.freeze or ""

    @property
    def is_frozen(self) -> bool:
        return self.freeze is not None


class StageSpec(Spec):
    """A number of steps in which the same parameters train at the same rates."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
    steps: PositiveInt
    #: Rules in order; the last one that matches a parameter decides. A parameter that none matches trains.
    generator: tuple[FreezeRule, ...] = ()
    discriminator: tuple[FreezeRule, ...] = ()
    generator_rate: Rate
    discriminator_rate: Rate


class BestSpec(Spec):
    """Measures during the training, and keeps the checkpoint with the best value besides the newest ones."""

    #: Kind of the evaluator whose first score decides; one of `evaluators`.
    by: str
    #: Steps from one measurement to the next; the end of the training is measured too.
    every: PositiveInt


class EvaluationSpec(Spec):
    """What is measured at the end, on the held-out images."""

    evaluators: tuple[Evaluator, ...] = ()
    #: Number of generated images in a set; drawn with the class proportions of the real ones.
    images: Annotated[int, Field(gt=0, le=1_000_000)] = 500
    #: Sets of that many images, each from a seed of its own; scores are means over them, with their spread.
    seeds: Annotated[int, Field(gt=0, le=100)] = 3
    #: Without it, the scores are those of the end of the training.
    best: BestSpec | None = None


class OutputSpec(Spec):
    """What a run writes, and how often (in steps)."""

    folder: Path = Path("runs")
    samples_every: PositiveInt = 500
    checkpoints_every: PositiveInt = 500
    metrics_every: PositiveInt = 20
    #: Images per class in a sample grid.
    columns: Annotated[int, Field(gt=0, le=64)] = 8
    #: Who is told how the run goes; changes no byte of it.
    trackers: tuple[Tracker, ...] = ()


class Recipe(Spec):
    """One experiment."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
    #: One sentence for the report.
    description: str = ""
    seed: NonNegativeInt = 0
    #: Side of the images in pixels.
    resolution: Side
    data: Dataset
    bad_images: BadImagesSpec = BadImagesSpec()
    split: SplitSpec = SplitSpec()
    source: Source | None = None
    generator: GeneratorSpec
    discriminator: DiscriminatorSpec
    training: TrainingSpec
    stages: tuple[StageSpec, ...] = Field(min_length=1)
    evaluation: EvaluationSpec = EvaluationSpec()
    output: OutputSpec = OutputSpec()
