"""`python -m benchmarks [CASE ...]`: measures, prints tables, writes JSON. Nothing else should run meanwhile."""

from __future__ import annotations

import argparse
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def main() -> None:
    # not above: every process that a case starts imports this module first
    from benchmarks.cases import CASES, measured

    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"any of {', '.join(CASES)}; default: all")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="file for the figures; cases that are there already are replaced")
    parser.add_argument("--default-allocator", action="store_true", help="leave glibc's allocator as it is")
    options = parser.parse_args()
    unknown = set(options.cases) - set(CASES)
    if unknown or options.repeats < 1:
        parser.error(f"no case is called {', '.join(sorted(unknown))}" if unknown else "--repeats must be at least 1")

    found: dict[str, Any] = {}
    if options.json and options.json.exists():
        found = json.loads(options.json.read_text())
    console = Console(width=120)
    for name in options.cases or CASES:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            found[name] = process.submit(measured, name, options.repeats, tuned=not options.default_allocator).result()
        show(console, name, found[name])
        if options.json:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(found, indent=2) + "\n")


def show(console: Console, name: str, found: dict[str, Any]) -> None:
    """One table of the rows, one line of what stands beside them."""
    subjects = found.get("subjects", found)
    rows = {key: row for key, row in subjects.items() if isinstance(row, dict) and key != "machine"}
    columns = list(dict.fromkeys(key for row in rows.values() for key, value in row.items() if _is_number(value)))
    table = Table("", *columns, title=name)
    for key, row in rows.items():
        table.add_row(key, *(f"{row[column]:.4g}" if column in row else "" for column in columns))
    console.print(table)
    beside = {**found["machine"], **{key: value for key, value in found.items() if _is_number(value)}}
    console.print(", ".join(f"{key} {f'{value:.4g}' if _is_number(value) else value}" for key, value in beside.items()))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


if __name__ == "__main__":
    main()
