"""Messages between the processes of a run, and what is made of it when one of them is lost.

Whoever leaves by an error first says why in the store that holds the processes together, then closes its connections.
The others' next message fails, and they look there. Who has said nothing some seconds later was killed, or hangs.
Values go as JSON: nothing that comes over the network can run code.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from ganforge.errors import DataError, ElsewhereError, GanforgeError, ProcessError
from ganforge.processes.stop import RunStopped

#: Seconds within which those that are alive say so when one is lost.
GRACE_S = 5.0
#: How long the others wait while the first prepares data, or measures.
PATIENCE = timedelta(days=7)


class Link:
    """The connections of this process to the others."""

    def __init__(self, store: dist.Store, rank: int, size: int, timeout: timedelta, meeting: timedelta) -> None:
        """timeout: how long a process that sends nothing is waited for in a step; meeting: until all are there.

        Raises RuntimeError.
        """
        self.rank, self.size = rank, size
        self._timeout = timeout
        self._store = dist.PrefixStore("ganforge", store)
        self._meet("here", meeting)
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=timeout)
        self._waiting: Any = dist.new_group(backend="gloo", timeout=PATIENCE)
        # one that left at once would break what others have not connected yet, and nobody would hear why
        self._meet("connected", meeting)
        #: Why no message can be sent any more.
        self._lost: BaseException | None = None

    def _meet(self, where: str, timeout: timedelta) -> None:
        """Wait until all have come to this point. Raises RuntimeError."""
        self._store.set(f"{where} {self.rank}", "")
        self._store.wait([f"{where} {each}" for each in range(self.size)], timeout)

    def add_up(self, values: Tensor) -> None:
        with self._together():
            dist.all_reduce(values)

    def gather(self, value: Any) -> list[Any]:
        content = json.dumps(value).encode()
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        with self._together():
            dist.all_gather(sizes, torch.tensor([len(content)]))
            lengths = [int(size) for size in sizes]
            texts = [torch.zeros(max(lengths), dtype=torch.uint8) for _ in range(self.size)]
            dist.all_gather(texts, _as_tensor(content.ljust(max(lengths))))
        return [json.loads(bytes(text[:n].tolist())) for text, n in zip(texts, lengths, strict=True)]

    def from_first(self, value: Any) -> Any:
        content = json.dumps(value).encode() if self.rank == 0 else b""
        size = torch.tensor([len(content)])
        with self._together():
            dist.broadcast(size, 0, group=self._waiting)
            text = _as_tensor(content) if self.rank == 0 else torch.zeros(int(size), dtype=torch.uint8)
            dist.broadcast(text, 0, group=self._waiting)
        return json.loads(bytes(text.tolist()))

    def ask(self, rank: int, value: Any, array: NDArray[Any]) -> None:
        """Send JSON data and an array to a process that waits in `asked`; from the first process."""
        self._send(rank, self._waiting, value, array)

    def asked(self) -> tuple[Any, NDArray[Any]]:
        """What the first process asks, however long that takes."""
        return self._receive(0, self._waiting)

    def answer(self, value: Any, array: NDArray[Any]) -> None:
        """Send JSON data and an array to the first process, which waits in `answered`."""
        self._send(0, None, value, array)

    def answered(self, rank: int) -> tuple[Any, NDArray[Any]]:
        """What that process answers."""
        return self._receive(rank, None)

    def copy_from_first(self, values: Tensor) -> None:
        # sent as it lies in memory, which may be channels_last
        there = values.contiguous()
        with self._together():
            dist.broadcast(there, 0)
        values.copy_(there)

    def is_first_to_tell(self) -> bool:
        try:
            return self._store.add("told", 1) == 1
        except RuntimeError:  # who held the store is gone; those who are left speak for themselves
            return True

    def report(self, error: BaseException) -> None:
        """Say why this process leaves, for the others to find."""
        if isinstance(error, ElsewhereError | ProcessError):
            return  # it has said so when it found out
        report: dict[str, Any] = {"message": f"{type(error).__name__}: {error}", "exit_code": 1}
        if isinstance(error, KeyboardInterrupt):
            reason, code = (error.reason, error.exit_code) if isinstance(error, RunStopped) else ("SIGINT", 130)
            report = {"stopped": reason, "exit_code": code}
        elif isinstance(error, GanforgeError):
            # what is wrong with the data names files, and with them patients
            message = "its data can't be used" if isinstance(error, DataError) else str(error)
            report = {"message": message, "exit_code": error.exit_code}
        self._say(report)

    def close(self) -> None:
        """Close the connections, so that nobody waits for this process."""
        self._waiting = None
        if dist.is_initialized():
            with suppress(RuntimeError):
                dist.destroy_process_group()

    def _send(self, rank: int, group: Any, value: Any, array: NDArray[Any]) -> None:
        content = json.dumps([value, array.dtype.name, array.shape]).encode()
        with self._together():
            dist.send(torch.tensor([len(content), array.nbytes]), rank, group=group)
            dist.send(_as_tensor(content), rank, group=group)
            if array.nbytes:
                dist.send(_as_tensor(np.ascontiguousarray(array).data), rank, group=group)

    def _receive(self, rank: int, group: Any) -> tuple[Any, NDArray[Any]]:
        lengths = torch.zeros(2, dtype=torch.int64)
        with self._together():
            dist.recv(lengths, rank, group=group)
            content, values = (torch.zeros(length, dtype=torch.uint8) for length in lengths.tolist())
            dist.recv(content, rank, group=group)
            if len(values):
                dist.recv(values, rank, group=group)
        value, dtype, shape = json.loads(content.numpy().tobytes())
        return value, values.numpy().view(dtype).reshape(shape)

    @contextmanager
    def _together(self) -> Iterator[None]:
        if self._lost is not None:
            raise self._lost
        started = time.monotonic()
        try:
            yield
        except RuntimeError as error:
            has_waited = time.monotonic() - started >= self._timeout.total_seconds()
            # torch's frames hold the connections open, and who sends to this process would not hear that it leaves
            traceback.clear_frames(error.__traceback__)
            self._lost = self._reason(str(error), has_waited=has_waited)
            raise self._lost from error

    def _say(self, report: dict[str, Any]) -> None:
        with suppress(RuntimeError):  # the store may be gone with the process that held it
            self._store.set(str(self.rank), json.dumps(report))

    def _reason(self, found: str, *, has_waited: bool) -> BaseException:
        """Why a message failed, by what the others say."""
        self._say({"left": True})
        self.close()
        reports = self._reports()
        for rank, report in sorted(reports.items()):
            if "stopped" in report:
                return RunStopped(report["stopped"], report["exit_code"])
            if "message" in report:
                return ElsewhereError(f"rank {rank} of {self.size} failed: {report['message']}", report["exit_code"])
        silent = [rank for rank in range(self.size) if rank != self.rank and rank not in reports]
        if not silent:
            return ProcessError(f"the connection between the {self.size} processes broke: {found}.")
        ranks = f"rank{'s' if len(silent) > 1 else ''} {', '.join(str(rank) for rank in silent)} of {self.size}"
        if has_waited:
            waited = f"{self._timeout.total_seconds():g} seconds"
            return ProcessError(f"the process of {ranks} has sent nothing for {waited}: it hangs, or its machine does.")
        return ProcessError(f"the process of {ranks} ended without a word: killed, or out of memory.")

    def _reports(self) -> dict[int, dict[str, Any]]:
        """What the others say, by rank, as soon as one says what was wrong, or all have said something."""
        others = [rank for rank in range(self.size) if rank != self.rank]
        found: dict[int, dict[str, Any]] = {}
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline and len(found) < len(others):
            try:
                for rank in others:
                    if rank not in found and self._store.check([str(rank)]):
                        found[rank] = json.loads(self._store.get(str(rank)))
            except RuntimeError:
                break
            if any("left" not in report for report in found.values()):
                break
            time.sleep(0.05)
        return found


def _as_tensor(content: bytes | memoryview) -> Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)
