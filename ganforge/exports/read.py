"""A generator from an exported folder: verified, built from registered components, loaded strictly."""

from __future__ import annotations

from pathlib import Path

import torch

from ganforge.errors import CheckpointError, RecipeError
from ganforge.exports.config import CONFIG, MANIFEST, WEIGHTS, read_config
from ganforge.files import is_file, read_json, sha256_of
from ganforge.networks.staged import Generator
from ganforge.plan.build import assemble, build_network
from ganforge.plan.walk import plan_generator
from ganforge.recipe.models import LoadRules
from ganforge.registry import Components
from ganforge.tensors import load_tensors
from ganforge.trained import Trained
from ganforge.weights.load import load_strict


def open_exported(path: Path, components: Components, device: torch.device) -> Trained:
    """The generator of a folder that `ganforge export` wrote. Raises CheckpointError with what is wrong."""
    verify(path, CONFIG, WEIGHTS)
    config = read_config(read_json(path / CONFIG, CheckpointError), str(path / CONFIG), components)
    try:
        plan = plan_generator(config.generator, config.sites, len(config.classes), config.resolution)
    except RecipeError as error:
        raise CheckpointError(f"{path / CONFIG} can't be used:\n  {error}") from error
    tensors = load_tensors(path / WEIGHTS)
    with torch.device("meta"):  # a config may ask for more than the memory holds; the weights show that
        expected = {name: tensor.shape for name, tensor in assemble(plan).state_dict().items()}
    if {name: tensor.shape for name, tensor in tensors.items()} != expected:
        odd = [
            name for name in {**expected, **tensors} if name not in tensors or expected.get(name) != tensors[name].shape
        ]
        raise CheckpointError(f"{path / WEIGHTS} doesn't fit {CONFIG}: {', '.join(odd[:5])}.")
    generator = build_network(plan, 0)
    assert isinstance(generator, Generator)
    load_strict("generator", generator, tensors, LoadRules())
    return Trained(generator.eval().to(device), plan, config.card)


def verify(path: Path, *names: str) -> None:
    """Raise CheckpointError unless the manifest lists these files and they are as it says."""
    digests = read_json(path / MANIFEST, CheckpointError)
    if not isinstance(digests, dict):
        raise CheckpointError(f"{path / MANIFEST} is no manifest of an export.")
    for name in names:
        if name not in digests and not is_file(path / name):
            raise CheckpointError(
                f"{path} has no {name}, so that only its graphs can be used, by their own runtimes. "
                "Export it with `--format safetensors` too."
            )
        if not is_file(path / name) or sha256_of(path / name) != digests.get(name):
            raise CheckpointError(f"{path / name} is missing or damaged: its sha256 differs from the manifest's.")
