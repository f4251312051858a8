"""A checked recipe in words: what each network is, where labels enter, what trains when."""

from __future__ import annotations

from ganforge.errors import one_line
from ganforge.freeze.policy import FreezeRow, freeze_table
from ganforge.plan.plan import NETWORKS, NetworkPlan, PlacedLabel, Plan
from ganforge.telling.output import Output, counted

_ENTERS = {
    "features": "changes the input",
    "extra": "joins the input",
    "logit": "reads the input, adds to the logit",
}


def summarise(plan: Plan, output: Output) -> None:
    """The classes, the blocks of both networks with their shapes and labels, and the stages."""
    recipe = plan.recipe
    output.paragraph(
        f"{recipe.name}: {recipe.resolution} x {recipe.resolution} pixels, "
        f"{counted(len(plan.classes), 'class')} ({one_line(', '.join(plan.classes))})"
    )
    for name in NETWORKS:
        output.line()
        _network(plan.network(name), output)
    output.line()
    stages(plan, output)
    output.line()


def stages(plan: Plan, output: Output) -> None:
    """One row for each stage: its steps, and how many parameters of each network train."""
    rows = []
    for index, stage in enumerate(plan.recipe.stages):
        trained = [_trained(plan.network(name), index) for name in NETWORKS]
        rows.append((stage.name, f"{stage.steps:,}", *trained))
    output.table(("stage", "steps", "generator trains", "discriminator trains"), rows, right={1, 2, 3})


def freeze_stages(plan: Plan, output: Output) -> None:
    """Stage by stage, a row for each block and a total for each network: tensors and parameters."""
    for index, stage in enumerate(plan.recipe.stages):
        if index:
            output.line()
        output.line(f"stage {stage.name}, {counted(stage.steps, 'step')}", "bold")
        for name in NETWORKS:
            network = plan.network(name)
            table = freeze_table(name, network.trains[index], network.sizes)
            totals = [sum(column) for column in zip(*(row[2:] for row in table), strict=True)]
            rows = [_cells(row) for row in (*table, FreezeRow(name, "total", *totals))]
            output.table((name, "trained", "parameters", "frozen", "parameters"), rows, right={1, 2, 3, 4}, indent=2)


def _network(network: NetworkPlan, output: Output) -> None:
    style = f", style of {network.style_dim}" if network.style_dim else ""
    output.paragraph(f"{network.name}: {counted(network.num_parameters, 'parameter')}{style}", style="bold")
    output.table(("block", "kind", "gives"), [("", "(input)", str(network.shapes[0])), *_blocks(network)], indent=2)
    for label in network.labels:
        output.paragraph(f"label: {_entry(network, label)}", indent=2)
    if network.adafm:
        adapted = [key for key in network.blocks if key in network.adafm]
        output.paragraph(f"AdaFM: {', '.join(adapted)}", indent=2)


def _blocks(network: NetworkPlan) -> list[tuple[str, str, str]]:
    return [
        (key, block.kind, str(shape))
        for (key, block), shape in zip(network.blocks.items(), network.shapes[1:], strict=True)
    ]


def _entry(network: NetworkPlan, label: PlacedLabel) -> str:
    """`concatenate_map joins the input of resnet_1_0 (64 x 32 x 32)`."""
    how = label.spec.how
    block = [*network.blocks, "the end"][label.site]
    text = f"{how.kind} {_ENTERS[how.target].replace('the input', f'the input of {block}')}"
    mapping = " and of the mapping network" if label.feeds_mapping else ""
    return f"{text}{mapping} ({network.shapes[label.site]})"


def _trained(network: NetworkPlan, stage: int) -> str:
    trained = sum(network.sizes[name] for name, trains in network.trains[stage].items() if trains)
    return f"{trained:,} of {network.num_parameters:,}"


def _cells(row: FreezeRow) -> tuple[str, ...]:
    return (row.block, *(f"{number:,}" for number in row[2:]))
