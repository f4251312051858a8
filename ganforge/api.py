"""The verbs in Python, for notebooks and scripts: what `ganforge.run`, `ganforge.load` and the others do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch

from ganforge import plugins as discovery
from ganforge.devices import DeviceName, find_device
from ganforge.errors import RecipeError, UsageError
from ganforge.exports import Format
from ganforge.hardware import set_up_process
from ganforge.listener import Listener
from ganforge.notebook import TrainedGenerator
from ganforge.processes.join import is_launched
from ganforge.registry import Components

if TYPE_CHECKING:
    from ganforge.evaluation.score import Score

PathLike = str | Path
Device = DeviceName | torch.device
#: Values to change: `{"data.root": "/data/xrays", "training.batch": 16}`.
Overrides = Mapping[str, Any]


def load(path: PathLike, *, device: Device = "auto", plugins: Sequence[PathLike] = ()) -> TrainedGenerator:
    """The generator of a run, of one of its checkpoints, or of a folder that `ganforge export` wrote.

    Of a run it is that of the best checkpoint if it keeps one, else of the newest. plugins: Python files with
    components, beside the plugins that are installed. Raises GanforgeError; warns of what is damaged.
    """
    from ganforge.opening import open_trained

    trained = open_trained(_path("path", path), _components(plugins), _device(device), _Warns())
    return TrainedGenerator(trained)


def run(
    recipe: PathLike,
    overrides: Overrides | None = None,
    *,
    resume: Literal["auto"] | None = None,
    device: Device = "auto",
    stop_after: float | None = None,
    listener: Listener | None = None,
    plugins: Sequence[PathLike] = (),
) -> Path:
    """Train what a recipe describes, in a new folder, which comes back.

    overrides: values to change, by their keys: `{"data.root": "/data/xrays", "stages[0].steps": 100}`. resume: auto:
    continue the newest run of this very recipe, if there is one. stop_after: seconds. listener: told what goes on;
    None: printed, as the command line does. Raises GanforgeError. RunStopped, with the step saved, when the time is
    over or the kernel is interrupted: `ganforge.resume` continues in its `path`.
    """
    from ganforge.continuing import run_or_resume
    from ganforge.recipe.load import load_recipe

    _expect_alone("run RECIPE")
    _expect_one_of("resume", resume, None, "auto")
    where, limit = _device(device), _seconds(stop_after)
    loaded = load_recipe(_path("recipe", recipe), override_texts(overrides or {}), _components(plugins))
    with _told(listener) as told:
        return run_or_resume(loaded, told, where, limit, newest=resume == "auto").path


def resume(
    path: PathLike,
    overrides: Overrides | None = None,
    *,
    start: Literal["best", "newest"] | None = None,
    device: Device = "auto",
    stop_after: float | None = None,
    listener: Listener | None = None,
    plugins: Sequence[PathLike] = (),
) -> Path:
    """Continue a run that was stopped, to the same bytes; with other values, in a new folder. The folder.

    start: the checkpoint with which a new run begins, which goes on from there; as `--from` of the command line.
    Other `output.trackers` alone change nothing that was trained: the run stays in its folder. The other arguments,
    and errors, as of `run`.
    """
    from ganforge.continuing import go_on

    _expect_alone("resume RUN")
    _expect_one_of("start", start, None, "best", "newest")
    changes, folder = override_texts(overrides or {}), _path("path", path)
    where, limit = _device(device), _seconds(stop_after)
    with _told(listener) as told:
        return go_on(folder, start, changes, _components(plugins), told, where, limit).path


def score(
    path: PathLike,
    metrics: Sequence[str] = (),
    *,
    real: PathLike | None = None,
    images: int | None = None,
    seeds: int | None = None,
    equal: bool = False,
    device: Device = "auto",
    listener: Listener | None = None,
    plugins: Sequence[PathLike] = (),
) -> list[Score]:
    """Scores of a run, or of a folder of pictures, against real images: what `ganforge eval` prints.

    metrics: names of evaluators, such as "kd", or mappings as text; none: those of the recipe. real: a run or folder;
    None: the run's held-out images. images, seeds: generated images in a set, and sets. equal: as many of each class,
    in the place of the proportions of the real images. Raises GanforgeError also where an evaluator that was named
    gives no score.
    """
    from ganforge.evaluate import Wanted, evaluate

    _expect_alone("eval RUN")
    _expect_list("metrics", metrics, "names of evaluators")
    wanted = Wanted(tuple(metrics), None if real is None else str(real), None, images, seeds, equal)
    with _told(listener) as told:
        measured = evaluate(_path("path", path), wanted, _components(plugins), told, _device(device))
        measured.tell_failures(told, are_named=bool(metrics))
    return measured.scores


def export(
    path: PathLike,
    out: PathLike,
    formats: Sequence[Format] = ("safetensors",),
    *,
    licence: str = "other",
    plugins: Sequence[PathLike] = (),
) -> Path:
    """Write the generator at `path` (as for `load`) to a new folder `out`, with a model card; the folder.

    formats: "safetensors", which `load` reads, "onnx", "torch_export". licence: of the weights, an identifier of the
    Hugging Face hub. Raises GanforgeError; a graph that computes something else than the network is not written.
    """
    from ganforge.exports.write import check_request, export
    from ganforge.opening import open_trained

    _expect_list("formats", formats, "formats")
    check_request(_path("out", out), formats, licence)
    components, told = _components(plugins), _Warns()
    trained = open_trained(_path("path", path), components, torch.device("cpu"), told)
    export(trained, Path(out), formats, components, told, licence)
    return Path(out)


def override_texts(overrides: Overrides) -> list[str]:
    """`key=value` for each value, as the command line has them.

    Raises UsageError for what is no mapping, and RecipeError for what no recipe can hold.
    """
    if not isinstance(overrides, Mapping):
        raise UsageError("`overrides` must be a mapping of keys to values, such as {'seed': 1}.")
    return [f"{key}={_yaml(key, value)}" for key, value in overrides.items()]


def _yaml(key: str, value: Any) -> str:
    try:
        text = json.dumps(value, default=_plain, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise RecipeError(
            f"override '{key}': {value!r} can't stand in a recipe, which holds numbers, texts, lists and mappings."
        ) from error
    try:
        text.encode()
    except UnicodeEncodeError as error:  # os.fsdecode gives such texts
        raise RecipeError(
            f"override '{key}': {value!r} is no Unicode, and a recipe is. A file of such a name needs another."
        ) from error
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    """A character as YAML's quoted texts have what may not stand there as it is, and what JSON leaves as it is."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # numbers and arrays of numpy
        return value.tolist()
    raise TypeError(value)


def _components(files: Sequence[PathLike]) -> Components:
    _expect_list("plugins", files, "files")
    components = discovery.load([Path(file) for file in files], warn=_Warns().warning)
    for broken in components.broken:
        _Warns().warning(f"plugin '{broken.plugin}' is broken and left out: {broken.reason}")
    return components


def _device(device: Device) -> torch.device:
    """The device to compute on, in a process that computes as one of the command line does."""
    if not isinstance(device, torch.device) and device not in get_args(DeviceName):
        raise UsageError(f"`device` must be {', '.join(get_args(DeviceName))} or a torch.device, but is {device!r}.")
    set_up_process()
    return device if isinstance(device, torch.device) else find_device(device)


def _path(name: str, path: PathLike) -> Path:
    if not isinstance(path, str | Path):
        raise UsageError(f"`{name}` must be a path, but is {path!r}.")
    return Path(path)


def _seconds(stop_after: float | None) -> float | None:
    is_number = isinstance(stop_after, int | float) and not isinstance(stop_after, bool)
    if stop_after is not None and not (is_number and stop_after > 0):
        raise UsageError(f"`stop_after` must be a positive number of seconds, but is {stop_after!r}.")
    return stop_after


def _expect_alone(command: str) -> None:
    """Raise UsageError in one of several processes: each would train a run of its own, all on the same GPU."""
    if is_launched():
        raise UsageError(
            "a launcher started this process as one of several (WORLD_SIZE), and from Python one works alone. "
            f"`ganforge {command} --gpus N` divides the work among GPUs, `-m ganforge {command}` under torchrun too."
        )


def _expect_one_of(name: str, value: object, *allowed: object) -> None:
    if value not in allowed:
        raise UsageError(f"`{name}` must be one of {', '.join(map(repr, allowed))}, but is {value!r}.")


def _expect_list(name: str, values: Sequence[object], of: str) -> None:
    """Raise UsageError for a text, whose letters would be taken for its items, and for what is no list."""
    if isinstance(values, str | Path) or not isinstance(values, Sequence):
        raise UsageError(f"`{name}` must be a list of {of}, but is {values!r}.")


class _Warns(Listener):
    """Passes warnings on as Python's own."""

    def warning(self, text: str) -> None:
        import warnings

        warnings.warn(text, stacklevel=3)


@contextmanager
def _told(listener: Listener | None) -> Iterator[Listener]:
    """The listener, or one that prints what goes on."""
    if listener is not None:
        yield listener
        return
    from ganforge.telling.display import choose_display
    from ganforge.telling.narrator import Narrator
    from ganforge.telling.output import Output

    with Narrator(choose_display(Output())) as narrator:
        yield narrator
