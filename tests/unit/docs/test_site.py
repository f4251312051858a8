"""The site builds without a warning, and the commands and recipes that its pages show are real."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from ganforge.cli.main import app
from ganforge.registry import FAMILIES

ROOT = Path(__file__).parents[3]
#: Options that may stand behind any verb.
GLOBAL = ("-p", "--plugin", "--block", "--strict-plugins", "--debug")
PAGES = [
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")),
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "adr" not in path.parts),
]


def test_the_site_builds_without_warnings_and_has_a_page_for_each_kind_of_component(tmp_path: Path) -> None:
    sources, site = tmp_path / "sources", tmp_path / "site"
    for words in (
        [str(ROOT / "docs" / "site" / "assemble.py"), str(sources)],
        ["-m", "sphinx", "-q", "-W", "--keep-going", str(sources), str(site)],
    ):
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stderr
    for family in FAMILIES:
        assert (site / "reference" / f"{family}.html").is_file()
    assert "trainable gamma" in (site / "concepts.html").read_text()
    shown = (site / "reference" / "recipes.html").read_text()
    names = [path.relative_to(ROOT).as_posix() for path in (ROOT / "recipes").rglob("*.yaml")]
    assert names and all(f"<h2>{name}" in shown for name in names)
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|img|link rel="stylesheet")[^>]*(?:src|href)="(https?:[^"]*)"', page.read_text()
        )
        assert loaded == [], page


def commands(text: str) -> Iterator[str]:
    """The ganforge commands of a page, in blocks and in sentences."""
    for block in re.findall(r"^```(?:sh|console)?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        joined = block.replace("\\\n", " ")
        yield from (line.split("#")[0] for line in joined.splitlines() if re.match(r"(\S*/)?ganforge ", line))
    yield from re.findall(r"`(ganforge [^`]+)`", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_of_a_page_can_be_parsed(page: Path) -> None:
    top = typer.main.get_command(app)
    for text in commands(page.read_text(encoding="utf-8")):
        # `eval RUN|FOLDER [--json] ...` stands for several commands
        plain = re.sub(r"\s\[[^]]*\]|\s?\.\.\.", "", text.split(" && ")[0]).replace("|", "_")
        words = shlex.split(plain)[1:]
        verb = next((word for word in words if word in top.commands), None)
        if verb is None and "VERB" not in words:
            assert words and all(word.startswith("-") for word in words), f"no verb in: {text}"
        if verb is None:
            continue
        parser, rest = top.commands[verb], words[words.index(verb) + 1 :]
        if hasattr(parser, "commands") and rest:
            assert rest[0] in parser.commands, text
            parser, rest = parser.commands[rest[0]], rest[1:]
        given = [word for word in rest if word.startswith("-")]
        known = {name for parameter in parser.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.split("=")[0] for word in given} <= known | {"-h", "--help", "--version", *GLOBAL}, text


def test_the_recipe_that_is_explained_is_the_one_that_is_shipped() -> None:
    page = (ROOT / "docs" / "recipes.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    of_recipe = {"dr_transfer_cgan": blocks[:8], "dr_128_cgan": blocks[8:9], "dr_256_cgan": blocks[9:]}
    assert len(blocks) == 10
    for name, its_blocks in of_recipe.items():
        recipe = (ROOT / "recipes" / f"{name}.yaml").read_text()
        shipped = {line.strip() for line in recipe.splitlines()} | {
            line.split(" #")[0].strip() for line in recipe.splitlines()
        }
        explained = [line.strip() for block in its_blocks for line in block.splitlines()]
        assert [line for line in explained if line not in shipped] == []
