"""A generator as one graph without Python: its inputs, how it is traced, and the check that it computes the same."""

# N batch, Z latent, W style, K classes, L noise values, H W pixels

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganforge.blocks.base import Context
from ganforge.errors import GanforgeError
from ganforge.networks.folding import folded
from ganforge.networks.staged import Generator
from ganforge.randomness import Draws
from ganforge.sampling import Sampler

#: Largest difference of a pixel in [-1, 1] from what the network computes; a grey level is 0.0078.
TOLERANCE = 1e-4
#: A network that amplifies rounding is given this many times what its own images in float32 are off from float64 ...
ROUNDINGS = 4
#: ... but never more than half a grey level.
MOST = 1 / 255
#: Sizes of the batches that are compared; the graph is traced with the second.
BATCHES = (1, 3, 4)
#: Mean styles, towards which truncation pulls, are those of this seed of `ganforge sample`.
MEAN_SEED = 0

Inputs = dict[str, Tensor]


class Agreement(NamedTuple):
    """Largest difference of a pixel in [-1, 1] that was found, and that was allowed."""

    difference: float
    allowed: float


class ExportError(GanforgeError):
    """A generator can't be exported in the format that was asked for."""

    exit_code = 2


class Graph(nn.Module):
    """z (N, Z), label (N,) int64, truncation (N,), noise (N, L) -> images (N, 3, H, W) in [-1, 1].

    There is no `label` where the generator reads none, and no `noise` where it injects none. The noise maps lie one
    after the other in `noise`, standard normal; zeros give images without noise.
    """

    means: Tensor | None

    def __init__(self, generator: Generator, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.noise_sides = noise_sides(generator)
        self.is_conditional = generator.is_conditional
        self.generator = folded(generator).cpu().to(memory_format=torch.contiguous_format)
        self.generator.may_absorb = False  # the plain way: its operations are those that every runtime has
        self.register_buffer("means", _mean_styles(generator, num_classes))

    def forward(
        self, z: Tensor, label: Tensor | None = None, truncation: Tensor | None = None, noise: Tensor | None = None
    ) -> Tensor:
        assert truncation is not None
        style = self.generator.style(z, label)
        if style is None:
            z = z * truncation[:, None]
        else:
            assert self.means is not None
            mean = self.means[label] if label is not None and self.is_conditional else self.means
            style = style + (truncation[:, None] - 1) * (style - mean)
        images: Tensor = self.generator(z, label, Context(style=style, noise=_maps(noise)))
        return images

    def inputs(self, num: int, seed: int = 0) -> Inputs:
        """Inputs for a batch, the same for the same seed."""
        draws = Draws(seed, f"export {num}", range(num))
        found = {"z": draws.normal(self.generator.latent_dim)}
        if self.is_conditional:
            found["label"] = torch.arange(num) % self.num_classes
        found["truncation"] = torch.linspace(1, 0.5, num)
        if self.noise_sides:
            found["noise"] = torch.cat([draws.normal(height * width) for height, width in self.noise_sides], dim=1)
        return found


@dataclass
class _Maps:
    """Takes the noise maps off one tensor, in the order in which they are asked for."""

    noise: Tensor
    used: int = 0

    def __call__(self, height: int, width: int) -> Tensor:
        start, self.used = self.used, self.used + height * width
        return self.noise[:, start : self.used].unflatten(1, (1, height, width))


def _maps(noise: Tensor | None) -> Callable[[int, int], Tensor] | None:
    return None if noise is None else _Maps(noise)


@torch.inference_mode()
def noise_sides(generator: Generator) -> tuple[tuple[int, int], ...]:
    """(height, width) of each noise map that the generator asks for, in order."""
    asked: list[tuple[int, int]] = []
    device = next(generator.parameters()).device

    def noise(height: int, width: int) -> Tensor:
        asked.append((height, width))
        return torch.zeros(1, 1, height, width, device=device)

    label = torch.zeros(1, dtype=torch.int64, device=device)
    generator(torch.zeros(1, generator.latent_dim, device=device), label, Context(noise=noise))
    return tuple(asked)


def _mean_styles(generator: Generator, num_classes: int) -> Tensor | None:
    """(K, W), or (1, W) where the generator reads no label; None without a mapping network."""
    if generator.mapping is None:
        return None
    sampler = Sampler(generator, MEAN_SEED)
    means = [sampler.mean_style(label) for label in range(num_classes if generator.is_conditional else 1)]
    return torch.stack(means).cpu().clone()


def trace(graph: Graph) -> torch.export.ExportedProgram:
    """The graph for any number of images. Raises ExportError that names the block which can't be traced."""
    examples = graph.inputs(BATCHES[1])
    batch = torch.export.Dim("batch", min=1)
    shapes = {name: {0: batch} for name in examples}
    entered: list[str] = []
    hooks = [
        module.register_forward_pre_hook(lambda *_, name=name: entered.append(name))
        for name, module in graph.generator.named_children()
    ]
    try:
        with torch.no_grad():
            program = torch.export.export(graph, (), examples, dynamic_shapes=shapes)
    except Exception as error:  # whatever a third party's block does while it is traced
        block = entered[-1] if entered else "its input"
        kind = type(getattr(graph.generator, block, graph)).__name__
        raise ExportError(
            f"the generator can't be traced: '{block}' ({kind}) does what no graph can: {_first_line(error)} "
            "Export it as safetensors alone, or change that block."
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    return _without_places(program)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}".rstrip(".: ") + "."


def _without_places(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """Without the lines of source, and with them the paths of this machine, that torch notes at each operation."""
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                for key in ("stack_trace", "from_node", "source_fn_stack"):
                    node.meta.pop(key, None)
    return program


@torch.inference_mode()
def expected(generator: Generator, graph: Graph, inputs: Inputs) -> Tensor:
    """What the network itself computes, the way in which `ganforge sample` does: (N, 3, H, W)."""
    device = next(generator.parameters()).device
    given = {name: value.to(device) for name, value in inputs.items()}
    z, label, truncation = given["z"], given.get("label"), given["truncation"][:, None]
    style = generator.style(z, label)
    if style is None:
        z = z * truncation
    else:
        assert graph.means is not None
        means = graph.means.to(device)
        mean = means[label] if label is not None else means
        style = mean + truncation * (style - mean)
    images: Tensor = generator(z, label, Context(style=style, noise=_maps(given.get("noise"))))
    return images.float().cpu()


def rounding(generator: Generator, graph: Graph, inputs: Inputs) -> float:
    """How far the network's own images, in float32, are from those in float64; 0 where a block has no float64."""
    means = graph.means
    double = {name: value.double() if value.is_floating_point() else value for name, value in inputs.items()}
    try:
        graph.means = None if means is None else means.double()
        exact = expected(copy.deepcopy(generator).cpu().double(), graph, double)
    except RuntimeError:
        return 0.0
    finally:
        graph.means = means
    return float((exact - expected(generator, graph, inputs)).abs().max())


def compare(name: str, generator: Generator, graph: Graph, run: Callable[[Mapping[str, Tensor]], Tensor]) -> Agreement:
    """How far images by `run` are from the network's, over batches of several sizes. Raises ExportError if too far."""
    worst, most = 0.0, TOLERANCE
    for num in BATCHES:
        inputs = graph.inputs(num, seed=num)
        wanted, got = expected(generator, graph, inputs), run(inputs)
        difference = float((wanted - got).abs().max()) if got.shape == wanted.shape else float("inf")
        allowed = TOLERANCE
        if not difference <= allowed:
            allowed = max(allowed, min(MOST, ROUNDINGS * rounding(generator, graph, inputs)))
        if not difference <= allowed:
            raise ExportError(
                f"{name} computes other images than the network: a pixel in [-1, 1] differs by {difference:.2g} in a "
                f"batch of {num}, and at most {allowed:.2g} is allowed. A block may draw random numbers of its own, or "
                "depend on values that a graph holds constant. Nothing was written."
            )
        worst, most = max(worst, difference), max(most, allowed)
    return Agreement(worst, most)
