"""What the processes of a run send each other in a step: one sum for each player.

Each computes its share of the batch, whose loss is divided by the size of the whole batch, so that gradients add up to
those of the batch. In the same sum go the other numbers that all must know: each rank has a place of its own for them
where the others send zeros.
"""

# N samples of the batch, n of this process, R ranks, P parameters that train

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from ganforge.processes.group import Processes
from ganforge.processes.stop import REASONS, RunStopped, Stops
from ganforge.training.routes import NonFiniteError


class Exchange:
    """Adds up gradients and gathers values; for one process alone, all is as it was."""

    def __init__(self, processes: Processes, stops: Stops) -> None:
        self.processes = processes
        self._stops = stops
        self._stopped: RunStopped | None = None

    def stopped(self) -> RunStopped | None:
        """What to raise when the current step is saved, the same on all processes; None: go on."""
        return self._stops.asked() if self.processes.size == 1 else self._stopped

    def ask(self) -> None:
        """Find out, outside of a step, whether a process was asked to stop."""
        flags = torch.zeros(len(REASONS))
        self._flag(flags)
        self.processes.add_up(flags)
        self._stopped = _first_of(flags)

    def add_up(
        self,
        parameters: Iterable[nn.Parameter],
        what: str,
        problem: NonFiniteError | None,
        parts: Mapping[str, Tensor] | None = None,
        sums: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Give each parameter that trains the gradient of the whole batch; None where no process has one.

        parts: (n, ...) of this process's samples -> (N, ...) of all. sums: scalars -> their sums. Returned by name.
        what: whose gradient it is. Raises NonFiniteError on all processes if one has a problem or a gradient that is
        not finite; it says which.
        """
        parts, sums = dict(parts or {}), dict(sums or {})
        if self.processes.size == 1:
            if problem is not None:
                raise problem
            return {**parts, **sums}
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        buffer = _Buffer(trained, self.processes, parts, sums)
        if problem is None and not buffer.is_finite():
            problem = NonFiniteError(f"the gradient of {what} became not finite")
        buffer.bad[self.processes.rank] = problem is not None
        self._flag(buffer.stops)
        self.processes.add_up(buffer.values)
        self._stopped = _first_of(buffer.stops)
        if bool(buffer.bad.any()):
            found = self.processes.gather(None if problem is None else str(problem))
            reasons = [f"rank {rank}: {text}" for rank, text in enumerate(found) if text is not None]
            raise NonFiniteError("; ".join(reasons)) from problem
        buffer.hand_out()
        return {**buffer.parts, **buffer.sums}

    def _flag(self, flags: Tensor) -> None:
        asked = self._stops.asked()
        if asked is not None:
            flags[list(REASONS).index(asked.reason)] = 1


class _Buffer:
    """One flat tensor with the views that are filled before and read after it is summed."""

    def __init__(
        self,
        trained: list[nn.Parameter],
        processes: Processes,
        parts: Mapping[str, Tensor],
        sums: Mapping[str, Tensor],
    ) -> None:
        first = trained[0]
        sizes = [parameter.numel() for parameter in trained]
        extra = [len(trained), processes.size, len(REASONS)]
        shapes = {name: (len(part) * processes.size, *part.shape[1:]) for name, part in parts.items()}
        gathered = [part.numel() * processes.size for part in parts.values()]
        self.values = first.new_zeros(sum([*sizes, *extra, *gathered, len(sums)]))
        views = iter(self.values.split([*sizes, *extra, *gathered, *([1] * len(sums))]))
        self._trained = trained
        self._gradients = [_laid_out(next(views), parameter) for parameter in trained]
        #: (P,) how many processes have a gradient; (R,) whose numbers are not finite; who was asked to stop, by reason.
        self._present, self.bad, self.stops = next(views), next(views), next(views)
        self.parts = {name: next(views).view(shape) for name, shape in shapes.items()}
        self.sums = {name: next(views).view(()) for name in sums}
        for index, (parameter, gradient) in enumerate(zip(trained, self._gradients, strict=True)):
            if parameter.grad is not None:
                gradient.copy_(parameter.grad)
                self._present[index] = 1
        for name, part in parts.items():
            processes.share(self.parts[name]).copy_(part)
        for name, value in sums.items():
            self.sums[name].copy_(value)
        self._num_gradients = sum(sizes)

    def is_finite(self) -> bool:
        """Whether this process's gradients are."""
        lowest, highest = torch.aminmax(self.values[: self._num_gradients])
        return bool(torch.isfinite(lowest) & torch.isfinite(highest))

    def hand_out(self) -> None:
        for parameter, gradient, count in zip(self._trained, self._gradients, self._present.tolist(), strict=True):
            parameter.grad = gradient if count else None


def _laid_out(flat: Tensor, parameter: nn.Parameter) -> Tensor:
    """A flat tensor as the parameter lies in memory, for fused optimizers read both as they lie."""
    last = sum((size - 1) * stride for size, stride in zip(parameter.shape, parameter.stride(), strict=True))
    assert last + 1 == parameter.numel()  # no gaps and nothing twice
    return flat.as_strided(parameter.shape, parameter.stride(), flat.storage_offset())


def _first_of(flags: Tensor) -> RunStopped | None:
    for (reason, code), count in zip(REASONS.items(), flags.tolist(), strict=True):
        if count:
            return RunStopped(reason, code)
    return None
