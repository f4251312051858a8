"""The verb doctor."""

from __future__ import annotations

import json

from ganforge.cli.options import AsJson, Settings


def doctor(settings: Settings, as_json: AsJson = False) -> None:
    """Say what stands in a training's way. Looks at versions, threads, memory, disks and plugins."""
    from dataclasses import asdict
    from pathlib import Path

    from ganforge.cache import cache_folder
    from ganforge.doctor import examine
    from ganforge.telling.output import Output

    findings = examine(settings.components(warn=False), cache_folder(), Path("runs"))
    output = Output()
    if as_json:
        output.raw(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
        return
    output.table(("what", "found"), [(finding.what, finding.value) for finding in findings])
    advised = [finding for finding in findings if finding.advice]
    output.line()
    output.line("nothing stands in the way" if not advised else "to look at:", "bold")
    for finding in advised:
        output.paragraph(f"{finding.what}: {finding.advice}", indent=2)
