"""A new plugin is whole: it installs, its components are found, its tests pass, its code is clean."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from tiny import TINY_RECIPE

from ganforge import plugins
from ganforge.errors import OutputError, UsageError
from ganforge.registry import FAMILIES, Components, hook_name
from ganforge.starter.plugin import KINDS, new_plugin, package_name


def installed(folder: Path, site: Path) -> None:
    """The metadata that `pip install -e` writes, made from the distribution's pyproject.toml."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    entries = project["entry-points"]["ganforge"]
    lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
    (info / "entry_points.txt").write_text(f"[ganforge]\n{lines}")


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def all_kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin with a component of each kind."""
    made = new_plugin("ganforge-acme", KINDS, tmp_path_factory.mktemp("new") / "acme", plugins.load())
    assert tuple(made.kinds) == KINDS
    return made.folder


def test_there_is_a_skeleton_of_every_kind() -> None:
    assert tuple(FAMILIES) == KINDS
    assert len(KINDS) == 18


def test_components_of_all_kinds_are_found_under_the_prefix(all_kinds: Path, tmp_path: Path) -> None:
    """In a process of its own, which ends with the modules that it imported."""
    installed(all_kinds, tmp_path)
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(all_kinds)!r}]\n"
        "from ganforge import plugins\n"
        "found = plugins.load()\n"
        "assert found.broken == [], found.broken\n"
        "for family, registry in found.registries.items():\n"
        "    print(family, *(name for name, _, origin in registry if str(origin) == 'ganforge-acme 0.1.0'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = dict(line.split(" ") for line in done.stdout.splitlines())
    assert list(found) == list(FAMILIES)
    assert all(name.startswith("acme_") for name in found.values())


def test_the_recipe_parts_of_the_readme_are_valid_in_a_recipe(all_kinds: Path, tmp_path: Path) -> None:
    """Each alone, laid over a sound recipe; in a process of its own, which ends with the modules that it imported."""
    installed(all_kinds, tmp_path)
    parts = re.findall(r"^```yaml\n(.*?)^```$", (all_kinds / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(parts) == len(KINDS)
    (tmp_path / "recipe.yaml").write_text(TINY_RECIPE.format(root="pictures", runs="runs"))
    (tmp_path / "parts.json").write_text(json.dumps(parts))
    program = (
        f"import json, sys; sys.path[:0] = [{str(tmp_path)!r}, {str(all_kinds)!r}]\n"
        "from pathlib import Path\n"
        "from ganforge import plugins\n"
        "from ganforge.recipe import yaml\n"
        "from ganforge.recipe.nodes import DEFAULT\n"
        "from ganforge.recipe.models import Recipe\n"
        "def parsed(text): return yaml.parse(text, lambda line, column: DEFAULT).plain()\n"
        "def laid(old, new):\n"
        "    both = isinstance(old, dict) and isinstance(new, dict) and 'kind' not in new\n"
        "    return {**old, **{k: laid(old.get(k), v) for k, v in new.items()}} if both else new\n"
        f"folder, components = Path({str(tmp_path)!r}), plugins.load()\n"
        "base = parsed((folder / 'recipe.yaml').read_text())\n"
        "for part in json.loads((folder / 'parts.json').read_text()):\n"
        "    recipe = Recipe.model_validate(laid(base, parsed(part)), context={'components': components})\n"
        "    print('acme_' in str(recipe.model_dump()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["True"] * len(KINDS), "")


def test_the_tests_of_all_kinds_pass(all_kinds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(all_kinds), prepend=":")
    done = command(all_kinds, "pytest", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("23 passed")


def test_the_code_of_all_kinds_is_clean(all_kinds: Path) -> None:
    """By the settings of its own pyproject.toml; its types are checked with those of ganforge, by `make check`."""
    for words in (("ruff", "check", "--no-cache", "."), ("ruff", "format", "--no-cache", "--check", ".")):
        done = command(all_kinds, *words)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_alone_is_whole_as_well(kind: str, tmp_path: Path, components: Components) -> None:
    made = new_plugin("mine", [kind], tmp_path / "mine", components)
    folder, name = made.folder, made.kinds[kind]
    assert name.startswith("mine_")
    written = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert {f"mine/{kind}.py", f"tests/test_{kind}.py", "mine/__init__.py", "pyproject.toml"} <= set(written)
    assert f"check_{kind}(" in written[f"tests/test_{kind}.py"]
    assert f"def {hook_name(kind)}()" in written["mine/__init__.py"]
    assert f"`{name}`" in written["README.md"]
    assert f"kind: {name}" in made.recipe_parts[kind] and made.recipe_parts[kind] in written["README.md"]
    assert not [path for path, text in written.items() if "mylab" in text or "{" in path]
    for path, text in written.items():
        if path.endswith(".py"):
            compile(text, path, "exec")
    project = tomllib.loads(written["pyproject.toml"])["project"]
    assert project["dependencies"] == ["ganforge>=0.1,<0.2"]
    assert project["entry-points"]["ganforge"] == {"mine": "mine"}
    assert "license" not in project


@pytest.mark.parametrize(
    ("name", "package"),
    [("ganforge-mylab", "ganforge_mylab"), ("mylab", "mylab"), ("a.b-c_d", "a_b_c_d"), ("x1", "x1")],
)
def test_a_distribution_names_its_package(name: str, package: str) -> None:
    assert package_name(name) == package


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "can't be the name of a package"),
        ("My Lab", "can't be the name of a package"),
        ("-x", "can't be the name of a package"),
        ("../x", "can't be the name of a package"),
        ("ünï", "can't be the name of a package"),
        ("x" * 80, "can't be the name of a package"),
        ("3d", "can't be imported in Python as 3d"),
        ("class", "can't be imported in Python as class"),
        ("ganforge", "is taken by ganforge itself"),
        ("ganforge-", "can't be the name of a package"),
        ("ganforge-3", "is taken by ganforge itself"),
        ("json", "Python has a module json"),
        ("torch", "is installed"),
        ("pydantic-core", "is installed"),
        ("ganforge-fid", "is installed"),
        ("flowers", "a plugin 'flowers' is installed"),
    ],
)
def test_names_that_would_shadow_something_are_refused(name: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        package_name(name)
    assert reason in str(caught.value)


@pytest.mark.parametrize("kinds", [["blok"], []])
def test_unknown_kinds_are_met_with_those_that_there_are(kinds: Sequence[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Kinds: block, mapping, depth,"):
        new_plugin("mine", kinds, tmp_path / "mine", Components())
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over_without_force(tmp_path: Path) -> None:
    folder = new_plugin("mine", ["depth"], tmp_path / "mine", Components()).folder
    (folder / "mine" / "depth.py").write_text("mine")
    with pytest.raises(OutputError, match=r"depth\.py"):
        new_plugin("mine", ["depth"], folder, Components())
    assert (folder / "mine" / "depth.py").read_text() == "mine"
    new_plugin("mine", ["depth"], folder, Components(), force=True)
    assert "class Middle" in (folder / "mine" / "depth.py").read_text()


def test_a_component_whose_name_is_taken_is_refused(components: Components, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a component is called r_1_gate already"):
        trial = Components()
        trial["block"].add(*_gate(tmp_path))
        new_plugin("r-1", ["block"], tmp_path / "new", trial)


def _gate(tmp_path: Path):
    """A block called r_1_gate, as the plugin r-1 would have."""
    file = tmp_path / "plugin.py"
    file.write_text(
        "from typing import Literal\nfrom ganforge import hookimpl\nfrom ganforge.interfaces import BlockSpec\n"
        'class G(BlockSpec):\n    """G."""\n    kind: Literal["r_1_gate"] = "r_1_gate"\n'
        "    def out_shape(self, shape): return shape\n    def build(self, shape, style_dim): ...\n"
        "@hookimpl\ndef ganforge_blocks(): return [G]\n"
    )
    found = {name: (spec, origin) for name, spec, origin in plugins.load([file])["block"]}
    return found["r_1_gate"]
