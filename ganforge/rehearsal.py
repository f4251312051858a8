"""A training tried out: the networks, and real steps of each stage on made-up images. Nothing of it is kept."""

# N images

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ganforge.data.images import DatasetCard, LabelledImages
from ganforge.files import nearest_existing
from ganforge.listener import Listener
from ganforge.plan.plan import Plan
from ganforge.planning import plan_recipe, warn_of_what_is_lacking
from ganforge.recipe.dump import recipe_hash
from ganforge.recipe.load import LoadedRecipe
from ganforge.runs.faults import for_user
from ganforge.runs.rundir import RunDir
from ganforge.runs.space import expect_space, needed_bytes
from ganforge.start import build_networks, fetch_source, is_at_hand, load_pretrained
from ganforge.training.arithmetic import cycle_of_penalties
from ganforge.training.trainer import Trainer

#: A step that takes longer than this is not done a second time, though the first one of a process is slower.
LONG = 20.0


@dataclass(frozen=True)
class StageEstimate:
    """What a stage would take."""

    name: str
    steps: int
    #: Of a step, the mean over those with and without a gradient penalty.
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """What a training would take; without the preparation of the images and the scores."""

    plan: Plan
    stages: tuple[StageEstimate, ...]
    #: How the steps computed.
    arithmetic: str
    #: Whether the weights of the recipe's source were in the networks.
    has_source: bool
    #: Largest memory of the process, or of the GPU, so far.
    peak_bytes: int
    device: torch.device
    #: What the run would write, and what its disk has left.
    disk_bytes: int
    free_bytes: int

    @property
    def seconds(self) -> float:
        return sum(stage.steps * stage.seconds for stage in self.stages)


def rehearse(loaded: LoadedRecipe, listener: Listener, device: torch.device) -> Estimate:
    """Try a recipe out as a run would go, up to a few steps of each stage. Raises GanforgeError as `execute.run`.

    The images are noise, so that none is read; a source that is there is loaded. Files that a run would lack are warned
    of. No folder is made but a temporary one.
    """
    plan = plan_recipe(loaded)
    warn_of_what_is_lacking(loaded.recipe, listener)
    folder = loaded.recipe.output.folder
    expect_space(plan, folder)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with tempfile.TemporaryDirectory(prefix="ganforge-") as scratch:
        run_dir = RunDir(Path(scratch))
        try:
            trainer, has_source = _trainer(plan, run_dir, device)
            stages = _timed_stages(trainer, listener)
        except Exception as error:
            told = for_user(error, plan.recipe, run_dir)
            if told is error:
                raise
            raise told from error
    return Estimate(
        plan,
        stages,
        str(trainer.arithmetic.current),
        has_source,
        _peak_memory(device),
        device,
        needed_bytes(plan),
        shutil.disk_usage(nearest_existing(folder)).free,
    )


def _trainer(plan: Plan, run_dir: RunDir, device: torch.device) -> tuple[Trainer, bool]:
    """A trainer over made-up images, and whether its networks hold the weights of the source."""
    run_dir.write_state(state="running", classes=list(plan.classes))
    images = made_up_images(plan)
    generator, discriminator = build_networks(plan)
    pretrained = fetch_source(plan, Listener()) if is_at_hand(plan) else None
    if pretrained is not None:
        load_pretrained(plan, pretrained, generator, discriminator, images, run_dir, Listener())
    trainer = Trainer(plan, recipe_hash(plan.recipe), images, generator, discriminator, run_dir, Listener(), device)
    return trainer, pretrained is not None


def made_up_images(plan: Plan) -> LabelledImages:
    """Noise with the labels of all classes in turn, enough for a batch."""
    recipe, num_classes = plan.recipe, len(plan.classes)
    n = min(max(recipe.training.batch, 2 * num_classes), 4096)
    shape = (n, 3, recipe.resolution, recipe.resolution)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    names = [f"noise {index}" for index in range(n)]
    card = DatasetCard("noise", plan.classes, "CC0-1.0", "none: drawn here", True, "noise")
    return LabelledImages(pixels, np.arange(n, dtype=np.int64) % num_classes, names, names, card)


def _timed_stages(trainer: Trainer, listener: Listener) -> tuple[StageEstimate, ...]:
    found = []
    first = 0
    stages = trainer.recipe.stages
    for stage in listener.progress(stages, len(stages), "trying the stages out"):
        seconds = _seconds_of_a_step(trainer, range(first, first + stage.steps))
        found.append(StageEstimate(stage.name, stage.steps, seconds))
        first += stage.steps
    return tuple(found)


def _seconds_of_a_step(trainer: Trainer, steps: range) -> float:
    """Mean time of the steps of a stage, from one with all penalties and one with none."""
    seconds = _timed(trainer, steps[0])  # sets the networks for the stage, and decides on the arithmetic
    if seconds > LONG:
        return seconds
    cycle = cycle_of_penalties(trainer.train_step.regularisers, steps)
    times = [(len(alike), _timed(trainer, alike[0])) for alike in cycle]
    return sum(count * each for count, each in times) / sum(count for count, _ in times)


def _timed(trainer: Trainer, step: int) -> float:
    """Seconds that the step takes."""
    trainer.step = step
    _wait_for(trainer.device)
    started = time.perf_counter()
    trainer.advance()
    _wait_for(trainer.device)
    return time.perf_counter() - started


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak_memory(device: torch.device) -> int:
    """Bytes: of the GPU where it computes, else of this process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
