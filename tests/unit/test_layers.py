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


class Run(ast.NodeTransformer):
    """Leaves out what type checkers alone read."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(Run().visit(ast.parse(path.read_text(encoding="utf-8")))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relative to itself"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_two_parts_import_each_other() -> None:
    imports = {
        (path.relative_to(ROOT).parts[0].removesuffix(".py"), name.split(".")[1])
        for path in SOURCES
        for name in imported(path)
        if name.startswith("ganforge.")
    }
    assert len(imports) > 200
    assert [(a, b) for a, b in sorted(imports) if a < b and (b, a) in imports] == []


@pytest.mark.parametrize("package", USED_BY)
def test_a_package_is_imported_by_its_users_alone(package: str) -> None:
    users = {
        path.relative_to(ROOT).parts[0]
        for path in SOURCES
        if any(f"{name}.".startswith(f"{package}.") for name in imported(path))
    }
    assert users == USED_BY[package]
