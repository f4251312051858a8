"""A third party's plugin: one component of several kinds."""

from __future__ import annotations

from ganforge import hookimpl, interfaces
from ganforge_stub.blocks import StubGate
from ganforge_stub.data import StubStripes
from ganforge_stub.depths import StubMiddle
from ganforge_stub.evaluators import StubBrightness
from ganforge_stub.extractors import StubColours
from ganforge_stub.feature_networks import StubEdges
from ganforge_stub.sources import StubOnes
from ganforge_stub.trackers import StubNotes


@hookimpl
def ganforge_blocks() -> list[type[interfaces.BlockSpec]]:
    return [StubGate]


@hookimpl
def ganforge_depths() -> list[type[interfaces.DepthSpec]]:
    return [StubMiddle]


@hookimpl
def ganforge_datasets() -> list[type[interfaces.DatasetSpec]]:
    return [StubStripes]


@hookimpl
def ganforge_evaluators() -> list[type[interfaces.EvaluatorSpec]]:
    return [StubBrightness]


@hookimpl
def ganforge_extractors() -> list[type[interfaces.ExtractorSpec]]:
    return [StubColours]


@hookimpl
def ganforge_feature_networks() -> list[type[interfaces.FeatureNetworkSpec]]:
    return [StubEdges]


@hookimpl
def ganforge_sources() -> list[type[interfaces.SourceSpec]]:
    return [StubOnes]


@hookimpl
def ganforge_trackers() -> list[type[interfaces.TrackerSpec]]:
    return [StubNotes]
