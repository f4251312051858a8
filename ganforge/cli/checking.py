"""What `data check` found, as tables and sentences."""

from __future__ import annotations

from ganforge.data.check.check import Check
from ganforge.data.listing import SHOWN
from ganforge.errors import one_line
from ganforge.telling.output import Output, counted


def show_check(found: Check, output: Output) -> None:
    """Numbers first, then what is wrong, then what may be; of each, the first twenty cases."""
    patients = "unknown patients" if found.num_patients is None else counted(found.num_patients, "patient")
    output.line(
        f"{one_line(found.name)}: {counted(found.num_images, 'image')} of {patients}, for {found.resolution} pixels",
        "bold",
    )
    rows = [
        (of.name, f"{of.images:,}", f"{of.patients:,}", f"{of.train:,}", f"{of.held_out:,}", f"{of.bad:,}")
        for of in found.classes
    ]
    output.table(("class", "images", "patients", "train", "held out", "bad"), rows, right={1, 2, 3, 4, 5}, indent=2)
    if found.widths:
        output.line()
        sides = [
            (name, *(f"{side:,.0f}" for side in of))
            for name, of in (("width", found.widths), ("height", found.heights))
        ]
        output.table(("pixels", "smallest", "median", "largest"), sides, right={1, 2, 3}, indent=2)
        output.line()
        output.table(("kind", "images"), [(kind, f"{n:,}") for kind, n in found.kinds.items()], right={1}, indent=2)
        output.line()
        output.line(
            f"  brightness: mean {found.brightness:.0f} of 255; {found.black:.1%} nearly black, "
            f"{found.white:.1%} nearly white"
        )
    for finding in found.findings:
        output.line()
        label, style = ("wrong", "bold red") if finding.is_error else ("look at", "yellow")
        output.labelled(label, one_line(finding.text), style)
        lines = finding.lines or finding.items
        for line in lines[:SHOWN]:
            output.paragraph(one_line(line), indent=2)
        if len(lines) > SHOWN:
            output.line(f"  ... and {len(lines) - SHOWN:,} more; --json has all")
        elif lines != finding.items:
            output.line("  --json names all of them")
        for advice in finding.advice.splitlines():
            output.paragraph(advice, indent=2)
    output.line()
    if not found.findings:
        output.line("nothing is wrong", "bold green")
    elif not found.errors:
        output.line("nothing makes a training wrong", "bold green")
