"""The conformance kit finds each promise that an extractor breaks and says which one it is."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pytest
from ganforge_stub.extractors import StubColours

from ganforge.interfaces import EvaluatorSpec, ExtractorSpec
from ganforge.registry import Lookup
from ganforge.testing import check_extractor, check_spec

MESSAGES = {
    "sha256": "faulty: its sha256 must be 64 hex digits, but is 'abc'.",
    "no resizer": "faulty: leaves blank: resizer. Say 'none' where images are not resized.",
    "changes images": "faulty: changes the images that it was given.",
    "dim": "faulty: declares 4 features, but gives an array of shape (4, 3) for 4 images.",
    "float64": "faulty: must give float32, but gives float64.",
    "not finite": "faulty: gives numbers that are not finite.",
    "dropout": "faulty: gives other features for the same images (dropout?).",
    "batch": (
        "faulty: the features of an image depend on the other images of its batch (batch normalisation in training "
        "mode does this)."
    ),
    "random": "faulty: gives something else when it is built again (weights drawn at random?).",
}


class Faulty(ExtractorSpec):
    """An extractor that does one thing wrong."""

    kind: Literal["faulty"] = "faulty"
    fault: str

    def build(self, device: str) -> Network:
        return Network(self.fault)


class Network:
    name = "network"

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.sha256 = "abc" if fault == "sha256" else "0" * 64
        self.resizer = "" if fault == "no resizer" else "none"
        self.dim = 4 if fault == "dim" else 3
        self.random = np.random.default_rng()
        self.scale = self.random.random() if fault == "random" else 1.0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        features = images.mean(axis=(2, 3)) * self.scale
        match self.fault:
            case "changes images":
                images[:] = 0
            case "not finite":
                features[0, 0] = np.nan
            case "dropout":
                features *= self.random.random(features.shape)
            case "batch":
                features -= features.mean(axis=0)
        return features.astype(np.float64 if self.fault == "float64" else np.float32)


@pytest.mark.parametrize("fault", MESSAGES)
def test_a_broken_promise_of_an_extractor_is_named(fault: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_extractor(Faulty(fault=fault))
    assert str(caught.value) == MESSAGES[fault]


def test_an_extractor_without_a_fault_passes() -> None:
    check_extractor(Faulty(fault=""))


class Holder(EvaluatorSpec):
    """An evaluator with an extractor, and with some in other fields."""

    kind: Literal["holder"] = "holder"
    extractor: Annotated[ExtractorSpec, Lookup("extractor")] = StubColours()
    more: tuple[Annotated[ExtractorSpec, Lookup("extractor")], ...] = ()

    def evaluate(self, real, fake, context):
        raise NotImplementedError


@pytest.mark.parametrize("spec", [Holder(), Holder(extractor=Faulty(fault="")), Holder(more=(Faulty(fault="a"),))])
def test_a_spec_that_holds_components_survives_its_round_trip(spec: Holder) -> None:
    check_spec(spec)
