"""What a training on several GPUs would take, in words and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganforge.telling.output import Output, counted

if TYPE_CHECKING:
    from ganforge.cost.estimate import Costs, StageCost

#: GB of memory of GPUs that there are.
GPUS = (8, 12, 16, 24, 32, 40, 48, 80)


def costs_data(costs: Costs) -> dict[str, Any]:
    """All that was counted: bytes, FLOP."""
    plan, training = costs.plan, costs.plan.recipe.training
    return {
        "recipe": plan.recipe.name,
        "computed": False,
        "processes": costs.size,
        "batch": training.batch,
        "images_per_process": training.batch // costs.size,
        "images_at_a_time": _at_a_time(costs),
        "parameters": {network.name: network.num_parameters for network in (plan.generator, plan.discriminator)},
        "stages": [
            {
                "name": cost.stage,
                "steps": cost.steps,
                "convolutions": cost.dtype,
                "flop": dict(cost.work.flop),
                "sent_bytes": dict(zip(("generator", "discriminator"), cost.sums, strict=False)),
                "memory_bytes": {**cost.held, "features": cost.features, "all": cost.peak},
            }
            for cost in costs.stages
        ],
        "memory_bytes": costs.peak,
        "memory_bytes_with_margin": round(costs.memory),
        "disk_bytes": costs.disk_bytes,
    }


def show_costs(costs: Costs, output: Output, *, on_gpus: bool) -> None:
    """A row for each stage and format, then memory, what is sent, and disk."""
    plan, training = costs.plan, costs.plan.recipe.training
    what = "GPU" if on_gpus else "process"
    output.line(f"{plan.recipe.name} on {counted(costs.size, what)}: counted, nothing was computed", "bold")
    for network in (plan.generator, plan.discriminator):
        output.line(f"  {network.name}: {counted(network.num_parameters, 'parameter')}")
    share, together = training.batch // costs.size, _at_a_time(costs)
    parts = "all at once" if together == share else f"{together} at a time"
    output.line(f"  each {what}: {share} of {counted(training.batch, 'image')} in a step, {parts}")
    output.line()
    header = ("stage", "format", "GFLOP", "sent", "weights", "optimizer", "gradients", "features", "GB")
    output.table(header, [_row(cost) for cost in costs.stages], right=set(range(2, 9)), indent=2)
    output.line()
    output.paragraph(
        f"for each {what}: GFLOP of a step's convolutions and products, most of them in this format; MB of gradients "
        "and metrics that it adds to those of others; GB of memory at its fullest, where weights are those of both "
        "networks and of the moving average, and features all that does not stay from step to step",
        indent=2,
    )
    output.paragraph(_memory(costs, what), indent=2)
    if costs.size > 1:
        ring = 2 * (costs.size - 1) / costs.size * max(sum(cost.sums) for cost in costs.stages)
        output.paragraph(f"sent: in a ring, up to {ring / 1e6:,.0f} MB each way for each {what} and step", indent=2)
    output.paragraph(f"disk: about {costs.disk_bytes / 1e6:,.0f} MB in {plan.recipe.output.folder}", indent=2)


def _at_a_time(costs: Costs) -> int:
    training = costs.plan.recipe.training
    share = training.batch // costs.size
    return min(training.microbatch or share, share)


def _row(cost: StageCost) -> tuple[str, ...]:
    sizes = [cost.held["weights"], cost.held["optimizer"], cost.held["gradients"], cost.features, cost.peak]
    gflop, sent = sum(cost.work.flop.values()) / 1e9, sum(cost.sums) / 1e6
    return (cost.stage, cost.dtype, _short(gflop), _short(sent), *(f"{size / 1e9:.2f}" for size in sizes))


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 or number == 0 else f"{number:.3g}"


def _memory(costs: Costs, what: str) -> str:
    need = costs.memory / 1e9
    text = (
        f"memory: {costs.peak / 1e9:.2f} GB of tensors for each {what}, or {need:.1f} GB with a margin: "
        "a quarter for what the allocator can't hand out and convolutions work in, 1 GB for libraries"
    )
    if what != "GPU":
        return text
    fitting = [size for size in GPUS if size >= need]
    if fitting:
        return f"{text}: a GPU of {fitting[0]} GB should do"
    return f"{text}: more than any GPU has; training.microbatch={max(1, _at_a_time(costs) // 2)} needs less"
