"""From what was gathered to one HTML file that asks nothing of anybody."""

from __future__ import annotations

import base64
import hashlib
import re
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from ganforge.evaluation.shown import SIZES, floor, number
from ganforge.report.comparison import Comparison, last_grids, overlaid
from ganforge.report.differences import flow
from ganforge.report.hiding import Hider
from ganforge.report.report import Report

#: Side in CSS pixels at which an image of a sheet is shown at least; small ones are enlarged.
SHOWN = 84
#: Of the page that is being rendered; templates are compiled once for all.
_HIDER: ContextVar[Hider] = ContextVar("hider")
_ADDRESS = re.compile(r"https?://[^\s<>\"',;)]+[^\s<>\"',;).]")


def render(report: Report, version: str = "") -> str:
    """The page about a run. version: of the run's files, where the page is served and refreshes itself."""
    return _render("report.html", report.hide, version, r=report)


def render_comparison(comparison: Comparison) -> str:
    """The page about several runs."""
    charts, grids = overlaid(comparison), last_grids(comparison)
    return _render("comparison.html", comparison.hide, c=comparison, charts=charts, grids=grids)


def render_check(**values: Any) -> str:
    """The page about a set of images that was checked; its texts are those of the terminal, or hold no path."""
    return _render("check.html", Hider(()), **values)


def _render(template: str, hide: Hider, version: str = "", **values: Any) -> str:
    style, script = _asset("page.css"), _asset("page.js")
    token = _HIDER.set(hide)
    try:
        return (
            _environment()
            .get_template(template)
            .render(
                style=Markup(style),  # noqa: S704 - ours, from the package
                script=Markup(script),  # noqa: S704
                policy=_policy(style, script, is_served=bool(version)),
                version=version,
                **values,
            )
        )
    finally:
        _HIDER.reset(token)


@cache
def _environment() -> Environment:
    """Everything that templates print is escaped, and holds no path: but for markup of our own."""
    environment = Environment(
        loader=PackageLoader("ganforge.report", "page"),
        autoescape=True,
        finalize=_without_paths,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["addresses"] = addresses
    environment.filters["shown"] = shown
    environment.filters["number"] = number
    environment.filters["floor"] = floor
    environment.globals["sizes"] = SIZES
    environment.filters["recipe_value"] = lambda value, key: flow(_HIDER.get().recipe(value, key))
    return environment


def _without_paths(value: Any) -> Any:
    return value if isinstance(value, Markup | int | float | None) else _HIDER.get()(str(value))


def addresses(text: str) -> list[tuple[str, bool]]:
    """The text in parts, each with whether it is an address."""
    found, last = [], 0
    for match in _ADDRESS.finditer(text):
        found += [(text[last : match.start()], False), (match[0], True)]
        last = match.end()
    return [*found, (text[last:], False)]


def shown(side: Any) -> int:
    """The whole factor by which images of this side are enlarged."""
    return max(1, -(-SHOWN // side)) if isinstance(side, int) and not isinstance(side, bool) and side > 0 else 1


@cache
def _asset(name: str) -> str:
    return files("ganforge.report").joinpath("page", name).read_text(encoding="utf-8")


def _policy(style: str, script: str, *, is_served: bool) -> str:
    """What browsers let the page do: nothing but its own style, script and pictures; if served, ask its own server."""
    connect = "'self'" if is_served else "'none'"
    return (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
