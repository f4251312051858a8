"""The verb that measures generated images: eval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ganforge.cli.completion import complete_run
from ganforge.cli.launching import Gpus, launched, option, taking_part
from ganforge.cli.options import AsJson, Device, Settings, Threads, choose_device, not_empty

What = Annotated[
    Path,
    typer.Argument(metavar="RUN|FOLDER", help="Run, or a folder of generated pictures.", autocompletion=complete_run),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metrics",
        metavar="KINDS",
        help="Evaluators: kd,fd or one mapping such as '{kind: fid, weights: FILE}'; may be repeated. "
        "Default: those of the run's recipe, else all that need no field.",
    ),
]
Real = Annotated[
    str | None,
    typer.Option(
        "--real",
        metavar="RUN|FOLDER",
        parser=not_empty,
        help="Real images: a run's held-out ones, a folder, or '{kind: DATASET, ...}'. Default: those of the run.",
    ),
]
Train = Annotated[
    str | None,
    typer.Option(
        "--train",
        metavar="FOLDER",
        parser=not_empty,
        help="What the generator was trained on, for evaluators that ask. A run knows it.",
    ),
]
Images = Annotated[
    int | None,
    typer.Option("--images", min=2, max=1_000_000, metavar="N", help="Images to generate. Default: as the recipe."),
]
Seeds = Annotated[
    int | None,
    typer.Option("--seeds", min=1, max=100, metavar="N", help="Sets of images to generate. Default: as the recipe."),
]
Equal = Annotated[
    bool,
    typer.Option(
        "--equal", help="As many images of each class, e.g. to see if filling up rare ones helps a classifier."
    ),
]
Resolution = Annotated[
    int | None,
    typer.Option("--resolution", min=4, max=4096, metavar="PIXELS", help="Side to which both folders are brought."),
]


def evaluate(
    settings: Settings,
    what: What,
    metrics: Metrics = None,
    real: Real = None,
    train: Train = None,
    images: Images = None,
    seeds: Seeds = None,
    equal: Equal = False,
    resolution: Resolution = None,
    as_json: AsJson = False,
    device: Device = "auto",
    threads: Threads = None,
    gpus: Gpus = None,
) -> None:
    """Measure generated images against real ones. Those of a run, or of any folder of pictures."""
    words = ["eval", str(what), *(word for text in metrics or () for word in ("--metrics", text))]
    words += [*option("--real", real), *option("--train", train), *option("--images", images)]
    words += [*option("--seeds", seeds), *(["--equal"] if equal else []), *option("--resolution", resolution)]
    words += [*(["--json"] if as_json else []), *option("--threads", threads)]
    device = launched(settings, words, gpus, device, advice="Nothing was measured.")
    from ganforge.telling.output import Output, error_output
    from ganforge.telling.scores import show_scores

    output = Output()
    told = error_output() if as_json else output
    with taking_part(settings, device, threads, output=told, stopped="") as (processes, listener):
        from ganforge.evaluate import Wanted, evaluate

        wanted = Wanted(tuple(metrics or ()), real, train, images, seeds, equal, resolution)
        components = settings.components(warn=processes.is_first)
        place = choose_device(device, threads)
        measured = evaluate(what, wanted, components, listener, place, processes)
    if not processes.is_first:
        return
    if as_json:
        output.raw(json.dumps([score.as_dict() for score in measured.scores], indent=2, allow_nan=False) + "\n")
    else:
        show_scores(measured.scores, output)
    measured.tell_failures(listener, are_named=bool(metrics))
