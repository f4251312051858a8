"""The core's own components, registered through the same hooks as everybody else's."""

from __future__ import annotations

from ganforge import interfaces
from ganforge.augmentation.specs import AUGMENTATIONS
from ganforge.blocks.specs import BLOCKS
from ganforge.data.samplers import SAMPLERS
from ganforge.data.specs import DATASETS
from ganforge.hookspecs import hookimpl
from ganforge.networks.depths import DEPTHS
from ganforge.networks.initialisation import INITIALISATIONS
from ganforge.networks.injections import INJECTIONS
from ganforge.networks.mapping import MAPPINGS
from ganforge.tracking.specs import TRACKERS
from ganforge.training.specs import LOGIT_PENALTIES, LOSSES, OPTIMIZERS, RATES, REGULARISERS
from ganforge.weights.specs import SOURCES


@hookimpl
def ganforge_blocks() -> list[type[interfaces.BlockSpec]]:
    return BLOCKS


@hookimpl
def ganforge_mappings() -> list[type[interfaces.MappingSpec]]:
    return MAPPINGS


@hookimpl
def ganforge_depths() -> list[type[interfaces.DepthSpec]]:
    return DEPTHS


@hookimpl
def ganforge_injections() -> list[type[interfaces.InjectionSpec]]:
    return INJECTIONS


@hookimpl
def ganforge_initialisations() -> list[type[interfaces.InitialisationSpec]]:
    return INITIALISATIONS


@hookimpl
def ganforge_datasets() -> list[type[interfaces.DatasetSpec]]:
    return DATASETS


@hookimpl
def ganforge_samplers() -> list[type[interfaces.SamplerSpec]]:
    return SAMPLERS


@hookimpl
def ganforge_sources() -> list[type[interfaces.SourceSpec]]:
    return SOURCES


@hookimpl
def ganforge_losses() -> list[type[interfaces.LossSpec]]:
    return LOSSES


@hookimpl
def ganforge_regularisers() -> list[type[interfaces.RegulariserSpec]]:
    return REGULARISERS


@hookimpl
def ganforge_logit_penalties() -> list[type[interfaces.LogitPenaltySpec]]:
    return LOGIT_PENALTIES


@hookimpl
def ganforge_augmentations() -> list[type[interfaces.AugmentationSpec]]:
    return AUGMENTATIONS


@hookimpl
def ganforge_optimizers() -> list[type[interfaces.OptimizerSpec]]:
    return OPTIMIZERS


@hookimpl
def ganforge_rates() -> list[type[interfaces.RateSpec]]:
    return RATES


@hookimpl
def ganforge_trackers() -> list[type[interfaces.TrackerSpec]]:
    return TRACKERS
