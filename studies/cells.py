"""The cells of the study: each is a recipe with overrides, and so a run that anybody can repeat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

#: Images that each network sees in training.
SYSTEM_IMAGES = 150_000
ABLATION_IMAGES = 60_000
BEST_ABLATION_IMAGES = 40_000
#: The paper's training fails within its first 5,000 images, if it does; the first two stages are a quarter each.
PAPER_ABLATION_IMAGES = 20_000
SEEDS = (0, 1, 2)
BATCH = 32
#: Decides which checkpoint is the best, and draws the curve: a network that no discriminator looks through.
JUDGE = "{kind: kd, extractor: {kind: efficientnet_lite2}}"
#: Points of the curve of distance against images seen.
POINTS = 12

#: Steps of the two first stages of a transfer, as in the paper: fc and style blocks, then the mapping network.
FIRST_STAGES = (250, 250)

Overrides = tuple[str, ...]
Data = Literal["fundus", "blood_cells", "phantom"]
BEST = "recipes/dr_best.yaml"

_PLAYERS = ("generator", "discriminator")
_NO_AUGMENTATION: Overrides = ("training.augmentations=[]",)
_PAPER_RATE: Overrides = tuple(f"stages[{i}].{player}_rate.rate=1e-3" for i in range(3) for player in _PLAYERS)
_PAPER_PENALTY: Overrides = ("training.regularisers[0].gamma=20", "training.regularisers[0].every=1")
_PAPER_TRAINING: Overrides = (
    *_PAPER_PENALTY,
    *(f"{player}.initialisation={{kind: published}}" for player in _PLAYERS),
)
#: Other ways for the label to enter the discriminator.
_LABELS: Mapping[str, Overrides] = {
    "label_at_image": ("discriminator.label[0].where={kind: image}",),
    "label_after_resnet_2": ("discriminator.label[0].where={kind: after, block: resnet_2_0}",),
    "label_as_projection": ("discriminator.label[0]={where: {kind: latent}, how: {kind: projection}}",),
}
_NOTHING_FROZEN = "stages[0].discriminator=[{train: '*'}]"
_NO_SOURCE: Overrides = ("source=null", "generator.pretrained=null", "discriminator.pretrained=null")


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
    overrides: Overrides = ()
    #: Phantoms need no files.
    data: Data = "fundus"
    #: Name of the cell whose run it begins from, in the place of the recipe's source.
    source: str = ""

    @property
    def name(self) -> str:
        return f"{self.table}-{self.row}-{self.seed}"

    @property
    def has_label(self) -> bool:
        """Whether a class can be asked for."""
        return not self.recipe.endswith("_gan.yaml") and "generator.label=[]" not in self.overrides

    def command_overrides(self, data: str, source: Path | None = None, images: int | None = None) -> list[str]:
        """All overrides of the run: data, budget, measurements along the way.

        data: the folder of all sets; source: that of the run of the cell that this one begins from.
        """
        steps = (images or self.images) // BATCH
        return [
            f"name={self.name}",
            self._data(data),
            f"seed={self.seed}",
            *self._stage_steps(steps),
            f"evaluation.evaluators=[{JUDGE}]",
            f"evaluation.best={{by: kd, every: {max(1, steps // POINTS)}}}",
            f"output.samples_every={max(1, steps // POINTS)}",
            f"output.checkpoints_every={max(1, steps // POINTS)}",
            *([f"source={{kind: run, path: {source}}}"] if source is not None else []),
            *self.overrides,
        ]

    def _data(self, folder: str) -> str:
        if self.data == "blood_cells":
            # a smear is of one patient, and gave several cells
            smear = "patient: 'BloodImage_{patient}_*'"
            return f"data={{kind: image_folder, root: {folder}/blood_cells, {smear}}}"
        return "data.root=null" if self.data == "phantom" else f"data.root={folder}/fundus"

    def _stage_steps(self, steps: int) -> list[str]:
        if "transfer" not in self.recipe:
            return [f"stages[0].steps={steps}"]
        first = [min(count, steps // 4) for count in FIRST_STAGES]
        return [f"stages[{i}].steps={count}" for i, count in enumerate((*first, steps - sum(first)))]


def cells() -> Iterator[Cell]:
    """All cells, those that teach most first."""
    for seed in SEEDS:
        for system in ("transfer_cgan", "scratch_cgan", "transfer_gan", "scratch_gan"):
            yield Cell("systems", system, f"recipes/dr_{system}.yaml", seed, SYSTEM_IMAGES)
        yield Cell("systems", "best", BEST, seed, SYSTEM_IMAGES)
        if seed == 0:
            yield from _best()
            yield from _others()
            yield from _paper_training()
            yield from _ablation()


def _paper_training() -> Iterator[Cell]:
    """No augmentation, rate 1e-3, first values and penalty of the published code; and parts of that."""
    for system, rate in (("transfer_cgan", _PAPER_RATE), ("scratch_cgan", _PAPER_RATE[:2])):
        overrides = (*_NO_AUGMENTATION, *_PAPER_TRAINING, *rate)
        yield Cell("paper", system, f"recipes/dr_{system}.yaml", 0, ABLATION_IMAGES, overrides)
    rows: Mapping[str, tuple[str, Overrides]] = {
        "with_augmentation": ("transfer_cgan", (*_PAPER_TRAINING, *_PAPER_RATE)),
        "with_half_the_rate": ("transfer_cgan", (*_NO_AUGMENTATION, *_PAPER_TRAINING)),
        "with_a_quarter_of_the_penalty": (
            "transfer_cgan",
            (*_NO_AUGMENTATION, *_PAPER_TRAINING, *_PAPER_RATE, "training.regularisers[0].gamma=5"),
        ),
        "scratch_with_half_the_rate": ("scratch_cgan", (*_NO_AUGMENTATION, *_PAPER_TRAINING)),
    }
    for row, (system, overrides) in rows.items():
        yield Cell("paper_parts", row, f"recipes/dr_{system}.yaml", 0, PAPER_ABLATION_IMAGES, overrides)


def _ablation() -> Iterator[Cell]:
    """One change each to the transfer CGAN, and what one of them begins from."""
    steps = ABLATION_IMAGES // BATCH
    adafm_early = [
        f"stages[{i}].generator=[{{freeze: '*'}}, {{train: 'fc.*'}}, {{train: 'style_[0-2].*'}}, {{train: 'label_*'}}, "
        "{train: '*.adafm_*'}]"
        for i in range(2)
    ]
    rows: Mapping[str, Overrides] = {
        "baseline": (),
        **_LABELS,
        "natural_sampling": ("training.sampler={kind: natural}",),
        "no_adafm": ("generator.adafm=[]", 'stages[2].generator[7]={freeze: "conv_img.*"}'),
        "adafm_from_the_start": tuple(adafm_early),
        "generator_free_in_the_end": ("stages[2].generator=[{train: '*'}]",),
        "stem_alone_frozen": tuple(f"stages[{i}].discriminator=[{{freeze: 'conv_img.*'}}]" for i in range(3)),
        "all_at_once": ("stages[0].steps=1", "stages[1].steps=1", f"stages[2].steps={steps - 2}"),
        "train_100": ("split.train=100",),
        "train_300": ("split.train=300",),
    }
    for row, overrides in rows.items():
        yield Cell("ablation", row, "recipes/dr_transfer_cgan.yaml", 0, ABLATION_IMAGES, overrides)
    balanced = ("training.sampler={kind: balanced}",)
    cells = Cell("source", "blood_cells", "recipes/dr_scratch_gan.yaml", 0, ABLATION_IMAGES, balanced, "blood_cells")
    yield cells
    yield Cell("ablation", "source_blood_cells", "recipes/dr_transfer_cgan.yaml", 0, ABLATION_IMAGES, source=cells.name)


def _best() -> Iterator[Cell]:
    """One change each to the best recipe."""
    rows: Mapping[str, Overrides] = {
        "baseline": (),
        "no_features": ("discriminator.features=null",),
        # nothing to keep: what is frozen would stay at its first values
        "no_source": (*_NO_SOURCE, _NOTHING_FROZEN),
        "no_label": ("generator.label=[]", "discriminator.label=[]", "training.wrong_labels=0"),
        "no_wrong_labels": ("training.wrong_labels=0",),
        "label_as_map": ("discriminator.label[0]={where: {kind: after_frozen}, how: {kind: concatenate_map}}",),
        "published_weights": ("training.sampler={kind: class_weights, weights: [0.1, 1, 0.5, 3, 4]}",),
        "nothing_frozen": (_NOTHING_FROZEN,),
        "lecam": ("training.logit_penalties=[{kind: lecam, weight: 0.03}]",),
        "ada": ("training.augmentations[1]={kind: ada}",),
    }
    for row, overrides in rows.items():
        yield Cell("best", row, BEST, 0, BEST_ABLATION_IMAGES, overrides)


def _others() -> Iterator[Cell]:
    """Phantoms, whose lesions tell the grade at any size, and blood cells: other data and nothing else."""
    yield Cell("phantom", "best", BEST, 0, BEST_ABLATION_IMAGES, data="phantom")
    without = ("training.wrong_labels=0",)
    yield Cell("phantom", "best_no_wrong_labels", BEST, 0, BEST_ABLATION_IMAGES, without, "phantom")
    yield Cell("blood_cells", "best", BEST, 0, BEST_ABLATION_IMAGES, data="blood_cells")
    transfer = "recipes/dr_transfer_cgan.yaml"
    yield Cell("phantom", "transfer_cgan", transfer, 0, BEST_ABLATION_IMAGES, data="phantom")
    for label, overrides in _LABELS.items():
        yield Cell("phantom", f"transfer_cgan_{label}", transfer, 0, BEST_ABLATION_IMAGES, overrides, "phantom")
    for system in ("transfer_cgan", "scratch_cgan"):
        # the published weights are for five grades
        overrides = ("training.sampler={kind: balanced}",)
        yield Cell(
            "blood_cells", system, f"recipes/dr_{system}.yaml", 0, BEST_ABLATION_IMAGES, overrides, "blood_cells"
        )
