"""What a training would take, in words."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ganforge.telling.output import Output, counted, duration

if TYPE_CHECKING:
    from ganforge.rehearsal import Estimate


def estimate_data(estimate: Estimate) -> dict[str, Any]:
    """The same for programs: bytes and seconds."""
    plan = estimate.plan
    return {
        "recipe": plan.recipe.name,
        "computed": True,
        "parameters": {network.name: network.num_parameters for network in (plan.generator, plan.discriminator)},
        "arithmetic": estimate.arithmetic,
        "has_source": estimate.has_source,
        "device": estimate.device.type,
        "stages": [asdict(stage) for stage in estimate.stages],
        "seconds": estimate.seconds,
        "peak_bytes": estimate.peak_bytes,
        "disk_bytes": estimate.disk_bytes,
        "free_bytes": estimate.free_bytes,
    }


def show_estimate(estimate: Estimate, output: Output) -> None:
    """A row for each stage, then memory, disk and time."""
    plan = estimate.plan
    recipe = plan.recipe
    output.line(f"{recipe.name}: tried out, nothing was written", "bold")
    for network in (plan.generator, plan.discriminator):
        output.line(f"  {network.name}: {counted(network.num_parameters, 'parameter')}")
    if recipe.source is not None and not estimate.has_source:
        output.paragraph("the source is not on this machine yet; the run will fetch it", indent=2)
    output.paragraph(estimate.arithmetic, indent=2)
    output.line()
    rows = [
        (
            stage.name,
            f"{stage.steps:,}",
            f"{stage.seconds:.3g}",
            f"{recipe.training.batch / stage.seconds:.3g}",
            duration(stage.steps * stage.seconds),
        )
        for stage in estimate.stages
    ]
    output.table(("stage", "steps", "seconds a step", "images/s", "time"), rows, right={1, 2, 3, 4}, indent=2)
    output.line()
    what = "GPU" if estimate.device.type == "cuda" else "process"
    output.paragraph(f"memory: {estimate.peak_bytes / 1e9:.1f} GB of the {what}, without the images", indent=2)
    output.paragraph(
        f"disk: about {estimate.disk_bytes / 1e6:,.0f} MB in {recipe.output.folder}, which has "
        f"{estimate.free_bytes / 1e9:,.1f} GB left",
        indent=2,
    )
    output.paragraph(
        f"time: about {duration(estimate.seconds)} for the steps, if the machine stays as busy as it is; preparing "
        "the images, sample grids and scores come on top",
        indent=2,
    )
