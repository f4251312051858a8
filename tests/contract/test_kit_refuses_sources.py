"""The conformance kit finds each promise that a source breaks and says which one it is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import torch

from ganforge.interfaces import SourceSpec
from ganforge.testing import check_source
from ganforge.weights.checkpoint_source import CheckpointSource, Networks
from ganforge.weights.pretrained import PretrainedWeights, Provenance, PublishedFile, StoreContext

MESSAGES = {
    "no networks": "faulty: gives neither a generator nor a discriminator.",
    "prefix": "faulty: names of the generator still have the prefix 'module.': module.fc.bias.",
    "not finite": "faulty: the generator holds numbers that are not finite in fc.bias.",
    "random": "faulty: gives another generator when it is fetched again.",
    "no licence": "faulty: its provenance leaves blank: licence.",
    "not cached": "faulty: says that it downloads a file, but `cached` finds nothing in the cache after `fetch`.",
}


class Faulty(SourceSpec):
    """A source that does one thing wrong."""

    kind: Literal["faulty"] = "faulty"
    fault: str

    def published(self) -> PublishedFile | None:
        return PublishedFile("https://example.invalid/gan.pt", "0" * 8) if self.fault == "not cached" else None

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        values = {"not finite": torch.tensor([torch.nan]), "random": torch.rand(1)}
        name = "module.fc.bias" if self.fault == "prefix" else "fc.bias"
        generator = {name: values.get(self.fault, torch.ones(1))}
        provenance = Provenance("made up", "made up", "none", "" if self.fault == "no licence" else "CC0-1.0")
        return PretrainedWeights(None if self.fault == "no networks" else generator, None, provenance)


@pytest.mark.parametrize("fault", MESSAGES)
def test_a_broken_promise_of_a_source_is_named(fault: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as caught:
        check_source(Faulty(fault=fault), tmp_path)
    assert str(caught.value) == MESSAGES[fault]


def test_a_source_without_a_fault_passes(tmp_path: Path) -> None:
    check_source(Faulty(fault=""), tmp_path)


class Nameless(CheckpointSource):
    """A source whose files would all be kept under no name."""

    kind: Literal["nameless"] = "nameless"
    licence: str = "CC0-1.0"

    @staticmethod
    def read(file: Path) -> Networks:
        return Networks({"fc.bias": torch.ones(1)})


def test_a_checkpoint_source_must_say_under_which_names_its_files_are_kept(tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as caught:
        check_source(Nameless(path=tmp_path), tmp_path)
    assert str(caught.value) == "nameless: its class doesn't set: layout, title."
