"""`python -m studies run|measure|table|list`: see docs/study.md."""

from __future__ import annotations

import argparse
import os
from fnmatch import fnmatch
from pathlib import Path

from studies.cells import cells
from studies.running import RESULTS, finished, measure, run
from studies.tables import draw_curves, fill, load_results

DOCS = Path(__file__).parents[1] / "docs"
PAGE, CURVES = DOCS / "study.md", DOCS / "images" / "study_curves.svg"


def main() -> None:
    parser = argparse.ArgumentParser(prog="studies", description="Train the cells of the study, and fill its tables.")
    parser.add_argument("what", choices=("run", "measure", "table", "list"))
    parser.add_argument("--cells", default="*", help="glob over the names of cells")
    parser.add_argument("--runs", type=Path, default=Path("build/study"), help="folder of the runs; large")
    parser.add_argument(
        "--data", default=os.environ.get("GANFORGE_TEST_DATA", ""), help="folder that holds fundus/, blood_cells/"
    )
    parser.add_argument("--images", type=int, help="another budget, to try it out; keep such results out of the tables")
    arguments = parser.parse_args()
    chosen = [cell for cell in cells() if fnmatch(cell.name, arguments.cells)]
    if arguments.what == "list":
        for cell in chosen:
            print(f"{'done' if finished(cell) else '    '}  {cell.images:>9,}  {cell.name}")
    elif arguments.what == "table":
        results = load_results()
        fill(PAGE, results)
        if any(result["table"] == "systems" for result in results):
            draw_curves(results, "systems", CURVES)
    else:
        missing = {cell.data for cell in chosen} - {"phantom"}
        missing -= {data for data in missing if arguments.data and (Path(arguments.data) / data).is_dir()}
        if missing:
            parser.error(
                f"there is no folder {sorted(missing)[0]} in '{arguments.data}'; name that of all: --data FOLDER"
            )
        RESULTS.mkdir(exist_ok=True)
        if arguments.what == "measure":
            failed = [cell for cell in chosen if not measure(cell, arguments.runs)]
        else:
            failed = [
                cell
                for cell in chosen
                if not finished(cell) and not run(cell, arguments.data, arguments.runs, arguments.images)
            ]
        if failed:
            raise SystemExit(f"not finished: {', '.join(cell.name for cell in failed)}")


if __name__ == "__main__":
    main()
