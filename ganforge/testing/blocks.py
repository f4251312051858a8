"""Conformance of blocks."""

# N batch, W style, C channels, H W pixels

from __future__ import annotations

import copy
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ganforge.interfaces import BlockSpec
from ganforge.shapes import Shape
from ganforge.testing.classes import check_class_rows
from ganforge.testing.specs import check_spec, expect

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ganforge.blocks.base import Context
    from ganforge.blocks.operations import Operations

#: Classes for blocks that read labels.
NUM_CLASSES = 2
STYLE_DIM = 5
#: Side of the random maps from which noise of any size is cut.
_NOISE_SIDE = 64
#: An input that most blocks can take.
FEATURES = Shape(4, 6, 6)


def check_block(spec: BlockSpec, shape: Shape = FEATURES) -> None:
    """A block gives the shape it declares, treats samples alone, and is what its class variables say.

    shape: an input that the block can take. Beyond that: the same seed gives the same parameters; random numbers
    come from the context alone; gradients reach input and parameters, also twice (as gradient penalties need
    it); a freshly widened or adapted block computes what it computed before; what `class_rows` names has a row for each
    class.
    """
    from ganforge.testing import tensors

    check_spec(spec)
    kind = spec.kind
    style_dim = STYLE_DIM if spec.needs_style else 0
    declared = spec.out_shape(shape)
    module = tensors.build(lambda: spec.build(shape, style_dim), kind)
    tensors.randomise(module)
    h = tensors.normal(tensors.BATCH, *shape)
    rows = list(range(tensors.BATCH))
    with tensors.no_global_randomness(kind):
        out = module(h, _context(rows, style_dim))
    found = tuple(out.shape[1:])
    expect(found == tuple(declared), f"{kind}: declares {declared} for {shape}, but gives {Shape(*found)}.")
    expect(out.dtype == h.dtype, f"{kind}: turns {h.dtype} into {out.dtype}.")
    expect(
        tensors.same(out, module(h, _context(rows, style_dim))),
        f"{kind}: gives another result when it is called again with the same input and context.",
    )
    tensors.check_rows(lambda rows: module(h[rows], _context(rows, style_dim)), kind)
    _check_flags(spec, module, h, out, style_dim)
    check_class_rows(kind, module, _num_classes(spec))
    x = h.clone().requires_grad_()
    out = module(x, _context(rows, style_dim))
    tensors.check_gradients(out, module, kind)
    expect(
        spec.starts_from_style or tensors.passes_gradient(out, x),
        f"{kind}: passes no finite gradient to its input, so the blocks in front of it could never train.",
    )
    if spec.widens:
        _check_widening(kind, module, h, _context(rows, style_dim))
    if spec.absorbs_upsampling:
        _check_upsampling(kind, module, h, _context(rows, style_dim))
    if spec.absorbs_pooling or spec.piecewise_linear:
        _check_folds(spec, module, h, _context(rows, style_dim))
    if spec.adapts:
        _check_adafm(kind, module, h, _context(rows, style_dim))


def _num_classes(spec: BlockSpec) -> int | None:
    from ganforge.plan.plan import CLASS_FIELDS

    return next((getattr(spec, name) for name in CLASS_FIELDS if hasattr(spec, name)), None)


def _context(rows: Sequence[int], style_dim: int) -> Context:
    """Style, labels and noise for some samples of the batch, the same for the same sample."""
    import torch

    from ganforge.blocks.base import Context
    from ganforge.testing.tensors import BATCH, normal

    style = normal(BATCH, style_dim, seed=2)[rows] if style_dim else None
    noise = normal(BATCH, 1, _NOISE_SIDE, _NOISE_SIDE, seed=3)[rows]
    labels = torch.arange(BATCH)[rows] % NUM_CLASSES
    return Context(style, labels, lambda height, width: noise[:, :, :height, :width])


def _check_flags(spec: BlockSpec, module: nn.Module, h: Tensor, out: Tensor, style_dim: int) -> None:
    from dataclasses import replace

    from ganforge.blocks.base import ConvBlock
    from ganforge.testing.tensors import same

    kind = spec.kind
    has_parameters = any(True for _ in module.parameters())
    expect(not (spec.parameter_free and has_parameters), f"{kind}: says that it is parameter_free, but has parameters.")
    expect(
        not (spec.parameter_free and out.shape[1] != h.shape[1]),
        f"{kind}: is parameter_free, so it must keep the number of channels.",
    )
    for flag, method, names in (("widens", "widen", "widening"), ("adapts", "add_adafm", "adaptable")):
        is_claimed = getattr(spec, flag)
        expect(not is_claimed or hasattr(module, method), f"{kind}: `{flag}` is true, but its module lacks `{method}`.")
        expect(
            is_claimed or not isinstance(module, ConvBlock) or not getattr(module, names),
            f"{kind}: its module names convolutions in `{names}`, but `{flag}` of the spec is false.",
        )
    for flag, method in (("absorbs_upsampling", "forward_upsampled"), ("absorbs_pooling", "forward_pooled")):
        expect(
            getattr(spec, flag) == hasattr(module, method),
            f"{kind}: `{flag}` is {str(getattr(spec, flag)).lower()}, but its module "
            f"{'has' if hasattr(module, method) else 'lacks'} `{method}`, which networks would use.",
        )
    if spec.needs_style:
        context = _context(range(len(h)), style_dim)
        assert context.style is not None
        other = module(h, replace(context, style=-context.style))
        expect(not same(other, out), f"{kind}: `needs_style` is true, but the style changes nothing.")
    context = _context(range(len(h)), style_dim)
    assert context.labels is not None
    other = module(h, replace(context, labels=1 - context.labels))
    expect(
        same(other, out) or min(_num_classes(spec) or 0, getattr(module, "num_classes", 0)) > 1,
        f"{kind}: reads labels, but its spec or its module has no `num_classes`, so that its network would pass for "
        "unconditional.",
    )


def _check_widening(kind: str, module: nn.Module, h: Tensor, context: Context) -> None:
    from ganforge.testing.tensors import check_gradients, normal, randomise, same

    plain, module = module(h, context), copy.deepcopy(module)
    before = dict(module.named_parameters())
    module.widen(2)  # type: ignore[operator]
    _check_additions(kind, "widen", before, module.double(), ("*.extra*", "extra*"))
    extra = normal(len(h), 2, *h.shape[2:], seed=4)
    expect(
        same(module(h, context, extra), plain),
        f"{kind}: a freshly widened block computes something else; its new weights must start at zero.",
    )
    randomise(module)
    out = module(h, context, extra)
    expect(not same(out, module(h, context, -extra)), f"{kind}: the extra channels change nothing once widened.")
    check_gradients(out, module, f"{kind}, widened")


def _check_upsampling(kind: str, module: nn.Module, h: Tensor, context: Context) -> None:
    from torch.nn.functional import interpolate

    from ganforge.testing.tensors import same

    upsampled = interpolate(h, scale_factor=2, mode="nearest")
    expect(
        same(module.forward_upsampled(h, context), module(upsampled, context)),  # type: ignore[operator]
        f"{kind}: `forward_upsampled` gives something else than the block for the upsampled features.",
    )


def _check_folds(spec: BlockSpec, module: nn.Module, h: Tensor, context: Context) -> None:
    """What the training step may do with the block, widened if that can be."""
    from dataclasses import replace

    from ganforge.blocks.pooling import average_pool
    from ganforge.testing.linearity import check_piecewise_linear
    from ganforge.testing.tensors import normal, randomise, same

    module = copy.deepcopy(module)
    extras: list[Tensor] = []
    if spec.widens:
        module.widen(2)  # type: ignore[operator]
        extras.append(normal(len(h), 2, *h.shape[2:], seed=4))
    randomise(module.double())
    methods = ["forward"]
    if spec.absorbs_pooling:
        methods.append("forward_pooled")
        expect(
            same(module.forward_pooled(h, context, *extras), average_pool(module(h, context, *extras))),  # type: ignore[operator]
            f"{spec.kind}: `forward_pooled` gives something else than average pooling of what the block gives.",
        )
    if not spec.piecewise_linear:
        return
    for method in methods:

        def compute(x: Tensor, ops: Operations, method: str = method) -> Tensor:
            constants = [ops.constant(extra) for extra in extras]
            found: Tensor = getattr(module, method)(x, replace(context, ops=ops), *constants)
            return found

        check_piecewise_linear(spec.kind, compute, module, h)


def _check_adafm(kind: str, module: nn.Module, h: Tensor, context: Context) -> None:
    from ganforge.testing.tensors import check_gradients, randomise, same

    plain, module = module(h, context), copy.deepcopy(module)
    before = dict(module.named_parameters())
    module.add_adafm()  # type: ignore[operator]
    _check_additions(kind, "add_adafm", before, module.double(), ("adafm_*",))
    expect(same(module(h, context), plain), f"{kind}: a fresh AdaFM changes the result.")
    randomise(module)
    check_gradients(module(h, context), module, f"{kind}, adapted")


def _check_additions(
    kind: str, method: str, before: dict[str, nn.Parameter], module: nn.Module, globs: Sequence[str]
) -> None:
    """The parameters from before must keep their names, and new ones be found by the strict loader's globs."""
    after = dict(module.named_parameters())
    lost = [name for name in before if name not in after]
    expect(not lost, f"{kind}: `{method}` renames {', '.join(lost)}, so pretrained weights would no longer load.")
    added = [name for name in after if name not in before]
    expect(added, f"{kind}: `{method}` adds no parameter.")
    misnamed = [name for name in added if not any(fnmatchcase(name, glob) for glob in globs)]
    expect(
        not misnamed, f"{kind}: `{method}` must name its parameters {' or '.join(globs)}, not {', '.join(misnamed)}."
    )
