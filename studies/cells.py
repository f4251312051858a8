"""The cells of the study: each is a recipe with overrides, and so a run that anybody can repeat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

#: Images that each network sees in training.
SYSTEM_IMAGES = 150_000
ABLATION_IMAGES = 60_000
SEEDS = (0, 1, 2)
BATCH = 32
#: Points of the curve of distance against images seen.
POINTS = 12

#: Steps of the two first stages of a transfer, as in the paper: fc and style blocks, then the mapping network.
FIRST_STAGES = (250, 250)

_PAPER_TRAINING = (
    "training.augmentations=[]",
    "training.regularisers[0].every=1",
    "generator.initialisation={kind: published}",
    "discriminator.initialisation={kind: published}",
)


@dataclass(frozen=True)
class Cell:
    """One run of the study."""

    table: str
    #: Row of the table; its seeds are repetitions.
    row: str
    recipe: str
    seed: int
    images: int
    #: What differs from the recipe, besides data, seed and budget.
    overrides: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.table}-{self.row}-{self.seed}"

    def command_overrides(self, data_root: str, images: int | None = None) -> list[str]:
        """All overrides of the run: data, budget, measurements along the way."""
        steps = (images or self.images) // BATCH
        return [
            f"name={self.name}",
            f"data.root={data_root}",
            f"seed={self.seed}",
            *self._stage_steps(steps),
            f"evaluation.best={{by: kd, every: {max(1, steps // POINTS)}}}",
            f"output.samples_every={max(1, steps // POINTS)}",
            f"output.checkpoints_every={max(1, steps // POINTS)}",
            *self.overrides,
        ]

    def _stage_steps(self, steps: int) -> list[str]:
        if "scratch" in self.recipe:
            return [f"stages[0].steps={steps}"]
        first = [min(count, steps // 4) for count in FIRST_STAGES]
        return [f"stages[{i}].steps={count}" for i, count in enumerate((*first, steps - sum(first)))]


def _rates(rate: str, num_stages: int) -> tuple[str, ...]:
    players = ("generator", "discriminator")
    return tuple(f"stages[{i}].{player}_rate.rate={rate}" for i in range(num_stages) for player in players)


def cells() -> Iterator[Cell]:
    """All cells, those that teach most first."""
    systems = ("transfer_cgan", "scratch_cgan", "transfer_gan", "scratch_gan")
    for seed in SEEDS:
        for system in systems:
            yield Cell("systems", system, f"recipes/dr_{system}.yaml", seed, SYSTEM_IMAGES)
        if seed == 0:
            yield from _paper_training()
            yield from _ablations()


def _paper_training() -> Iterator[Cell]:
    """No augmentation, rate 1e-3, first values of the published code, a penalty at every step."""
    for system, num_stages in (("transfer_cgan", 3), ("scratch_cgan", 1)):
        overrides = (*_PAPER_TRAINING, *_rates("1e-3", num_stages))
        yield Cell("paper", system, f"recipes/dr_{system}.yaml", 0, ABLATION_IMAGES, overrides)


def _ablations() -> Iterator[Cell]:
    """One change each to the transfer CGAN."""
    where = "discriminator.label[0].where"
    how = "discriminator.label[0].how"
    changes: dict[str, tuple[str, ...]] = {
        "baseline": (),
        "label_at_image": (f"{where}={{kind: image}}",),
        "label_after_resnet_2": (f"{where}={{kind: after, block: resnet_2_0}}",),
        "label_as_projection": (f"{how}={{kind: projection}}", f"{where}={{kind: latent}}"),
        "natural_sampling": ("training.sampler={kind: natural}",),
        "no_adafm": ("generator.adafm=[]", 'stages[2].generator[7]={freeze: "conv_img.*"}'),
        "all_at_once": ("stages[0].steps=1", "stages[1].steps=1", f"stages[2].steps={ABLATION_IMAGES // BATCH - 2}"),
        "no_source": ("source=null", "generator.pretrained=null", "discriminator.pretrained=null"),
    }
    for row, overrides in changes.items():
        yield Cell("ablation", row, "recipes/dr_transfer_cgan.yaml", 0, ABLATION_IMAGES, overrides)
