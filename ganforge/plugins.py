"""Discovery of plugins: entry points, files given by hand, blocking, and a table of those that are broken."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from ganforge import builtin, hookspecs
from ganforge.errors import PluginError, did_you_mean
from ganforge.registry import FAMILIES, BrokenPlugin, Components, Origin, hook_name
from ganforge.versions import package_version

GROUP = "ganforge"
#: Seconds after which a plugin that is still being imported is named.
PATIENCE = 15.0


def load(
    files: Sequence[Path] = (), blocked: Iterable[str] = (), warn: Callable[[str], None] = lambda text: None
) -> Components:
    """All components of the core, of the installed plugins, and of the given files.

    An installed plugin that fails to import or to register is rolled back and listed in `Components.broken`;
    the others keep working. A file given by hand that fails is a PluginError, as is a name that is taken, and the
    name of a blocked plugin that is not installed.

    warn: told of an installed plugin whose import takes long, from another thread, while it does.
    """
    components = Components()
    register(components, builtin, Origin("builtin", "ganforge", package_version("ganforge")))
    entries = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    blocked = set(blocked)
    _refuse_unknown(blocked, {entry.name for entry in entries})
    for entry in entries:
        if entry.name not in blocked:
            with _named_if_slow(entry, warn):
                _load_entry_point(components, entry)
    for file in files:
        register(components, _import_file(file), Origin(file.stem, str(file), ""))
    return components


def register(components: Components, module: ModuleType, origin: Origin) -> None:
    """Add what the hooks of one plugin return: all of it, or nothing and a PluginError."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, origin.plugin)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(f"plugin '{origin.plugin}' ({origin}): {error}{_nearest_hook(str(error))}") from error
    found = [(family, spec) for family in FAMILIES for spec in _returned(manager, family, origin)]
    trial = Components()
    for family, spec in found:
        trial[family].add(spec, origin)
        if spec.kind_name() in components[family]:
            components[family].add(spec, origin)  # raises, naming both plugins
    for family, spec in found:
        components[family].add(spec, origin)
    components.plugins.append(origin)


def _returned(manager: pluggy.PluginManager, family: str, origin: Origin) -> list[Any]:
    """What the plugin's hook of this family returns, unchecked; nothing where it has none."""
    hook = hook_name(family)
    try:
        results = getattr(manager.hook, hook)()
    except (Exception, SystemExit) as error:  # whatever a third party's code raises is a fault of that plugin
        raise PluginError(f"plugin '{origin.plugin}' ({origin}): {hook} raised {error!r}") from error
    for result in results:
        if not isinstance(result, list | tuple):
            raise PluginError(f"plugin '{origin.plugin}' ({origin}): {hook} returned {result!r}, which is no list.")
    return [spec for result in results for spec in result]


def _nearest_hook(message: str) -> str:
    unknown = re.search(r"unknown hook '(\w+)'", message)
    return f".{did_you_mean(unknown[1], map(hook_name, FAMILIES))}" if unknown else ""


def _refuse_unknown(blocked: set[str], installed: set[str]) -> None:
    if unknown := sorted(blocked - installed):
        known = ", ".join(sorted(installed)) or "none"
        raise PluginError(
            f"no installed plugin is called '{unknown[0]}', so it can't be blocked."
            f"{did_you_mean(unknown[0], installed)} Installed: {known}."
        )


def _load_entry_point(components: Components, entry: EntryPoint) -> None:
    distribution = entry.dist.name if entry.dist else "unknown"
    origin = Origin(entry.name, distribution, entry.dist.version if entry.dist else "")
    try:
        register(components, entry.load(), origin)
    except PluginError as error:
        components.broken.append(BrokenPlugin(entry.name, str(origin), str(error)))
    except (Exception, SystemExit) as error:  # whatever a third party's import raises must not stop the others
        components.broken.append(BrokenPlugin(entry.name, str(origin), f"{type(error).__name__}: {error}"))


@contextmanager
def _named_if_slow(entry: EntryPoint, warn: Callable[[str], None]) -> Iterator[None]:
    """Within, a plugin that hangs is named: else a user sees a command that does nothing, and not why."""
    text = (
        f"plugin '{entry.name}' has been importing for {PATIENCE:.0f} s. If it hangs, stop it by Ctrl-C; "
        f"`--block {entry.name}` leaves it out."
    )
    timer = threading.Timer(PATIENCE, warn, (text,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _import_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise PluginError(f"there is no plugin file {file}.")
    name = f"ganforge_file_{file.stem}_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic looks the names in annotations up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise PluginError(f"{file} failed to import: {type(error).__name__}: {error}") from error
    return module
