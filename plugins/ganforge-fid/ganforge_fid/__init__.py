"""Measures of generated images beside real ones, and the networks whose features they compare."""

from __future__ import annotations

from ganforge import hookimpl
from ganforge.interfaces import EvaluatorSpec, ExtractorSpec, FeatureNetworkSpec
from ganforge_fid.copies import Memorisation
from ganforge_fid.dinov2 import DINOv2Spec
from ganforge_fid.efficientnet import EfficientNetLite0Spec, EfficientNetLite2Spec
from ganforge_fid.feature_networks import EfficientNetLite0Features
from ganforge_fid.inception import InceptionSpec
from ganforge_fid.label_specs import Downstream, LabelAgreement
from ganforge_fid.prdc import PRDC
from ganforge_fid.specs import FID, KID, FrechetDistance, KernelDistance
from ganforge_fid.torchvision_networks import TorchvisionSpec


@hookimpl
def ganforge_evaluators() -> list[type[EvaluatorSpec]]:
    return [FrechetDistance, KernelDistance, FID, KID, PRDC, Memorisation, LabelAgreement, Downstream]


@hookimpl
def ganforge_extractors() -> list[type[ExtractorSpec]]:
    return [EfficientNetLite0Spec, EfficientNetLite2Spec, InceptionSpec, TorchvisionSpec, DINOv2Spec]


@hookimpl
def ganforge_feature_networks() -> list[type[FeatureNetworkSpec]]:
    return [EfficientNetLite0Features]
