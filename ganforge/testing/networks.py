"""Conformance of mapping networks and initialisations."""

# N batch, Z latent, E extra inputs, W style

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from ganforge.interfaces import InitialisationSpec, MappingSpec
from ganforge.shapes import Shape
from ganforge.testing.classes import check_class_rows
from ganforge.testing.specs import check_spec, expect

if TYPE_CHECKING:
    from torch import nn


def check_mapping(spec: MappingSpec, latent_dim: int = 6) -> None:
    """A mapping network gives styles of the declared length, sample by sample, and widens without a change."""
    import torch

    from ganforge.testing import tensors

    check_spec(spec)
    kind = spec.kind
    declared = spec.style_dim(latent_dim)
    module = tensors.build(lambda: spec.build(latent_dim), kind)
    check_class_rows(kind, module, getattr(module, "num_classes", None))
    tensors.randomise(module)
    z = tensors.normal(tensors.BATCH, latent_dim)
    labels = torch.arange(tensors.BATCH) % getattr(module, "num_classes", 1)

    def rest(rows: list[int] | slice = slice(None)) -> tuple[torch.Tensor, ...]:
        """What a mapping network with classes of its own is given besides."""
        return (labels[rows],) if hasattr(module, "num_classes") else ()

    with tensors.no_global_randomness(kind):
        w = module(z, None, *rest())
    expect(
        tuple(w.shape) == (len(z), declared),
        f"{kind}: declares a style of length {declared}, but gives {tuple(w.shape)} for {len(z)} samples.",
    )
    tensors.check_rows(lambda rows: module(z[rows], None, *rest(rows)), kind)
    tensors.check_gradients(w, module, kind)
    expect(hasattr(module, "widen"), f"{kind}: its module lacks `widen`, which a label at the latent needs.")
    wide = copy.deepcopy(module)
    wide.widen(2)  # type: ignore[operator]
    wide.double()
    lost = set(module.state_dict()) - set(wide.state_dict())
    expect(not lost, f"{kind}: `widen` renames {', '.join(sorted(lost))}.")
    extra = tensors.normal(len(z), 2, seed=4)
    expect(
        tensors.same(wide(z, extra, *rest()), w),
        f"{kind}: a freshly widened mapping computes something else; its new weights must start at zero.",
    )
    tensors.randomise(wide)
    out = wide(z, extra, *rest())
    expect(not tensors.same(out, wide(z, -extra, *rest())), f"{kind}: the extra inputs change nothing once widened.")
    tensors.check_gradients(out, wide, f"{kind}, widened")


def check_initialisation(spec: InitialisationSpec) -> None:
    """The same seed gives the same finite values, and what starts as "changes nothing" still changes nothing."""
    import torch

    from ganforge.testing import tensors

    check_spec(spec)
    kind = spec.kind
    networks = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            networks.append(_network())
            spec.apply(networks[-1])
    first, second = (network.state_dict() for network in networks)
    expect(
        all(torch.equal(first[key], second[key]) for key in first),
        f"{kind}: gives other values under the same seed; draw from torch's global generator alone.",
    )
    bad = [key for key, value in first.items() if not bool(torch.isfinite(value).all())]
    expect(not bad, f"{kind}: gives values that are not finite in {', '.join(bad)}.")
    for key, value in first.items():
        neutral = 1.0 if key.endswith(".gamma") else 0.0 if ".extra" in key or key.endswith(".beta") else None
        expect(
            neutral is None or bool((value == neutral).all()),
            f"{kind}: changes {key}, which must start at {neutral:g} so that it changes nothing."
            if neutral is not None
            else "",
        )
    image = networks[0](tensors.normal(2, 4).float(), torch.tensor([0, 1]))
    expect(bool(torch.isfinite(image).all()), f"{kind}: a small network with these values gives no finite image.")


def _network() -> nn.Module:
    """A generator with a mapping network, a label, an AdaFM and a style block."""
    from ganforge.blocks.specs import ImageHead, LatentToGrid, Residual, Style
    from ganforge.networks.injections import Concatenate
    from ganforge.networks.mapping import MappingMLP
    from ganforge.networks.staged import Generator, PlacedInjection

    specs = {
        "fc": LatentToGrid(channels=4, side=2),
        "style_0": Style(channels=4, upsampling="transposed", residual_scale=0.1),
        "resnet_0_0": Residual(channels=2),
        "conv_img": ImageHead(),
    }
    shape, blocks = Shape(4, 1, 1), {}
    for key, spec in specs.items():
        blocks[key] = spec.build(shape, 3)
        shape = spec.out_shape(shape)
    mapping = MappingMLP(depth=2, width=3).build(4)
    label = Concatenate(dim=2)
    blocks["fc"].widen(2)  # type: ignore[operator]
    mapping.widen(2)  # type: ignore[operator]
    blocks["resnet_0_0"].add_adafm()  # type: ignore[operator]
    placed = PlacedInjection("label_fc_concatenate", 0, "extra", feeds_mapping=True)
    return Generator(4, blocks, mapping, [(placed, label.build(Shape(4, 1, 1), 2))])
