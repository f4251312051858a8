"""The training loop: stages, rates, moving average, metrics, samples and checkpoints."""

from __future__ import annotations

import time
from typing import Any

import torch

from ganforge.data.images import LabelledImages
from ganforge.data.samplers import image_probabilities
from ganforge.errors import CheckpointError, DivergedError, Problem, RecipeError
from ganforge.files import retried, write_json
from ganforge.freeze.policy import freeze_table, set_trained
from ganforge.freeze.schedule import Position, Schedule
from ganforge.listener import Listener, StepReport
from ganforge.networks.staged import Discriminator, Generator
from ganforge.pictures import Mark, grid, save_png, to_uint8
from ganforge.plan.plan import Plan
from ganforge.processes.group import ALONE, Processes
from ganforge.processes.stop import Stops
from ganforge.runs.checkpoint import Checkpoint, save_checkpoint
from ganforge.runs.rundir import RunDir
from ganforge.sampling import BATCH, batch_for, grid_images
from ganforge.training.ema import MovingAverage
from ganforge.training.exchange import Exchange
from ganforge.training.means import Means
from ganforge.training.nonfinite import advice, report
from ganforge.training.piecewise import route_for
from ganforge.training.players import Players
from ganforge.training.reals import RealImages
from ganforge.training.routes import NonFiniteError
from ganforge.training.selection import Measure, Selection
from ganforge.training.stage_arithmetic import StageArithmetic
from ganforge.training.state import expect_equal_state, expect_finite, restore_tensors, state_tensors
from ganforge.training.step import TrainStep
from ganforge.training.watchdog import Watchdog


class Trainer:
    """Trains the networks of a plan on images, from `step` on.

    The state after n steps is a function of recipe, images, n and the arithmetic that run.json records: a run that is
    stopped and resumed ends with the same bytes as one that is not, but where kernels of a GPU add up in any order.
    """

    def __init__(
        self,
        plan: Plan,
        recipe_hash: str,
        images: LabelledImages,
        generator: Generator,
        discriminator: Discriminator,
        run: RunDir,
        listener: Listener,
        device: torch.device,
        measure: Measure | None = None,
        stops: Stops | None = None,
        processes: Processes = ALONE,
    ) -> None:
        """measure: gives the score by which the best checkpoint is kept, if the recipe wants one kept.

        It is called on all processes; what it gives counts on the first one. stops: who may ask the run to stop; None:
        nobody. processes: of which the first one writes.
        """
        recipe = plan.recipe
        self.plan, self.recipe, self.recipe_hash = plan, recipe, recipe_hash
        self.run, self.listener, self.device = run, listener, device
        self.schedule = Schedule(recipe.stages)
        sampler = recipe.training.sampler
        try:
            probabilities = image_probabilities(sampler, images.labels.tolist(), len(plan.classes))
        except ValueError as error:  # classes with a weight, none of which has an image
            raise RecipeError([Problem(str(error), ("training", "sampler"))]) from error
        self.reals = RealImages(images, probabilities, recipe.seed, device, by_epoch=sampler.by_epoch)
        # convolutions are faster with the channels innermost, from a few channels on
        self.generator = generator.to(device).to(memory_format=torch.channels_last)
        self.discriminator = discriminator.to(device).to(memory_format=torch.channels_last)
        self.average = MovingAverage(self.generator, recipe.training.ema)
        self.players = Players.of(recipe.training, self.generator, self.discriminator)
        self.stops = stops or Stops()
        self.processes, self.exchange = processes, Exchange(processes, self.stops)
        self.train_step = TrainStep(
            self.players,
            recipe.training.loss,
            recipe.training.regularisers,
            self.reals.class_probabilities(len(plan.classes)),
            recipe.seed,
            route_for(plan.discriminator, self.discriminator, torch.float32),
            wrong_labels=recipe.training.wrong_labels,
            microbatch=recipe.training.microbatch,
            exchange=self.exchange,
        )
        self.arithmetic = StageArithmetic(plan, self.train_step, run, device, processes, listener.note)
        self.selection = Selection(recipe.evaluation.best, measure, run, listener, self.stops, processes)
        self.means = Means()
        self.watchdog = Watchdog()
        self.step = 0
        #: Number of the stage that the networks were last set for.
        self._stage = -1

    def fit(self) -> None:
        """Do the steps that are left. Raises DivergedError, with the last checkpoint kept.

        Raises RunStopped, with the step saved, when the run is asked to stop.
        """
        with self.stops.deferred():
            self._fit()
            self.exchange.ask()
            stopped = self.exchange.stopped()  # while the last step was saved
        if stopped is not None:
            raise stopped

    def _fit(self) -> None:
        output = self.recipe.output
        if self.step == 0:
            if self.processes.is_first:
                self.run.truncate_metrics(0)  # rows of a run that was stopped before its first checkpoint
            self._sample()
        if self.selection.is_unmeasured:
            self._make_up_measurement()
        not_linear = self.plan.discriminator.not_piecewise_linear
        if not_linear:
            self.listener.note(
                f"the discriminator's gradients come from autograd alone, which is slower, since {not_linear[0]} does "
                "not declare `piecewise_linear`."
            )
        started, first = time.monotonic(), self.step
        while self.step < self.schedule.num_steps:
            position, metrics = self.advance()
            is_last = self.step == self.schedule.num_steps
            self.means.add(metrics)
            if self.step % output.metrics_every == 0 or is_last:
                taken = self.means.take()
                row = {**self._row(position.stage.name), **taken}
                self._append_metrics(row)
                self.listener.metrics(row)
                for warning in self.watchdog.look(taken):
                    self.listener.warning(f"step {self.step:,}: {warning}")
            seconds = max(time.monotonic() - started, 1e-9)
            speed = (self.step - first) * self.recipe.training.batch / seconds
            self.listener.step(
                StepReport(self.step, self.schedule.num_steps, position.stage.name, self.images_seen, speed, metrics)
            )
            if self.step % output.samples_every == 0 or is_last:
                self._sample()
            self.selection.reach(self.step, is_last=is_last)
            if self.selection.is_unmeasured and self.exchange.stopped() is None:
                paused = time.monotonic()
                self._keep_if_best(position.stage.name)
                started += time.monotonic() - paused
            stopped = self.exchange.stopped()
            if self.step % output.checkpoints_every == 0 or is_last or stopped is not None:
                self.save()
            if stopped is not None:
                self.processes.wait_for_first()  # a launcher ends all as soon as one has ended
                raise stopped
        if self.selection.is_wanted and self.selection.best is None:
            self.listener.warning("no checkpoint was measured, so none is the best; the newest is taken.")

    def advance(self) -> tuple[Position, dict[str, float]]:
        """Do the next step, in its stage: both networks, the moving average and `step` move on by one.

        Returns where the step stood in the schedule, and its mean losses and logits. Raises DivergedError.
        """
        position = self.schedule.at(self.step)
        if position.number != self._stage:
            self._stage = position.number
            self._enter_stage(position)
            self.arithmetic.enter(position.number, self._samples())
        self._set_rates(position)
        metrics = self._one_step()
        self.average.update(self.generator, self.step)
        self.step += 1
        return position, metrics

    def _make_up_measurement(self) -> None:
        """Measure the step at which a run was stopped; its checkpoint then is that of a run that was not."""
        self._keep_if_best(self.schedule.at(self.step - 1).stage.name)
        self.exchange.ask()
        stopped = self.exchange.stopped()
        if not self.selection.is_unmeasured:
            self.save()
        if stopped is not None:
            raise stopped

    def _keep_if_best(self, stage: str) -> None:
        """Score the moving average; the checkpoint that is saved next is kept if it is the best so far.

        With several processes a signal waits for the measurement, but their launcher may not: the step is saved ahead.
        """
        if self.processes.size > 1:
            self.save()
        else:
            expect_finite(state_tensors(self.players, self.average), self.step)
        self.selection.score(self.average.network, self._row(stage))
        self.arithmetic.round_products()

    def _row(self, stage: str) -> dict[str, Any]:
        """How a row of the metrics begins."""
        return {"step": self.step, "images": self.images_seen, "stage": stage}

    def _append_metrics(self, row: dict[str, Any]) -> None:
        if self.processes.is_first:
            self.run.append_metrics(row)

    @property
    def images_seen(self) -> int:
        """Real images shown to the discriminator so far."""
        return self.step * self.recipe.training.batch

    def save(self) -> None:
        """Write a checkpoint. Raises DivergedError instead of writing numbers that are not finite.

        Raises ProcessError where those of the processes are not the same.
        """
        tensors = state_tensors(self.players, self.average)
        expect_finite(tensors, self.step)
        expect_equal_state(tensors, self.processes, self.step)
        if not self.processes.is_first:
            return
        means = self.means.state()
        chosen = self.selection
        checkpoint = Checkpoint(self.step, self.recipe_hash, tensors, chosen.best, means, chosen.is_unmeasured)
        self.run.sync_metrics()
        every = self.recipe.output.checkpoints_every
        path = retried(lambda: save_checkpoint(self.run.checkpoints, checkpoint, every=every))
        self.listener.wrote("checkpoint", path)

    def begin(self) -> None:
        """Give all processes the first one's initial values, to whom alone pretrained ones were loaded."""
        self.processes.copy_from_first((self.generator, self.discriminator, self.average.network))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint of the same recipe. Raises CheckpointError if it is one of another."""
        if checkpoint.recipe_hash != self.recipe_hash or checkpoint.step > self.schedule.num_steps:
            raise CheckpointError(f"the checkpoint of step {checkpoint.step} belongs to another recipe.")
        try:
            restore_tensors(self.players, self.average, checkpoint.tensors)
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(
                f"the checkpoint of step {checkpoint.step} doesn't fit the recipe: {error}"
            ) from error
        self.step = checkpoint.step
        self.selection.restore(checkpoint)
        self.means.restore(checkpoint.means)
        self.arithmetic.resume(self.schedule.at(self.step - 1).number)
        if self.processes.is_first:
            self.run.truncate_metrics(self.step, is_unmeasured=self.selection.is_unmeasured)
        self.listener.resumed(self.step)

    def _enter_stage(self, position: Position) -> None:
        rows = []
        for name, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            plan = self.plan.generator if name == "generator" else self.plan.discriminator
            trains = plan.trains[position.number]
            set_trained(network, trains)
            rows += freeze_table(name, trains, plan.sizes)
        self.listener.stage(position.stage.name, rows)

    def _set_rates(self, position: Position) -> None:
        stage = position.stage
        for optimizer, rate in (
            (self.players.generator_optimizer, stage.generator_rate),
            (self.players.discriminator_optimizer, stage.discriminator_rate),
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate.at(position.step, stage.steps)

    def _one_step(self) -> dict[str, float]:
        samples = self._samples()
        try:
            own = self.processes.share(samples)
            return self.train_step(self.reals.batch(own), self.step, own)
        except NonFiniteError as error:
            path = self.run.path / "debug" / "nonfinite.json"
            if self.processes.is_first:
                networks = {"generator": self.generator, "discriminator": self.discriminator}
                write_json(path, report(str(error), self.step, samples, self.reals.indices(samples), networks))
            kept = "the last checkpoint is kept" if self.run.checkpoints.is_dir() else "there is no checkpoint yet"
            raise DivergedError(
                f"training diverged at step {self.step + 1}: {error}; {kept}, and {path} says more. "
                f"{advice(str(error), has_logit_penalties=bool(self.players.logit_penalties))}"
            ) from error

    def _samples(self) -> range:
        """Numbers of the next step's samples, of all processes."""
        return range(self.images_seen, self.images_seen + self.recipe.training.batch)

    def _sample(self) -> None:
        if not self.processes.is_first:
            return
        network, columns, classes = self.average.network, self.recipe.output.columns, self.plan.classes
        batch = min(batch_for(self.recipe.resolution), self.recipe.training.microbatch or BATCH)
        images = to_uint8(grid_images(network, len(classes), columns, self.recipe.seed, batch=batch))
        picture = grid(images, columns, classes if network.is_conditional else ())
        path = self.run.samples / f"step_{self.step:08d}.png"
        save_png(path, picture, Mark(None, self.recipe.data.is_phantom).texts())
        self.listener.wrote("samples", path)
