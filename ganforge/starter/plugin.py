"""A plugin to begin with: an installable distribution around one small component of each kind that is wanted.

The skeletons are whole: Python files that run, in which names that begin with `mylab` are replaced.
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, entry_points, packages_distributions
from importlib.util import find_spec
from pathlib import Path

from ganforge.errors import UsageError, did_you_mean
from ganforge.plugins import GROUP
from ganforge.registry import FAMILIES, Components, hook_name
from ganforge.starter.write import refuse_existing, write_new
from ganforge.versions import package_version

SKELETONS = Path(__file__).parent / "skeletons"
#: Kinds of component of which there is a skeleton: all.
KINDS = tuple(FAMILIES)
LINE = 120
#: PEP 508, without letters that file systems take for the same.
_DISTRIBUTION = re.compile(r"[a-z0-9]|[a-z0-9][a-z0-9._-]{0,60}[a-z0-9]")
_KIND = re.compile(r'^ {4}kind: Literal\["(\w+)"\]', re.MULTILINE)
_CLASS = re.compile(r"^class (\w+)\(.*\):\n    \"\"\"(.+?)(?:\"\"\")?$", re.MULTILINE)


@dataclass(frozen=True)
class NewPlugin:
    """A distribution that was written."""

    folder: Path
    #: Family -> kind of its component, and how a recipe says it.
    kinds: dict[str, str]
    recipe_parts: dict[str, str]


def new_plugin(
    name: str, kinds: Sequence[str], folder: Path | None, components: Components, *, force: bool = False
) -> NewPlugin:
    """Write a distribution called `name` with a component of each kind.

    folder: None for one of that name in the current folder. Raises UsageError for a name that can't be one or is taken,
    OutputError where files are there already or can't be written.
    """
    kinds = list(dict.fromkeys(kinds))
    unknown = [
        f"there is no kind of component '{kind}'.{did_you_mean(kind, KINDS)}" for kind in kinds if kind not in KINDS
    ]
    if unknown or not kinds:
        raise UsageError("\n".join([*unknown, f"Kinds: {', '.join(KINDS)}."]))
    package = package_name(name)
    prefix = package.removeprefix("ganforge_")
    folder = folder if folder is not None else Path(name)
    names = Names(name, package, prefix)
    files = {folder / path: text for path, text in _files(names, kinds).items()}
    taken = sorted({kind for family in kinds for kind in _kinds_in(names, family) if kind in components[family]})
    if taken:
        raise UsageError(f"a component is called {', '.join(taken)} already. Choose another name for the plugin.")
    refuse_existing(list(files), force=force)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder. Choose another with --out.")
    write_new(files)
    return NewPlugin(
        folder,
        {family: _kinds_in(names, family)[0] for family in kinds},
        {family: _read(names, f"{family}/recipe.in") for family in kinds},
    )


def package_name(name: str) -> str:
    """The Python package of a distribution: `ganforge_mylab` for `ganforge-mylab`. Raises UsageError with a reason."""
    if not _DISTRIBUTION.fullmatch(name):
        raise UsageError(
            f"{name!r} can't be the name of a package: lower case letters, digits, and dashes between them, such as "
            "ganforge-mylab."
        )
    package = re.sub(r"[-.]+", "_", name)
    if not package.isidentifier() or keyword.iskeyword(package):
        raise UsageError(f"'{name}' can't be imported in Python as {package}. Begin it with a letter, as in mylab.")
    if package == "ganforge" or not package.removeprefix("ganforge_").isidentifier():
        raise UsageError(f"'{name}' is taken by ganforge itself. Choose a name such as ganforge-mylab.")
    reason = _taken(name, package)
    if reason:
        raise UsageError(f"'{name}' can't be used: {reason}. Choose another name, such as ganforge-{name}.")
    return package


def _taken(name: str, package: str) -> str:
    """Why a package of this name would shadow another, or nothing."""
    if package in sys.stdlib_module_names:
        return f"Python has a module {package}"
    try:
        found = distribution(name)
        return f"{found.name} {found.version} is installed"
    except PackageNotFoundError:
        pass
    if package in packages_distributions() or _is_importable(package):
        return f"a package {package} is installed"
    prefix = package.removeprefix("ganforge_")
    if prefix in {entry.name for entry in entry_points(group=GROUP)} or prefix in ("builtin", "mylab_plugin"):
        return f"a plugin '{prefix}' is installed"
    return ""


def _is_importable(package: str) -> bool:
    """Whether there is such a package. A folder of that name without Python in it is none: one may lie here."""
    spec = find_spec(package)
    return spec is not None and spec.origin is not None


class Names:
    """The names of a plugin, and texts with them in the place of those of the skeletons."""

    def __init__(self, distribution: str, package: str, prefix: str) -> None:
        self.distribution, self.package, self.prefix = distribution, package, prefix

    def put_into(self, text: str) -> str:
        text = text.replace("mylab-distribution", self.distribution).replace("mylab_plugin", self.package)
        return re.sub(r"\bmylab(?=_|\b)", self.prefix, text)


def _files(names: Names, families: Sequence[str]) -> dict[Path, str]:
    """Path in the distribution -> text."""
    kinds = [kind for family in families for kind in _kinds_in(names, family)]
    summaries = {family: _summary(names, family) for family in families}
    table = "\n".join(
        ["| kind of component | in a recipe | |", "|---|---|---|"]
        + [f"| {family} | `{_kinds_in(names, family)[0]}` | {summaries[family]} |" for family in families]
    )
    parts = "".join(f"```yaml\n{_read(names, f'{family}/recipe.in')}```\n\n" for family in families)
    commands = "\n".join(f"ganforge ls {family} {_kinds_in(names, family)[0]}" for family in families)
    project = _read(names, "common/pyproject.in").replace("{kinds}", ", ".join(kinds)).replace("{range}", _range())
    files = {
        Path("pyproject.toml"): project,
        Path("README.md"): _read(names, "common/readme.in")
        .replace("{table}", table)
        .replace("{parts}", parts.rstrip())
        .replace("{commands}", commands),
        Path(".gitignore"): _read(names, "common/gitignore.in"),
        Path(names.package, "__init__.py"): _init(names, families),
        Path(names.package, "py.typed"): "",
    }
    for family in families:
        for source in sorted((SKELETONS / family).glob("*.py")):
            place = "tests" if source.name.startswith("test_") else names.package
            files[Path(place, source.name)] = names.put_into(source.read_text(encoding="utf-8"))
    return files


def _init(names: Names, families: Sequence[str]) -> str:
    """The package's own module: the hooks by which ganforge gets the components."""
    imports = [f"from {names.package}.{family} import {_class(names, family)}" for family in sorted(families)]
    hooks = [
        f"@hookimpl\ndef {hook_name(family)}() -> list[type[{FAMILIES[family].__name__}]]:\n"
        f"    return [{_class(names, family)}]\n"
        for family in families
    ]
    bases = sorted({FAMILIES[family].__name__ for family in families})
    line = f"from ganforge.interfaces import {', '.join(bases)}"
    if len(line) > LINE:  # as formatters break it
        line = "\n".join(["from ganforge.interfaces import (", *(f"    {base}," for base in bases), ")"])
    head = [
        '"""Components for ganforge: each function below gives those of one kind."""',
        "",
        "from __future__ import annotations",
        "",
        "from ganforge import hookimpl",
        line,
        "",
        *imports,
    ]
    return "\n".join(head) + "\n\n\n" + "\n\n".join(hooks)


def _spec(names: Names, family: str) -> str:
    return _read(names, f"{family}/{family}.py")


def _kinds_in(names: Names, family: str) -> list[str]:
    return _KIND.findall(_spec(names, family))


def _class(names: Names, family: str) -> str:
    """The class of the component: the one that has the kind."""
    text = _spec(names, family)
    at = _KIND.search(text)
    assert at is not None
    return _CLASS.findall(text[: at.start()])[-1][0]


def _summary(names: Names, family: str) -> str:
    text = _spec(names, family)
    at = _KIND.search(text)
    assert at is not None
    return _CLASS.findall(text[: at.start()])[-1][1]


def _read(names: Names, path: str) -> str:
    return names.put_into((SKELETONS / path).read_text(encoding="utf-8"))


def _range() -> str:
    """Versions of ganforge that a plugin written now works with: those that differ in their last part.

    Nothing where that of this one can't be told.
    """
    now = package_version("ganforge")
    if not now:
        return ""
    major, minor = now.split(".")[:2]
    return f">={major}.{minor},<{major}.{int(minor) + 1}"
