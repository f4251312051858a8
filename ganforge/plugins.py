"""Discovery of plugins: entry points, files given by hand, blocking, and a table of those that are broken."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path
from types import ModuleType

import pluggy

from ganforge import builtin, hookspecs
from ganforge.errors import PluginError
from ganforge.registry import FAMILIES, BrokenPlugin, Components, Origin, hook_name

GROUP = "ganforge"


def load(files: Sequence[Path] = (), blocked: Iterable[str] = ()) -> Components:
    """All components of the core, of the installed plugins, and of the given files.

    An installed plugin that fails to import or to register is rolled back and listed in `Components.broken`;
    the others keep working. A file given by hand that fails is a PluginError, as is a name that is taken.
    """
    components = Components()
    register(components, builtin, Origin("builtin", "ganforge", _version("ganforge")))
    blocked = set(blocked)
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        if entry.name not in blocked:
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
        raise PluginError(f"plugin '{origin.plugin}' ({origin}): {error}") from error
    found = []
    for family in FAMILIES:
        try:
            results = getattr(manager.hook, hook_name(family))()
        except Exception as error:
            raise PluginError(f"plugin '{origin.plugin}' ({origin}): {hook_name(family)} raised {error!r}") from error
        found += [(family, spec) for specs in results for spec in specs]
    names = [(family, spec.kind_name()) for family, spec in found]
    trial = Components()
    for (family, spec), (_, name) in zip(found, names, strict=True):
        trial[family].add(spec, origin)
        if name in components[family]:
            components[family].add(spec, origin)  # raises, naming both plugins
    for family, spec in found:
        components[family].add(spec, origin)
    components.plugins.append(origin)


def _load_entry_point(components: Components, entry: EntryPoint) -> None:
    distribution = entry.dist.name if entry.dist else "unknown"
    origin = Origin(entry.name, distribution, entry.dist.version if entry.dist else "")
    try:
        register(components, entry.load(), origin)
    except PluginError as error:
        components.broken.append(BrokenPlugin(entry.name, str(origin), str(error)))
    except Exception as error:  # whatever a third party's import raises must not stop the others
        components.broken.append(BrokenPlugin(entry.name, str(origin), f"{type(error).__name__}: {error}"))


def _import_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise PluginError(f"there is no plugin file {file}.")
    name = f"ganforge_file_{file.stem}_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise PluginError(f"{file} failed to import: {type(error).__name__}: {error}") from error
    return module


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
