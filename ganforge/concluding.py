"""What a run ends with: the generator that is chosen, its scores, and the page about it."""

from __future__ import annotations

import copy

from ganforge.evaluation.evaluation import Evaluation
from ganforge.files import write_json
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.opening import generator_of
from ganforge.plan.plan import Plan
from ganforge.processes.group import Processes
from ganforge.runs.checkpoint import AVERAGE, load_best
from ganforge.runs.rundir import RunDir
from ganforge.training.trainer import Trainer


def score_chosen(
    plan: Plan, trainer: Trainer, evaluation: Evaluation, run_dir: RunDir, listener: Listener, processes: Processes
) -> tuple[Generator, int | None]:
    """The best generator and its step, or the newest where none was measured; writes scores.json.

    All processes call this; the first one reads, writes and tells.
    """
    chosen, chosen_at = trainer.average.network, None
    if trainer.selection.best is not None and processes.is_first:
        checkpoint, rejected = load_best(run_dir.checkpoints, [AVERAGE])
        for reason in rejected:
            listener.warning(reason)
        chosen = generator_of(plan, checkpoint).to(trainer.device)
        chosen_at = checkpoint.step if checkpoint.step == trainer.selection.best.step else None
    processes.wait_for_first()
    if trainer.selection.best is not None and processes.size > 1:
        chosen = chosen if processes.is_first else copy.deepcopy(chosen)
        processes.copy_from_first((chosen,))
    scores = evaluation.scores(chosen, chosen_at)
    if processes.is_first:
        write_json(run_dir.path / "scores.json", [score.as_dict() for score in scores])
    return chosen, chosen_at


def report(run_dir: RunDir, generator: Generator, step: int, plan: Plan, listener: Listener) -> None:
    """Write report.html, which already says that the run is finished: whatever goes wrong now is a warning."""
    try:
        from ganforge.report.finishing import report_finished

        listener.wrote("report", report_finished(run_dir.path, generator, step, plan))
    except KeyboardInterrupt:
        listener.warning(f"stopped before report.html was written; `ganforge report {run_dir.path}` writes it.")
    except Exception as error:
        reason = str(error) or type(error).__name__
        listener.warning(f"no report was written, `ganforge report {run_dir.path}` tries again: {reason}")
