"""Where labels and pretrained features enter a network."""

from __future__ import annotations

from dataclasses import replace

from ganforge.errors import Problem
from ganforge.interfaces import DepthSpec, Sites
from ganforge.plan.plan import NetworkPlan, PlacedFeatures, PlacedLabel
from ganforge.recipe.models import DiscriminatorSpec, LabelSite
from ganforge.shapes import Shape

Path = tuple[str | int, ...]


def place_labels(plan: NetworkPlan, sites: Sites, problems: list[Problem]) -> NetworkPlan:
    """The plan with its labels; those that can't be placed are among the problems."""
    placed: list[PlacedLabel] = []
    for index, label in enumerate(plan.spec.label):
        path: Path = (plan.name, "label", index)
        try:
            placed.append(place_label(plan, label, _locate(label.where, sites)))
        except ValueError as error:
            problems.append(Problem(str(error), path))
            continue
        if placed[-1].name in {other.name for other in placed[:-1]}:
            problems.append(Problem(f"'{label.how.kind}' stands twice at the same place.", path))
    return replace(plan, labels=tuple(placed))


def place_features(plan: NetworkPlan, sites: Sites, problems: list[Problem]) -> NetworkPlan:
    """The plan with its pretrained features; those that can't be placed are among the problems."""
    if not isinstance(plan.spec, DiscriminatorSpec) or plan.spec.features is None:
        return plan
    network, at = plan.spec.features.network, plan.spec.features.at
    try:
        levels = network.out_shapes(plan.shapes[0])
    except ValueError as error:
        problems.append(Problem(f"a feature network of kind '{network.kind}' {error}", (plan.name, "features")))
        return plan
    placed: list[PlacedFeatures] = []
    for index, depth in enumerate(at):
        path: Path = (plan.name, "features", "at", index)
        try:
            site = _next_that_widens(plan, f"what '{network.kind}' sees", _locate(depth, sites))
            level = _level_for(plan, site, levels, network.kind)
        except ValueError as error:
            problems.append(Problem(str(error), path))
            continue
        if site in {other.site for other in placed}:
            problems.append(Problem(f"what '{network.kind}' sees stands twice at the same place.", path))
        placed.append(PlacedFeatures(site, level, levels[level].channels))
    return replace(plan, features=tuple(placed))


def _level_for(plan: NetworkPlan, site: int, levels: tuple[Shape, ...], kind: str) -> int:
    """The last of the network's outputs with the sides of what stands at the site. Raises ValueError."""
    _, *sides = plan.shapes[site]
    fitting = [level for level, shape in enumerate(levels) if [*shape[1:]] == sides]
    if not fitting:
        found = ", ".join(f"{shape.height}x{shape.width}" for shape in levels)
        key = list(plan.blocks)[site]
        raise ValueError(f"'{key}' gets features of {sides[0]}x{sides[1]}, but '{kind}' gives: {found}.")
    return fitting[-1]


def _locate(depth: DepthSpec, sites: Sites) -> int:
    found = depth.locate(sites)
    if not 0 <= found <= len(sites.keys):
        raise ValueError(f"'{depth.kind}' gave site {found}, but there are sites 0 to {len(sites.keys)}.")
    return found


def place_label(plan: NetworkPlan, label: LabelSite, site: int) -> PlacedLabel:
    """Find the block that takes an extra input; other injections act where they stand. Raises ValueError."""
    keys = list(plan.blocks)
    if not 0 <= site <= len(keys):
        raise ValueError(f"there is no site {site}; there are sites 0 to {len(keys)}.")
    feeds_mapping = False
    if label.how.target == "logit" and plan.name == "generator":
        raise ValueError(f"'{label.how.kind}' adds to the logit, which only the discriminator has.")
    if label.how.target == "logit" and site == len(keys):
        raise ValueError(f"'{label.how.kind}' needs features, but behind '{keys[-1]}' there is only the logit.")
    if label.how.target == "features" and site == len(keys):
        raise ValueError(
            f"'{label.how.kind}' would change the output of '{keys[-1]}', the last block. Choose a site in front of it."
        )
    if label.how.target == "extra":
        feeds_mapping = plan.name == "generator" and site == 0 and plan.style_dim > 0
        site = _next_that_widens(plan, f"'{label.how.kind}'", site)
    anchor = keys[site] if site < len(keys) else "end"
    return PlacedLabel(f"label_{anchor}_{label.how.kind}", site, feeds_mapping, label)


def _next_that_widens(plan: NetworkPlan, what: str, site: int) -> int:
    """The site of the block whose input it can join, behind blocks without parameters. Raises ValueError."""
    keys = list(plan.blocks)
    start = site
    while site < len(keys) and plan.blocks[keys[site]].parameter_free:
        site += 1
    if site == len(keys) or not plan.blocks[keys[site]].widens:
        behind = f"the next block, '{keys[site]}', can't take more channels" if site < len(keys) else "no block follows"
        place = f"behind '{keys[start - 1]}'" if start else "at the input"
        raise ValueError(
            f"{what} {place} needs a block whose input it can join, but {behind}. "
            f"Blocks that can: {', '.join(key for key in keys if plan.blocks[key].widens) or 'none'}."
        )
    return site
