"""Which papers a recipe cites: those of its own parts."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import pytest
from tiny import TINY_RECIPE

from ganforge import literature, plugins
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components, Origin
from ganforge.report.method import method
from ganforge.training.specs import BCE


def cited(folder: Path, components: Components, *overrides: str) -> dict[str, list[str]]:
    path = folder / "tiny.yaml"
    path.write_text(TINY_RECIPE.format(root=folder, runs=folder / "runs"), encoding="utf-8")
    return method(load_recipe(path, overrides, components).recipe)


def test_each_paper_comes_with_what_is_used_of_it(tmp_path: Path, components: Components) -> None:
    assert cited(tmp_path, components) == {
        literature.STYLE: ["style", "mapping_mlp"],
        literature.LIMITED_DATA: ["style"],
        literature.ADAIN: ["style"],
        literature.STABILITY: ["residual", "r1"],
        literature.INITIALISATION: ["variance_preserving"],
        literature.RETINAS: ["concatenate", "after_frozen", "concatenate_map"],
        literature.GAN: ["bce"],
        literature.ADAM: ["adam"],
    }


@pytest.mark.parametrize(
    ("override", "paper", "used"),
    [
        ("discriminator.label=[{where: {kind: latent}, how: {kind: projection}}]", literature.PROJECTION, "projection"),
        ("training.wrong_labels=0.5", literature.GAN_CLS, "wrong_labels"),
        ("training.augmentations=[{kind: ada}]", literature.ADA, "ada"),
        ("training.augmentations=[{kind: diff_augment}]", literature.DIFF_AUGMENT, "diff_augment"),
        ('generator.adafm=["resnet_*"]', literature.LIMITED_DATA, "adafm"),
        ("generator.pretrained={}", literature.LIMITED_DATA, "frozen layers of a pretrained generator"),
        ("discriminator.pretrained={}", literature.FREEZE_D, "frozen layers of a pretrained discriminator"),
        ("training.loss={kind: hinge}", literature.SPECTRAL, "hinge"),
        (
            "discriminator.features={network: {kind: efficientnet_lite0}, at: [{kind: at_resolution, pixels: 4}]}",
            literature.VISION_AIDED,
            "features",
        ),
    ],
)
def test_what_a_recipe_uses_is_cited_and_else_not(
    tmp_path: Path, components: Components, override: str, paper: str, used: str
) -> None:
    assert used not in cited(tmp_path, components).get(paper, [])
    assert used in cited(tmp_path, components, override)[paper]


def test_labels_by_projection_cite_nobody_for_places_behind_frozen_layers(
    tmp_path: Path, components: Components
) -> None:
    site = "[{where: {kind: latent}, how: {kind: projection}}]"
    assert literature.RETINAS not in cited(tmp_path, components, f"discriminator.label={site}", "generator.label=[]")


def test_a_plugin_s_component_is_cited_by_its_papers(tmp_path: Path) -> None:
    components = plugins.load()

    class Mine(BCE):
        kind: Literal["mine"] = "mine"  # type: ignore[assignment]
        papers: ClassVar[tuple[str, ...]] = ("Doe 2020", "Roe 2021")

    components["loss"].add(Mine, Origin("mylab", "mylab", "1"))
    found = cited(tmp_path, components, "training.loss={kind: mine}")
    assert found["Doe 2020"] == found["Roe 2021"] == ["mine"] and literature.GAN not in found
