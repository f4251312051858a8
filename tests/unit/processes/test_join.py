"""How processes are told that there are others, and what is refused."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from several import ends, start
from torch import distributed as dist
from torch import nn

from ganforge.errors import CheckpointError, DataError, ElsewhereError, ProcessError, UsageError
from ganforge.processes.group import ALONE, Processes
from ganforge.processes.join import is_launched, joined, launch_id, local_rank, restarts
from ganforge.processes.launch import count_processes
from ganforge.processes.stop import RunStopped

ROOT = Path(__file__).parents[3]
SET_BY_LAUNCHERS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SET_BY_LAUNCHERS, "TORCHELASTIC_RESTART_COUNT"):
        monkeypatch.delenv(name, raising=False)


def test_one_process_alone_waits_for_nobody() -> None:
    with joined() as processes:
        assert processes is ALONE
    values, network = torch.ones(2), nn.Linear(1, 1)
    ALONE.add_up(values)
    ALONE.copy_from_first([network])
    assert values.tolist() == [1, 1]
    assert ALONE.share([1, 2, 3]) == [1, 2, 3]
    assert ALONE.gather("x") == ["x"]
    assert ALONE.from_first(lambda: 5) == ALONE.in_order(lambda: 5) == 5
    assert ALONE.is_first and ALONE.tells(ElsewhereError("x", 1))
    assert not is_launched() and (local_rank(), restarts(), launch_id()) == (0, 0, "")


def test_shares_are_the_batch_in_the_order_of_the_ranks() -> None:
    shares = [Processes(rank, 4).share(range(100, 112)) for rank in range(4)]
    assert shares == [range(100, 103), range(103, 106), range(106, 109), range(109, 112)]


def test_a_launch_without_a_meeting_place_says_what_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(UsageError) as caught, joined():
        pass
    assert str(caught.value) == (
        "WORLD_SIZE says that this is one of 2 processes, but there is no MASTER_ADDR and no MASTER_PORT. "
        "torchrun sets them; under Slurm see docs/examples/slurm.sh."
    )
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(UsageError, match=r"^RANK is 2, but with WORLD_SIZE=2 it must be 0 to 1\.$"), joined(url="x"):
        pass
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(UsageError, match="the environment variable WORLD_SIZE must be a whole number, but is 'two'"):
        is_launched()


def test_the_launcher_of_torchrun_without_a_name_is_told_by_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "7f")
    assert launch_id() == "7f"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert re.fullmatch(r".+-\d+", launch_id())


@pytest.mark.parametrize(("wanted", "expected"), [("auto", (1, True)), ("cpu:2", (2, True)), ("cpu:1", (1, True))])
def test_processes_are_counted_without_a_gpu(
    wanted: str, expected: tuple[int, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert count_processes(wanted) == expected


@pytest.mark.parametrize(("wanted", "expected"), [("auto", (4, False)), ("2", (2, False)), ("cpu:3", (3, True))])
def test_processes_are_counted_with_gpus(
    wanted: str, expected: tuple[int, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert count_processes(wanted) == expected


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("5", "--gpus 5: there are 4. cpu:5 starts as many processes without GPU."),
        *(
            (text, f"--gpus must be auto, a number such as 2, or cpu:2 for processes without GPU; not '{text}'.")
            for text in ("", "0", "-1", "cpu", "cpu:", "cpu:0", "cuda:2", "1.5", "cpu:99999", "cpu:\uff12", "9" * 5000)
        ),
    ],
)
def test_what_is_no_number_of_processes_is_refused(wanted: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    with pytest.raises(UsageError) as caught:
        count_processes(wanted)
    assert str(caught.value) == message


def talk(processes: Processes, folder: Path) -> None:
    """All that processes say to each other."""
    rank, size = processes.rank, processes.size
    values = torch.tensor([float(rank), 1.0])
    processes.add_up(values)
    assert values.tolist() == [3, 3]
    assert processes.gather({"rank": rank, "long": "x" * rank * 50}) == [
        {"rank": each, "long": "x" * each * 50} for each in range(size)
    ]
    assert processes.from_first(lambda: ["ä", None, rank]) == ["ä", None, 0]
    left = folder / "cache"
    assert processes.in_order(lambda: left.exists() or left.touch()) is (None if rank == 0 else True)
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)).to(memory_format=torch.channels_last)
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data.fill_(rank)
    processes.copy_from_first([network])
    assert all(not tensor.any() for tensor in (*network.parameters(), *network.buffers()))
    assert sum(processes.gather(processes.tells(CheckpointError("x")))) == 1


def test_processes_agree_on_sums_values_and_networks(tmp_path: Path) -> None:
    assert ends(start(3, tmp_path, talk, tmp_path)) == [0, 0, 0]


def leave(processes: Processes, error: BaseException) -> None:
    if processes.rank == 2:
        raise error
    processes.from_first(lambda: processes.gather(0))


def leave_behind_all(processes: Processes, mark: Path) -> None:
    if processes.rank == 2:
        assert mark.exists(), "the first one is still connecting"
    leave(processes, CheckpointError("it is bad"))


def test_nobody_begins_before_all_are_connected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, mark = dist.new_group, tmp_path / "connected"

    def slowly(*args: Any, **options: Any) -> Any:
        connected = connect(*args, **options)
        if dist.get_rank() == 0:
            time.sleep(0.5)
            mark.touch()
        return connected

    monkeypatch.setattr("torch.distributed.new_group", slowly)
    assert ends(start(3, tmp_path, leave_behind_all, mark)) == [5, 5, 5]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (CheckpointError("it is bad"), 5, "ElsewhereError: rank 2 of 3 failed: it is bad"),
        (DataError("patient_7.png is bad"), 3, "ElsewhereError: rank 2 of 3 failed: its data can't be used"),
        (RunStopped("--stop-after", 143), 143, "RunStopped: stopped by --stop-after"),
    ],
)
def test_whoever_leaves_says_why_and_the_others_end_alike(
    error: BaseException, code: int, said: str, tmp_path: Path
) -> None:
    assert ends(start(3, tmp_path, leave, error)) == [code] * 3
    assert [(tmp_path / f"error_{rank}").read_text() for rank in (0, 1)] == [said] * 2


def die(processes: Processes) -> None:
    if processes.rank == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    processes.from_first(lambda: processes.gather(0))


def test_of_three_the_one_that_was_killed_is_named(tmp_path: Path) -> None:
    assert ends(start(3, tmp_path, die)) == [9, 9, -signal.SIGKILL]
    said = "ProcessError: the process of rank 2 of 3 ended without a word: killed, or out of memory."
    assert [(tmp_path / f"error_{rank}").read_text() for rank in (0, 1)] == [said] * 2


def test_processes_that_never_come_are_not_waited_for_forever(tmp_path: Path) -> None:
    (first, _) = children = start(2, tmp_path, talk, tmp_path, meeting=2)
    children[1].kill()
    assert ends([first]) == [ProcessError.exit_code]
    assert (tmp_path / "error_0").read_text().startswith("ProcessError: rank 0 of 2 can't reach the others: ")


def test_nothing_else_knows_torch_distributed() -> None:
    files = [file for folder in ("ganforge", "plugins", "benchmarks") for file in (ROOT / folder).rglob("*.py")]
    knows = {file.parent.name for file in files if "torch.distributed" in re.sub(r'""".*?"""', "", file.read_text())}
    assert len(files) > 150
    assert knows == {"processes"}
