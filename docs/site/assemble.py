"""Puts the sources of the site together: the pages of docs/, and pages made of what stands elsewhere.

`python docs/site/assemble.py FOLDER`: README and its neighbours, recipes, components and decisions become pages in
FOLDER, with links that lead to pages there. Sphinx then builds the site from it.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from ganforge import plugins
from ganforge.cli.fields import fields_of
from ganforge.interfaces import Component
from ganforge.registry import FAMILIES, Components

ROOT = Path(__file__).parents[2]
#: Files of the repository -> the pages that show them.
MOVED = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "docs/adr": "decisions.md",
}
#: The site's navigation: part -> its pages, in order.
CONTENTS = {
    "Learn": ("first_run", "start", "data", "concepts", "recipes", "faq"),
    "Use": ("python", "export", "trackers", "scaling"),
    "Extend": (
        "hooks",
        "howto/block",
        "howto/depth",
        "howto/dataset",
        "howto/evaluator",
        "howto/extractor",
        "howto/source",
        "howto/pretrained/README",
    ),
    "Trust": ("report", "study", "evaluation", "performance", "reliability", "security"),
    "Reference": ("reference/recipes", *(f"reference/{family}" for family in FAMILIES)),
    "Project": ("contributing", "changelog", "decisions"),
}
LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)#\s]+)")


def assemble(folder: Path) -> None:
    """Write all pages into an empty folder."""
    folder.mkdir(parents=True)
    shutil.copyfile(ROOT / "docs" / "site" / "conf.py", folder / "conf.py")
    for path in sorted((ROOT / "docs").rglob("*.md")):
        name = path.relative_to(ROOT / "docs").as_posix()
        if not name.startswith("adr/"):
            write(folder, name, relinked(read(path), f"docs/{name}", name))
    for source, page in MOVED.items():
        if source.endswith(".md"):
            text = relinked(read(ROOT / source), source, page)
            write(folder, page, text + contents() if page == "index.md" else text)
    write(folder, "decisions.md", "\n\n".join(decisions()))
    write(folder, "reference/recipes.md", "\n".join(recipes()))
    found = plugins.load()
    for family in FAMILIES:
        write(folder, f"reference/{family}.md", "\n".join(components(found, family)))
    for name in ("images", "notebooks", "examples"):
        shutil.copytree(ROOT / "docs" / name, folder / name)
    (folder / "studies").mkdir()
    for path in sorted((ROOT / "studies" / "results").glob("*.jpg")):
        shutil.copyfile(path, folder / "studies" / path.name)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def relinked(text: str, source: str, page: str) -> str:
    """The text of a file of the repository, with links to other such files leading to the pages that show them."""

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[1]))
        to = MOVED.get(target) or target.removeprefix("docs/")
        if target.startswith("recipes/") and target.endswith(".yaml"):
            to = f"reference/recipes.md#{anchor(target)}"
        elif target.startswith("studies/results/"):
            to = target.replace("/results", "")
        return posixpath.relpath(to, posixpath.dirname(page) or ".")

    return LINK.sub(moved, text)


def contents() -> str:
    """The navigation."""
    trees = [f"```{{toctree}}\n:hidden:\n:caption: {part}\n\n" + "\n".join(pages) for part, pages in CONTENTS.items()]
    return "".join(f"\n{tree}\n```\n" for tree in trees)


def anchor(path: str) -> str:
    """Name of a recipe's section."""
    return re.sub(r"[^a-z0-9]+", "-", path.removesuffix(".yaml").lower())


def decisions() -> Iterator[str]:
    """Every record of a decision, one level lower."""
    yield "# Decisions"
    for path in sorted((ROOT / "docs" / "adr").glob("*.md")):
        yield re.sub(r"^#", "##", relinked(read(path), f"docs/adr/{path.name}", "decisions.md"), flags=re.MULTILINE)


def recipes() -> Iterator[str]:
    """Every recipe that comes with the repository, with its comments."""
    yield "# Recipes\n\nEach is one file with everything in it. [What the lines mean](../recipes.md).\n"
    for path in sorted((ROOT / "recipes").rglob("*.yaml")):
        name = path.relative_to(ROOT).as_posix()
        yield f"({anchor(name)})=\n## {name}\n\n```yaml\n{read(path)}```\n"


def components(found: Components, family: str) -> Iterator[str]:
    """What a recipe can name at one kind of place, of the core and of the plugins beside it."""
    yield f"# {family}\n\n{prose(FAMILIES[family])}\n"
    for kind, spec, origin in found[family]:
        yield f"## {kind}\n\n{prose(spec)}\n\nFrom {origin.distribution}.\n"
        fields = fields_of(found, family, kind)
        if fields:
            yield "| field | default | type | meaning |\n|---|---|---|---|"
            yield from (f"| `{f.name}` | `{f.default}` | {cell(f.type)} | {cell(f.description)} |" for f in fields)
            yield ""


def prose(spec: type[Component]) -> str:
    """A docstring without the indentation of the source."""
    return re.sub(r"\n[ \t]+", "\n", (spec.__doc__ or "").strip()).replace("<", "\\<")


def cell(text: str) -> str:
    """Text in a table that stays as it is: patterns hold what Markdown takes for marks."""
    return re.sub(r"([\\\[\]^_*`|<])", r"\\\1", text.replace("\n", " "))


if __name__ == "__main__":
    assemble(Path(sys.argv[1]))
