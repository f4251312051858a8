"""The extension reference: one hook per kind of component.

A plugin is a module with functions of these names, decorated with `ganforge.hookimpl` and announced by an entry
point in the group `ganforge`:

    [project.entry-points.ganforge]
    mylab = "mylab_ganforge"

Each hook returns a list of spec classes (see `ganforge.interfaces`). The core registers its own components
through the same hooks. Two components of one kind with the same name are an error that names both plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from ganforge import interfaces

hookspec = pluggy.HookspecMarker("ganforge")
hookimpl = pluggy.HookimplMarker("ganforge")


@hookspec
def ganforge_blocks() -> list[type[interfaces.BlockSpec]]:  # type: ignore[empty-body]
    """Blocks of generators and discriminators: anything from (N, C, H, W) to (N, C', H', W')."""


@hookspec
def ganforge_mappings() -> list[type[interfaces.MappingSpec]]:  # type: ignore[empty-body]
    """Mapping networks, from the latent to the style."""


@hookspec
def ganforge_depths() -> list[type[interfaces.DepthSpec]]:  # type: ignore[empty-body]
    """Rules that say *where* a label enters a network: `{kind: after, block: resnet_1_1}`, ..."""


@hookspec
def ganforge_injections() -> list[type[interfaces.InjectionSpec]]:  # type: ignore[empty-body]
    """Ways *how* a label enters a network: concatenated, added, as FiLM, as a projection, ..."""


@hookspec
def ganforge_feature_networks() -> list[type[interfaces.FeatureNetworkSpec]]:  # type: ignore[empty-body]
    """Fixed, pretrained networks through which a discriminator sees the images besides its own blocks."""


@hookspec
def ganforge_initialisations() -> list[type[interfaces.InitialisationSpec]]:  # type: ignore[empty-body]
    """Rules for the first values of the parameters."""


@hookspec
def ganforge_datasets() -> list[type[interfaces.DatasetSpec]]:  # type: ignore[empty-body]
    """Sets of labelled images."""


@hookspec
def ganforge_samplers() -> list[type[interfaces.SamplerSpec]]:  # type: ignore[empty-body]
    """Rules by which images of unbalanced classes are drawn."""


@hookspec
def ganforge_sources() -> list[type[interfaces.SourceSpec]]:  # type: ignore[empty-body]
    """Pretrained weights: bundled, local, or published."""


@hookspec
def ganforge_evaluators() -> list[type[interfaces.EvaluatorSpec]]:  # type: ignore[empty-body]
    """Measures of generated images."""


@hookspec
def ganforge_extractors() -> list[type[interfaces.ExtractorSpec]]:  # type: ignore[empty-body]
    """Fixed networks that turn images into the features that evaluators compare."""


@hookspec
def ganforge_losses() -> list[type[interfaces.LossSpec]]:  # type: ignore[empty-body]
    """Adversarial losses."""


@hookspec
def ganforge_regularisers() -> list[type[interfaces.RegulariserSpec]]:  # type: ignore[empty-body]
    """Gradient penalties on the discriminator."""


@hookspec
def ganforge_logit_penalties() -> list[type[interfaces.LogitPenaltySpec]]:  # type: ignore[empty-body]
    """Penalties on the discriminator's logits."""


@hookspec
def ganforge_augmentations() -> list[type[interfaces.AugmentationSpec]]:  # type: ignore[empty-body]
    """Differentiable augmentations of what the discriminator sees."""


@hookspec
def ganforge_optimizers() -> list[type[interfaces.OptimizerSpec]]:  # type: ignore[empty-body]
    """Optimizers."""


@hookspec
def ganforge_rates() -> list[type[interfaces.RateSpec]]:  # type: ignore[empty-body]
    """Learning rates over a stage."""


@hookspec
def ganforge_trackers() -> list[type[interfaces.TrackerSpec]]:  # type: ignore[empty-body]
    """Trackers, which are told about a run while it goes on: TensorBoard, MLflow, ..."""
