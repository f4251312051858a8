"""No source of the project can run what it reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("ganforge", "plugins", "benchmarks", "studies")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "tests" not in path.relative_to(ROOT).parts and "build" not in path.relative_to(ROOT).parts
]
FORBIDDEN_MODULES = {"cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "telnetlib"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}


def faults(tree: ast.AST) -> Iterator[str]:
    """What could run code that was read from a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (name for name in names if name.split(".")[0] in FORBIDDEN_MODULES)
        if isinstance(node, ast.ImportFrom) and node.module == "pickle":
            yield ast.unparse(node)
        # its errors and its magic number may be known by name
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("pickle.load", "pickle.loads", "pickle.Unpickler"):
            yield ast.unparse(node)
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            if name in FORBIDDEN_CALLS or given.get("shell") == "True" or given.get("allow_pickle") == "True":
                yield ast.unparse(node)
            if name == "torch.load" and given.get("weights_only") != "True":
                yield ast.unparse(node)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_read_can_run_code(path: Path) -> None:
    assert list(faults(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_all_sources_are_looked_at() -> None:
    assert len(SOURCES) > 150


@pytest.mark.parametrize(
    "code",
    [
        "pickle.load(file)",
        "class Mine(pickle.Unpickler): ...",
        "from pickle import loads",
        "from yaml import load",
        "eval(text)",
        "os.system(text)",
        "subprocess.run(text, shell=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
    ],
)
def test_the_look_finds_what_is_forbidden(code: str) -> None:
    assert len(list(faults(ast.parse(code)))) == 1
