"""Work and memory of whatever runs meanwhile, counted on tensors that have a shape and no numbers."""

from __future__ import annotations

import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from ganforge.blocks.pooling import forget_matrices

aten = torch.ops.aten
#: Make a tensor and compute nothing.
_EMPTY = (aten.empty, aten.empty_like, aten.empty_strided, aten.new_empty, aten.new_empty_strided, aten.detach)


@dataclass
class Work:
    """What was computed."""

    #: Number format, such as `bfloat16` -> FLOP of convolutions and products (a multiply-add is two).
    flop: Counter[str] = field(default_factory=Counter)
    #: Bytes that all other operations read and write.
    moved: int = 0
    #: Operations, each of which has to be started by itself.
    operations: int = 0
    #: Random numbers, which the processor draws (`ganforge.randomness`).
    drawn: int = 0


class WorkCounter(TorchDispatchMode):
    """Adds up torch's own formulas of work; its FlopCounterMode sets hooks that gradients by leaves don't allow.

    Of tensors with numbers or without.
    """

    def __init__(self) -> None:
        super().__init__()
        self.work = Work()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        out = func(*args, **(kwargs or {}))
        self.note(func, args, kwargs or {}, out)
        return out

    def note(self, func: Any, args: Any, kwargs: Any, out: Any) -> None:
        packet = func._overloadpacket
        if func.is_view or packet in _EMPTY:
            return
        work = self.work
        work.operations += 1
        if packet in flop_registry:
            dtype = next(value.dtype for value in args if isinstance(value, Tensor))
            work.flop[str(dtype).removeprefix("torch.")] += flop_registry[packet](*args, **kwargs, out_val=out)
            return
        touched = {id(leaf): leaf for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, Tensor)}
        work.moved += sum(leaf.nbytes for leaf in touched.values())
        if packet in (aten.randn, aten.rand):
            work.drawn += out.numel()


class Counting(WorkCounter):
    """The same of tensors without numbers, and the bytes that live.

    Whatever a step asks of a number, all is well: it is 1, and a test holds, but for "is there any that is bad?".
    """

    def __init__(self) -> None:
        super().__init__()
        #: Bytes of all tensors that live, and the most that lived since `restart`.
        self.live = self.peak = 0
        self._storages: dict[int, weakref.ref[Any]] = {}
        self._any: Callable[[], Tensor | None] = lambda: None

    def restart(self) -> None:
        self.work, self.peak = Work(), self.live

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func is torch.ops.prim.device.default:
            return args[0].fake_device
        if func is aten._local_scalar_dense.default:
            return args[0] is not self._any() if args[0].dtype == torch.bool else 1
        out = func(*args, **(kwargs or {}))
        self.note(func, args, kwargs or {}, out)
        if func._overloadpacket is aten.any:
            self._any = weakref.ref(out)
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self._hold(leaf.untyped_storage())
        return out

    def _hold(self, storage: torch.UntypedStorage) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self._storages:
            return
        self.live += size
        self.peak = max(self.peak, self.live)

        def freed(_: object) -> None:
            del self._storages[key]
            self.live -= size

        self._storages[key] = weakref.ref(storage, freed)


@contextmanager
def counting() -> Iterator[Counting]:
    """Within, tensors that are made have no numbers, and what becomes of them is counted."""
    forget_matrices()
    try:
        with warnings.catch_warnings(), FakeTensorMode(allow_non_fake_inputs=True), Counting() as counter:
            # of torch's own copying of parameters, which looks where one without numbers lies
            warnings.filterwarnings("ignore", "Accessing the data pointer of FakeTensor")
            yield counter
    finally:
        forget_matrices()
