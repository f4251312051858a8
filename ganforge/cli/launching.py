"""A verb that several processes can share, as one process or as one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ganforge.cli.errors import INTERRUPTED, say, say_warning
from ganforge.cli.options import Settings
from ganforge.devices import DeviceName
from ganforge.errors import DivergedError, GanforgeError, ProcessError, RecipeError, UsageError
from ganforge.listener import Listener
from ganforge.processes.group import ALONE, Processes
from ganforge.processes.join import TIMEOUT_S, is_launched, joined

if TYPE_CHECKING:
    from ganforge.telling.narrator import Narrator
    from ganforge.telling.output import Output

Gpus = Annotated[
    str | None,
    typer.Option("--gpus", metavar="N", help="Divide it among N GPUs, all (auto), or N processes without (cpu:N)."),
]
MaxRestarts = Annotated[
    int, typer.Option("--max-restarts", min=0, metavar="N", help="Start lost processes again, with --gpus; N times.")
]
Patience = Annotated[
    str | None,
    typer.Option(
        "--patience",
        metavar="TIME",
        help=f"Stop when one process has waited so long for another. Default: {TIMEOUT_S / 60:g}m.",
    ),
]


def option(name: str, value: object) -> list[str]:
    """The words of an option, none where it is not given."""
    return [] if value is None else [name, str(value)]


def launched(
    settings: Settings,
    words: Sequence[str],
    gpus: str | None,
    device: DeviceName,
    max_restarts: int = 0,
    patience: str | None = None,
    advice: str = "What was saved is whole; `ganforge resume RUN` goes on.",
) -> DeviceName:
    """The device on which this process computes, where no others are wanted.

    Else starts `ganforge WORDS` once for each process, and exits as they do. advice: what to do when all were killed.
    Raises UsageError.
    """
    from ganforge.processes.launch import count_processes, launch

    if gpus is None:
        if max_restarts:
            raise UsageError("--max-restarts goes with --gpus, which starts processes; torchrun has one of its own.")
        if patience and not is_launched():
            raise UsageError(
                "--patience is with other processes, and this one is alone: it goes with --gpus or torchrun."
            )
        return device
    if is_launched():
        raise UsageError("--gpus starts processes, but this one was started beside others already: leave --gpus out.")
    size, on_cpu = count_processes(gpus)
    if device != "auto" and on_cpu != (device == "cpu"):
        raise UsageError(f"--gpus {gpus} and --device {device} don't go together: leave --device out.")
    name: DeviceName = "cpu" if on_cpu else "cuda"
    if size == 1:
        _tell_unused(gpus, max_restarts, patience)
        return name
    raise typer.Exit(launch([*settings.words(), *words, "--device", name], size, max_restarts, advice))


def _tell_unused(gpus: str, max_restarts: int, patience: str | None) -> None:
    """Of options for several processes where there is one: an error, but for `auto` a warning."""
    given = {"--max-restarts": max_restarts, "--patience": patience}
    unused = " and ".join(name for name, value in given.items() if value)
    if unused:
        text = f"--gpus {gpus} starts no other process here, so that {unused} would have no effect."
        if gpus != "auto":
            raise UsageError(text)
        say_warning(text)


@contextmanager
def taking_part(
    settings: Settings,
    device: DeviceName,
    threads: int | None,
    silence: float | None = None,
    output: Output | None = None,
    stopped: str | None = None,
) -> Iterator[tuple[Processes, Listener]]:
    """This process among those that share a verb, and who is told: a narrator on the first, nobody on the others.

    silence: seconds after which a process that sends nothing is given up. output: of the narrator. stopped: what is
    said behind the reason when the verb was stopped; None: how to resume the run. Of what ends all, one tells.
    """
    from ganforge.telling.display import choose_display
    from ganforge.telling.narrator import Narrator
    from ganforge.telling.output import Output

    processes, output = ALONE, output or Output()
    try:
        with joined(silence or TIMEOUT_S) as processes:
            if not processes.is_first:
                yield processes, Listener()
                return
            with Narrator(choose_display(output), settings.command, _again(processes, device, threads)) as narrator:
                try:
                    yield processes, narrator
                except KeyboardInterrupt as stop:
                    reason = getattr(stop, "reason", "")
                    by = f" by {reason}" if reason else ""
                    narrator.display.close()  # the bar, which would take the same line
                    say(f"stopped{by}{_how_to_resume(narrator) if stopped is None else stopped}")
                    raise
    except KeyboardInterrupt as stop:
        raise typer.Exit(getattr(stop, "exit_code", INTERRUPTED)) from stop
    except Exception as error:
        if not processes.tells(error):
            raise typer.Exit(error.exit_code if isinstance(error, GanforgeError) else 1) from error
        # the others come to all processes alike, or say themselves whose they are
        if not processes.is_first and not isinstance(error, RecipeError | DivergedError | ProcessError):
            say(f"{processes.name}:")
        raise


def _again(processes: Processes, device: DeviceName, threads: int | None) -> list[str]:
    """Options of the command that continues: a run that goes on elsewhere is no longer the same to the last bit."""
    among = option("--threads", threads)
    if processes.size == 1:
        return [*(["--device", device] if device != "auto" else []), *among]
    import torch

    on_cpu = device == "cpu" or not torch.cuda.is_available()
    return ["--gpus", processes.gpus(on_cpu=on_cpu), *among]


def _how_to_resume(narrator: Narrator) -> str:
    command = narrator.resume_command()
    return f"; continue with `{command}`" if command else " before the run began"
