"""Ahead of a run: its plan, what it needs, and what each stage trains."""

from __future__ import annotations

from functools import partial

from ganforge.errors import GanforgeError, RecipeError, SeveralErrors
from ganforge.evaluation.checks import preflight as preflight_evaluators
from ganforge.freeze.policy import freeze_table
from ganforge.listener import Listener
from ganforge.plan.plan import NETWORKS, Plan
from ganforge.plan.walk import walk
from ganforge.recipe.load import LoadedRecipe
from ganforge.recipe.models import Recipe


def plan_recipe(loaded: LoadedRecipe, classes: tuple[str, ...] = ()) -> Plan:
    """Walk a loaded recipe. Raises RecipeError whose problems have file, line and column."""
    try:
        return walk(loaded.recipe, classes)
    except RecipeError as error:
        raise loaded.error(error.problems) from error


def preflight(recipe: Recipe) -> None:
    """Raise GanforgeError for what would fail later: files, folders and packages that the recipe needs and lacks.

    With all that is lacking, where it is more than one thing.
    """
    checks = [recipe.data.preflight]
    if recipe.source is not None:
        checks.append(recipe.source.preflight)
    if recipe.discriminator.features is not None:
        checks.append(recipe.discriminator.features.network.preflight)
    checks += [partial(preflight_evaluators, (evaluator,)) for evaluator in recipe.evaluation.evaluators]
    checks += [tracker.preflight for tracker in recipe.output.trackers]
    errors: dict[str, GanforgeError] = {}
    for check in checks:
        try:
            check()
        except GanforgeError as error:
            errors.setdefault(str(error), error)
    found = list(errors.values())
    if found:
        raise found[0] if len(found) == 1 else SeveralErrors(found)


def warn_of_what_is_lacking(recipe: Recipe, listener: Listener) -> None:
    """`preflight` of what is tried out and need not begin: its errors as a warning."""
    try:
        preflight(recipe)
    except GanforgeError as error:
        listener.warning(f"a run would not begin: {error}")


def freeze_tables(plan: Plan) -> dict[str, list[dict[str, object]]]:
    """Stage -> one row for each block of both networks."""
    tables: dict[str, list[dict[str, object]]] = {}
    for index, stage in enumerate(plan.recipe.stages):
        rows = [
            row
            for name in NETWORKS
            for row in freeze_table(name, plan.network(name).trains[index], plan.network(name).sizes)
        ]
        tables[stage.name] = [row._asdict() for row in rows]
    return tables
