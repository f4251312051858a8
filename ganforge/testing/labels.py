"""Conformance of injections and depths: how and where a label enters."""

# N batch, C channels, E extra channels, H W pixels

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ganforge.interfaces import DepthSpec, InjectionSpec, Sites
from ganforge.shapes import Shape
from ganforge.testing.classes import check_class_rows
from ganforge.testing.specs import check_spec, expect

if TYPE_CHECKING:
    from torch import Tensor

#: Features to inject into; the sides differ so that a mix-up shows.
FEATURES = Shape(4, 3, 5)


def check_injection(spec: InjectionSpec, shape: Shape = FEATURES, num_classes: int = 3) -> None:
    """A fresh injection changes nothing, has the shape of its target, and tells labels apart once it has trained."""
    import torch

    from ganforge.blocks.base import Context
    from ganforge.blocks.operations import Operations
    from ganforge.testing import tensors
    from ganforge.testing.linearity import check_piecewise_linear

    check_spec(spec)
    kind = spec.kind
    expect(
        spec.target in ("features", "extra", "logit"),
        f"{kind}: `target` must be features, extra or logit, not {spec.target!r}.",
    )
    channels = spec.extra_channels()
    expect(
        (channels > 0) == (spec.target == "extra"),
        f"{kind}: `extra_channels` must be positive for target extra and 0 for others, but is {channels}.",
    )
    module = tensors.build(lambda: spec.build(shape, num_classes), kind)
    check_class_rows(kind, module, num_classes)
    h = tensors.normal(tensors.BATCH, *shape)
    labels = torch.arange(tensors.BATCH) % num_classes
    with tensors.no_global_randomness(kind):
        out = module(h, Context(labels=labels))
    expected = {
        "features": tuple(h.shape),
        "extra": (len(h), channels, *shape[1:]),
        "logit": (len(h),),
    }[spec.target]
    expect(tuple(out.shape) == expected, f"{kind}: must give {expected}, but gives {tuple(out.shape)}.")
    if spec.target == "features":
        expect(torch.equal(out, h), f"{kind}: a fresh injection must give back the features that came in.")
    if spec.target == "logit":
        expect(not bool(out.any()), f"{kind}: a fresh injection must add zero to the logit.")
    tensors.randomise(module)
    tensors.check_rows(lambda rows: module(h[rows], Context(labels=labels[rows])), kind)
    by_class = [module(h, Context(labels=torch.full((len(h),), label))) for label in range(num_classes)]
    same = [a for a in range(num_classes) for b in range(a) if tensors.same(by_class[a], by_class[b])]
    expect(not same, f"{kind}: gives the same result for two different labels.")
    tensors.check_gradients(torch.stack(by_class), module, kind)
    if spec.piecewise_linear:

        def joined(x: Tensor, ops: Operations) -> Tensor:
            out = module(x, Context(labels=labels, ops=ops))
            return torch.cat([x, out], dim=1) if spec.target == "extra" else out

        check_piecewise_linear(kind, joined, module, h)


def example_sites() -> tuple[Sites, Sites]:
    """The sites of a small generator and a small discriminator; the blocks near the image are frozen."""
    generator = Sites(
        "generator",
        ("fc", "resnet_0_0", "up_0", "resnet_1_0", "conv_img"),
        (Shape(8, 1, 1), Shape(8, 4, 4), Shape(8, 4, 4), Shape(8, 8, 8), Shape(4, 8, 8), Shape(3, 8, 8)),
        frozen=frozenset({"resnet_1_0", "conv_img"}),
    )
    discriminator = Sites(
        "discriminator",
        ("conv_img", "resnet_0_0", "pool_0", "resnet_1_0", "fc"),
        (Shape(3, 8, 8), Shape(4, 8, 8), Shape(4, 8, 8), Shape(4, 4, 4), Shape(8, 4, 4), Shape(1, 1, 1)),
        frozen=frozenset({"conv_img", "resnet_0_0"}),
    )
    return generator, discriminator


def check_depth(spec: DepthSpec, sites: Sequence[Sites] = ()) -> None:
    """A depth finds a site of at least one of the networks, or says in one sentence why there is none.

    sites: the networks to look at; none: those of `example_sites`, with something and with nothing frozen.
    """
    check_spec(spec)
    kind = spec.kind
    networks = list(sites) or [
        network for example in example_sites() for network in (example, replace(example, frozen=frozenset()))
    ]
    found = 0
    for network in networks:
        try:
            site = spec.locate(network)
        except ValueError as error:
            expect(str(error).strip(), f"{kind}: raises a ValueError without a message.")
            continue
        found += 1
        last = len(network.keys)
        expect(
            isinstance(site, int) and 0 <= site <= last,
            f"{kind}: must give a site from 0 to {last} of the {network.network}, but gives {site!r}.",
        )
        expect(site == spec.locate(network), f"{kind}: gives another site when it is asked again.")
    expect(found, f"{kind}: finds no site in any of {len(networks)} networks; pass `sites` in which there is one.")
