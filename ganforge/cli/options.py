"""The options that every verb takes, in front of the verb or behind it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

import typer

from ganforge.cli.completion import complete_recipe, complete_run
from ganforge.cli.errors import reported, say_warning
from ganforge.devices import DeviceName, find_device
from ganforge.errors import PluginError
from ganforge.telling import commands

if TYPE_CHECKING:
    import torch

    from ganforge.registry import Components

PluginFiles = Annotated[
    list[Path] | None,
    typer.Option("-p", "--plugin", metavar="FILE", help="Python file with a plugin; may be repeated."),
]
Blocked = Annotated[
    list[str] | None,
    typer.Option("--block", metavar="PLUGIN", help="Installed plugin to leave out; may be repeated."),
]
Strict = Annotated[bool, typer.Option("--strict-plugins", help="Stop if an installed plugin is broken.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]

Recipe = Annotated[
    Path, typer.Argument(metavar="RECIPE", help="YAML file with the recipe.", autocompletion=complete_recipe)
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Values to change, such as training.batch=16 or stages[0].steps=100."),
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.", autocompletion=complete_run)]
Trained = Annotated[
    Path,
    typer.Argument(
        metavar="RUN", help="Folder of a run, of one of its checkpoints, or of an export.", autocompletion=complete_run
    ),
]
Device = Annotated[DeviceName, typer.Option("--device", help="Where to compute; auto: on the GPU if there is one.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, max=1024, metavar="N", help="Processor threads.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@dataclass(frozen=True)
class Settings:
    """What the options say that every verb takes."""

    plugin_files: tuple[Path, ...] = ()
    blocked: tuple[str, ...] = ()
    strict: bool = False
    debug: bool = False

    def plus(self, other: Settings) -> Settings:
        """Both together: what stood in front of the verb, and what stood behind it."""
        files = tuple(dict.fromkeys(self.plugin_files + other.plugin_files))
        blocked = tuple(dict.fromkeys(self.blocked + other.blocked))
        return Settings(files, blocked, self.strict or other.strict, self.debug or other.debug)

    def components(self, *, warn: bool = True) -> Components:
        """All components. Raises PluginError, UsageError; a broken plugin is a warning without `--strict-plugins`."""
        from ganforge import plugins

        components = plugins.load(self.plugin_files, self.blocked, say_warning)
        reasons = [f"plugin '{broken.plugin}' ({broken.distribution}): {broken.reason}" for broken in components.broken]
        if reasons and self.strict:
            raise PluginError("\n".join(reasons))
        if warn:
            for broken in components.broken:
                say_warning(f"plugin '{broken.plugin}' is broken and left out; `ganforge plugins` says why.")
        return components

    def command(self, *words: object) -> str:
        """A ganforge command with the same plugins, quoted for a shell."""
        return commands.command(*self._plugin_words(), *words)

    def words(self) -> list[str]:
        """The same settings, as words for another ganforge."""
        flags = [*(["--strict-plugins"] if self.strict else []), *(["--debug"] if self.debug else [])]
        return [*(str(word) for word in self._plugin_words()), *flags]

    def _plugin_words(self) -> list[object]:
        files = [word for file in self.plugin_files for word in ("-p", file)]
        blocked = [word for name in self.blocked for word in ("--block", name)]
        return [*files, *blocked]


def choose_device(name: DeviceName, threads: int | None) -> torch.device:
    """The device to compute on. Raises UsageError for a GPU that isn't there."""
    from ganforge.hardware import set_up_process

    set_up_process(threads)
    return find_device(name)


def not_empty(text: str) -> str:
    """A path as it was given: `--out "$FOLDER"` with an unset variable must not mean the current folder."""
    if not text.strip():
        raise typer.BadParameter(f"must be a path, not {text!r}.")
    return text


def _path(text: str) -> Path:
    return Path(not_empty(text))


def _names_paths(annotation: Any) -> bool:
    return annotation is Path or any(map(_names_paths, get_args(annotation)))


def _with_paths(parameter: inspect.Parameter) -> inspect.Parameter:
    """The parameter, which takes no empty path where it takes paths."""
    if get_origin(parameter.annotation) is not Annotated or not _names_paths(parameter.annotation):
        return parameter
    kind, info = get_args(parameter.annotation)
    info = copy(info)
    info.parser = _path
    return parameter.replace(annotation=Annotated[kind, info])


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """A typer command from `function(settings, ...)`: adds the options of every verb, and reports errors."""
    _, *own = inspect.signature(function, eval_str=True).parameters.values()

    def call(
        context: typer.Context,
        plugin: PluginFiles,
        block: Blocked,
        strict_plugins: Strict,
        debug: Debug,
        **arguments: Any,
    ) -> None:
        settings: Settings = context.obj
        settings = settings.plus(Settings(tuple(plugin or ()), tuple(block or ()), strict_plugins, debug))
        with reported(settings.debug):
            function(settings, **arguments)

    keyword = inspect.Parameter.KEYWORD_ONLY
    common = {"plugin": (PluginFiles, None), "block": (Blocked, None), "strict_plugins": (Strict, False)}
    common["debug"] = (Debug, False)
    parameters = [
        inspect.Parameter("context", keyword, annotation=typer.Context),
        *(parameter.replace(kind=keyword) for parameter in own),
        *(inspect.Parameter(name, keyword, default=default, annotation=a) for name, (a, default) in common.items()),
    ]
    parameters = [_with_paths(parameter) for parameter in parameters]
    call.__name__, call.__doc__ = function.__name__, function.__doc__
    # typer reads both, and needs the annotations as objects
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call
