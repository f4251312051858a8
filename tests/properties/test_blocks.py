"""What holds for every block that anybody registers, at any size."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from cases import PROPERTY, components
from hypothesis import given
from hypothesis import strategies as st

from ganforge.blocks.base import Context
from ganforge.interfaces import BlockSpec
from ganforge.shapes import Shape, ShapeError
from ganforge.testing import check_block

small = st.integers(1, 8)
latents = st.builds(Shape, small, st.just(1), st.just(1))
features = st.builds(Shape, small, small, small)
#: Values for the fields that a kind has; fields without one keep their default.
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "channels": small,
    "side": st.integers(1, 4),
    "kernel": st.sampled_from([3, 5, 7]),
    "num_classes": st.integers(1, 4),
    "num_logits": st.sampled_from([1, 3]),
    "dim": small,
    "upsampling": st.sampled_from(["none", "nearest", "bilinear", "transposed"]),
    "mode": st.sampled_from(["nearest", "bilinear"]),
    "residual_scale": st.sampled_from([0.1, 1.0]),
    "noise": st.booleans(),
    "clip_gradient": st.booleans(),
    "normalise": st.booleans(),
    "gain": st.sampled_from([1.0, 1000.0]),
}


@st.composite
def blocks(draw: st.DrawFn) -> BlockSpec:
    registry = components()["block"]
    kind = registry.get(draw(st.sampled_from([name for name, _, _ in registry])))
    assert kind is not None
    fields = {name: draw(values) for name, values in FIELDS.items() if name in kind.model_fields}
    return kind(**fields)


@PROPERTY
@given(blocks(), st.one_of(latents, features))
def test_declared_shape_is_built_shape_or_the_walk_is_told_why_not(spec: BlockSpec, shape: Shape) -> None:
    """The build is on the meta device, so that it costs nothing and proves that `build` computes no values."""
    style_dim = 3 if spec.needs_style else 0
    try:
        declared = spec.out_shape(shape)
    except ShapeError as error:
        assert str(error).endswith(".")
        return
    with torch.device("meta"):
        module = spec.build(shape, style_dim)
        style = torch.zeros(2, style_dim) if style_dim else None
        labels = torch.zeros(2, dtype=torch.int64)
        noise = lambda height, width: torch.zeros(2, 1, height, width)  # noqa: E731
        out = module(torch.zeros(2, *shape), Context(style, labels, noise))
    assert tuple(out.shape) == (2, *declared)


@PROPERTY
@given(blocks(), features.filter(lambda shape: shape.height * shape.width > 1))
def test_every_block_keeps_its_promises_at_any_size(spec: BlockSpec, shape: Shape) -> None:
    if spec.kind in ("latent_to_grid", "class_embedding"):
        shape = Shape(shape.channels, 1, 1)
    elif spec.kind == "average_pool":
        shape = Shape(shape.channels, max(2, shape.height), max(2, shape.width))
    elif spec.kind == "pixel_norm":
        shape = shape.with_channels(max(2, shape.channels))  # one channel alone has no length but 1
    if spec.kind in ("style", "statistics_affine") and shape.height * shape.width < 9:
        shape = Shape(shape.channels, 3, 3)  # over two pixels a normalisation leaves two values
    check_block(spec, shape)


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "message"),
    [
        ("latent_to_grid", {"channels": 2}, Shape(4, 2, 2), "expects a latent (Z x 1 x 1), but gets 4 x 2 x 2."),
        (
            "class_embedding",
            {"num_classes": 2, "dim": 2},
            Shape(4, 2, 2),
            "expects a latent (Z x 1 x 1), but gets 4 x 2 x 2.",
        ),
        ("average_pool", {}, Shape(4, 1, 2), "can't halve 1 x 2 pixels."),
        (
            "statistics_affine",
            {},
            Shape(4, 1, 1),
            "normalises each channel over its pixels, so it needs more than one pixel.",
        ),
        (
            "style",
            {"channels": 2},
            Shape(4, 1, 1),
            "normalises each channel over its pixels, so it needs more than one pixel.",
        ),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(kind: str, fields: dict[str, Any], shape: Shape, message: str) -> None:
    spec = components()["block"].get(kind)
    assert spec is not None
    with pytest.raises(ShapeError) as caught:
        spec(**fields).out_shape(shape)
    assert str(caught.value) == message
