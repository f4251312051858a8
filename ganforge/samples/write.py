"""Generated images written by one process or several, to the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from ganforge.errors import ProcessError, UsageError
from ganforge.listener import Listener
from ganforge.processes.group import ALONE, Processes
from ganforge.processes.stop import Stops
from ganforge.samples import TABLE
from ganforge.samples.folder import SampleFolder
from ganforge.samples.request import Layout, Origin, Request
from ganforge.sampling import Labels, Sampler
from ganforge.training.exchange import Exchange


def write_samples(
    sampler: Sampler,
    labels: Labels,
    origin: Origin,
    out: Path,
    listener: Listener,
    *,
    first: int = 0,
    layout: Layout = "flat",
    processes: Processes = ALONE,
) -> Path:
    """Write a PNG for each label, and `samples.csv` with a row for each; the path of the table.

    layout: `<label>_<number>.png` ("flat"), or `<class>/<number>.png` ("folders"), as torchvision's ImageFolder reads
    them. The number is that of the latent, from `first` on. Columns: file, label, class, seed, index (the latent's
    number), truncation, arithmetic (exact or fast), trained_on (phantoms or photographs), recipe (its hash), step (of
    the checkpoint), weights (first digits of their sha256).

    processes: each of which calls this with the same generator and writes its batches; files and bytes are those of
    one. The table comes when all is written. The same call again goes on where it was killed or stopped, also with
    another number of processes: batches with a picture that is missing or damaged are made again, also where the table
    is there. When nothing is missing it does nothing. Raises UsageError where `out` holds anything else, or can't be
    written; RunStopped at a signal.
    """
    folder = SampleFolder(out, Request(sampler, labels, origin, first, layout))
    with Stops(for_good=processes.size > 1) as stops, _for_user(out):
        try:
            state = processes.from_first(lambda: _opened(folder, listener))
            if state == "finished":
                if not _missing(folder.looks_whole, folder, listener, processes):
                    listener.note(f"{out} holds these images already; nothing was done.")
                    return folder.table
                processes.from_first(lambda: folder.open_again(listener.warning))
            missing = list(range(folder.request.num_batches))
            if state != "new":
                missing = _missing(folder.is_whole, folder, listener, processes)
                if done := len(labels) - sum(len(folder.request.batch(number)) for number in missing):
                    listener.note(f"{done:,} of {len(labels):,} images are there already.")
            _write(folder, missing, listener, stops, processes)
            processes.from_first(folder.finish)
        finally:
            folder.close()
    return folder.table


def _opened(folder: SampleFolder, listener: Listener) -> str:
    try:
        return folder.open(listener.warning)
    except OSError as error:
        raise UsageError(
            f"can't make the folder {folder.path}: {error.strerror}. Choose another with --out."
        ) from error


def _missing(
    is_whole: Callable[[int], bool], folder: SampleFolder, listener: Listener, processes: Processes
) -> list[int]:
    """Numbers of the batches that are not whole; each process looks at its own."""
    own = range(folder.request.num_batches)[processes.rank :: processes.size]
    looked_at = listener.progress(own, len(own), "looking at what is there")
    found = processes.gather([number for number in looked_at if not is_whole(number)])
    return sorted(number for numbers in found for number in numbers)


def _write(folder: SampleFolder, missing: list[int], listener: Listener, stops: Stops, processes: Processes) -> None:
    """Each process draws and writes its batches, one in a turn; in each turn all find out whether to stop."""
    request, exchange = folder.request, Exchange(processes, stops)
    own = missing[processes.rank :: processes.size]
    turns = -(-len(missing) // processes.size)
    writing: Future[None] | None = None
    with ThreadPoolExecutor(1) as writer, stops.deferred():
        for turn in listener.progress(range(turns), turns, "sampling"):
            if turn < len(own):
                numbers = request.batch(own[turn])
                images = request.sampler.drawn(
                    request.labels[numbers.start : numbers.stop], request.first + numbers.start
                )
                if writing is not None:
                    writing.result()
                writing = writer.submit(folder.write, own[turn], images)
            exchange.ask()
            if exchange.stopped() is not None:
                break
        if writing is not None:
            writing.result()
    processes.gather(None)  # all pictures are there
    stopped = exchange.stopped()
    if stopped is not None:
        raise stopped


@contextmanager
def _for_user(out: Path) -> Iterator[None]:
    """Within, errors say what becomes of the folder."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"can't write to {out}: {error.strerror}. It holds no {TABLE} and is incomplete; the same command goes on."
        ) from error
    except ProcessError as error:
        raise error.with_advice("What was written is whole; the same command goes on.") from error.__cause__
