"""The processes of a run, as the code that trains sees them: which share is whose, sums, what the first one says."""

# N samples of a batch

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ganforge.errors import ElsewhereError, Problem

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ganforge.processes.link import Link

T = TypeVar("T")
S = TypeVar("S", bound=Sequence[Any])


@dataclass(frozen=True)
class Processes:
    """This process, of rank `rank` among `size`. One alone sends nothing and waits for nobody.

    All processes call the same methods in the same order. If one of them fails, ends or stays silent, the others
    get ProcessError, or RunStopped where it was asked to stop.
    """

    rank: int = 0
    size: int = 1
    #: How the others are reached; None for one process alone.
    link: Link | None = None

    @property
    def is_first(self) -> bool:
        """Whether this one writes the run, and tells of it."""
        return self.rank == 0

    @property
    def name(self) -> str:
        return f"rank {self.rank} of {self.size}"

    def gpus(self, *, on_cpu: bool) -> str:
        """The value of `--gpus` with which as many processes start again on this machine."""
        return f"{'cpu:' if on_cpu else ''}{self.size}"

    def share(self, batch: S) -> S:
        """This process's part of a batch (N), whose parts in the order of the ranks are the batch."""
        assert len(batch) % self.size == 0
        num = len(batch) // self.size
        return cast(S, batch[self.rank * num : (self.rank + 1) * num])

    def add_up(self, values: Tensor) -> None:
        """Replace values by their sum over the processes, which is the same to the bit on all."""
        if self.link is not None:
            self.link.add_up(values)

    def gather(self, value: Any) -> list[Any]:
        """What each process gives, by rank, on all of them. value: JSON data."""
        return [value] if self.link is None else self.link.gather(value)

    def from_first(self, action: Callable[[], T]) -> T:
        """What `action` gives on the first process, on all; the others wait, however long. It gives JSON data."""
        if self.link is None:
            return action()
        return cast(T, self.link.from_first(action() if self.is_first else None))

    def wait_for_first(self) -> None:
        """Return when the first process has come here too."""
        self.from_first(lambda: None)

    def in_order(self, action: Callable[[], T]) -> T:
        """What `action` gives on each; on the first one before the others, which find what it left in the cache."""
        if self.link is None:
            return action()
        found = action() if self.is_first else None
        self.wait_for_first()
        return found if self.is_first else action()  # type: ignore[return-value]

    def copy_from_first(self, networks: Iterable[nn.Module]) -> None:
        """Give parameters and buffers the values that they have on the first process."""
        if self.link is not None:
            for network in networks:
                for tensor in (*network.parameters(), *network.buffers()):
                    self.link.copy_from_first(tensor.detach())

    def tells(self, error: BaseException) -> bool:
        """Whether this process is the one to tell the user of an error; of all that ask, one is."""
        if self.link is None:
            return True
        return not isinstance(error, ElsewhereError) and self.link.is_first_to_tell()


ALONE = Processes()


def batch_problem(batch: int, size: int) -> Problem | None:
    """What is wrong with a batch that `size` processes can't divide evenly, with the nearest that they can."""
    if batch % size == 0:
        return None
    below, above = batch // size * size, (batch // size + 1) * size
    nearest = [each for each in (below, above) if each]
    words = " and ".join(str(each) for each in nearest)
    best = min(nearest, key=lambda each: abs(each - batch))
    return Problem(
        f"is {batch}, which {size} processes can't divide evenly; {words} can be divided: training.batch={best}.",
        ("training", "batch"),
    )
