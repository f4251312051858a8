"""The documentation says what the code does: hooks are listed, how-tos run."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from ganforge import hookspecs
from ganforge.plugins import load
from ganforge.registry import FAMILIES, Components, hook_name
from ganforge.starter.plugin import new_plugin

ROOT = Path(__file__).parents[3]
HOWTOS = {kind: kind for kind in ("block", "depth", "dataset", "evaluator", "extractor", "source")}


def python_blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def test_every_hook_is_documented_with_its_base_class() -> None:
    text = (ROOT / "docs" / "hooks.md").read_text()
    documented = re.findall(r"^## `(\w+)\(\)`$", text, re.MULTILINE)
    hooks = [name for name, _ in inspect.getmembers(hookspecs, inspect.isfunction) if name.startswith("ganforge_")]
    assert sorted(documented) == sorted(hooks) == sorted(hook_name(family) for family in FAMILIES)
    for family, base in FAMILIES.items():
        section = text.split(f"## `{hook_name(family)}()`")[1].split("\n## ")[0]
        assert inspect.getdoc(getattr(hookspecs, hook_name(family))) in section
        assert f"`list[type[{base.__name__}]]`" in section


def test_there_is_a_howto_for_each_kind_that_the_docs_promise() -> None:
    assert sorted(path.stem for path in (ROOT / "docs" / "howto").glob("*.md")) == sorted(HOWTOS)


@pytest.mark.parametrize("howto", [kind for kind in HOWTOS if kind != "block"])
def test_howto_runs_and_its_component_is_registered(howto: str, tmp_path: Path) -> None:
    plugin, check = python_blocks(ROOT / "docs" / "howto" / f"{howto}.md")
    file = tmp_path / f"mylab_{howto}.py"
    file.write_text(plugin)
    components = load(files=[file])
    assert [name for name, _, _ in components[HOWTOS[howto]] if name.startswith("mylab_")]
    namespace: dict[str, object] = {"__name__": "howto"}
    exec(compile(plugin, str(file), "exec"), namespace)
    exec(compile(check, f"docs/howto/{howto}.md", "exec"), namespace)


def test_the_howto_of_a_block_shows_the_package_that_the_command_writes(tmp_path: Path) -> None:
    """Every file of it with code; that their tests pass is a test of the starter."""
    page = ROOT / "docs" / "howto" / "block.md"
    made = new_plugin("ganforge-mylab", ["block"], tmp_path / "ganforge-mylab", Components())
    shown = python_blocks(page)
    written = {path.relative_to(made.folder).as_posix(): path.read_text() for path in made.folder.rglob("*.py")}
    assert len(written) == 4 and sorted(shown) == sorted(written.values())
    assert all(f"`{name}`" in page.read_text() for name in written)
    assert f"```yaml\n{made.recipe_parts['block'].rstrip()}\n```" in page.read_text()
    (entry,) = re.findall(r"^```toml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    assert entry in (made.folder / "pyproject.toml").read_text()


@pytest.mark.parametrize("howto", HOWTOS)
def test_a_howto_begins_with_the_command_that_writes_one(howto: str) -> None:
    lines = (ROOT / "docs" / "howto" / f"{howto}.md").read_text().splitlines()
    assert lines[2].startswith(f"`ganforge new plugin ganforge-mylab --kind {howto}` writes")


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/first_run.md",
        "docs/start.md",
        "docs/concepts.md",
        "docs/hooks.md",
        "docs/data.md",
        "docs/evaluation.md",
        "docs/report.md",
        "docs/scaling.md",
        "docs/howto/source.md",
        "SECURITY.md",
        "docs/python.md",
        "docs/export.md",
        "docs/trackers.md",
    ],
)
def test_links_and_pictures_of_a_page_are_there(page: str) -> None:
    path = ROOT / page
    targets = re.findall(r"\]\(([^)#]+)\)", path.read_text())
    missing = [target for target in targets if "://" not in target and not (path.parent / target).exists()]
    assert targets and not missing


@pytest.mark.parametrize(
    ("section", "program"), [("Run", "ganforge run recipes/dr_transfer_cgan.yaml"), ("Test", "pytest")]
)
def test_the_readme_has_one_command_to_run_and_one_to_test(section: str, program: str) -> None:
    text = (ROOT / "README.md").read_text().split(f"## {section}\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (line,) = block.splitlines()
    assert program in line and "pip install" in line


def test_every_test_that_the_page_on_reliability_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "reliability.md").read_text()))
    files = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/test_*.py")]
    defined = {name for file in files for name in re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE)}
    assert len(named) > 30
    assert named - defined == set()
