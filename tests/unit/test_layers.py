"""The command line stands on the library, and not the other way round."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import ganforge

ROOT = Path(ganforge.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
#: Package -> the only parts of ganforge whose modules import it. `__main__` is the command.
USED_BY = {
    "ganforge.cli": {"cli", "__main__.py"},
    "typer": {"cli"},
    "rich": {"telling"},
    "ganforge.telling": {"cli", "telling", "api.py"},
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relative to itself"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", USED_BY)
def test_a_package_is_imported_by_its_users_alone(package: str) -> None:
    users = {
        path.relative_to(ROOT).parts[0]
        for path in SOURCES
        if any(f"{name}.".startswith(f"{package}.") for name in imported(path))
    }
    assert users == USED_BY[package]
