"""Conformance of the pretrained networks through which a discriminator sees images."""

# N batch, C channels, H W pixels

from __future__ import annotations

from typing import TYPE_CHECKING

from ganforge.interfaces import FeatureNetworkSpec
from ganforge.shapes import Shape
from ganforge.testing.specs import check_spec, expect

if TYPE_CHECKING:
    from torch import Tensor

#: The sides differ so that a mix-up shows.
IMAGE = Shape(3, 32, 48)


def check_feature_network(spec: FeatureNetworkSpec, image: Shape = IMAGE) -> None:
    """A feature network gives the shapes it declares, the same ones twice, each row from its image alone.

    A gradient reaches the images from each output. Whatever file or package the network needs must be there.
    """
    import torch

    from ganforge.testing import tensors

    check_spec(spec)
    kind = spec.kind
    spec.preflight()
    declared = spec.out_shapes(image)
    expect(declared, f"{kind}: declares no output for images of {image}.")
    network = tensors.build(spec.build, kind).eval()
    images = tensors.normal(tensors.BATCH, *image).clamp(-1, 1)
    with tensors.no_global_randomness(kind):
        outputs = network(images)
    found = [tuple(out.shape[1:]) for out in outputs]
    expect(
        found == [tuple(shape) for shape in declared],
        f"{kind}: declares {[str(shape) for shape in declared]}, but gives {found}.",
    )
    for level in range(len(declared)):

        def output(rows: list[int], level: int = level) -> Tensor:
            features: Tensor = network(images[rows])[level]
            return features

        tensors.check_rows(output, kind)
        leaf = images.clone().requires_grad_()
        expect(
            tensors.passes_gradient(network(leaf)[level], leaf),
            f"{kind}: no finite gradient reaches the images from output {level}.",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        again = spec.build().to(torch.float64).eval()(images)
    expect(
        all(torch.equal(a, b) for a, b in zip(again, outputs, strict=True)),
        f"{kind}: gives something else when it is built again (weights drawn at random?).",
    )
