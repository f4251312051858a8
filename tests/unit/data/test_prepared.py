"""The cache of prepared images is whole or not there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.data import shards
from ganforge.data.content import content_hashes
from ganforge.data.images import LoadContext
from ganforge.data.listing import refuse
from ganforge.data.prepared import Made, PreparedSet, prepared_set
from ganforge.data.specs import ImageFolder
from ganforge.errors import DataError


@dataclass(frozen=True)
class Flat:
    """Images of one level; counts its calls in a file, refuses item 13."""

    calls: Path | None = None

    def __call__(self, item: int) -> Made:
        if self.calls is not None:
            with self.calls.open("a") as file:
                file.write("x")
        if item == 13:
            return Made(None, reason="is unlucky")
        return Made(np.full((2, 2, 3), item, dtype=np.uint8), source_side=4)


@pytest.fixture
def context(tmp_path: Path) -> LoadContext:
    return LoadContext(tmp_path / "cache")


def prepare(items: list[int], context: LoadContext, calls: Path | None = None, options: str = "flat") -> PreparedSet:
    return prepared_set(Flat(calls), items, none_refused, [options, items], 2, context)


def none_refused(refused: Mapping[int, str]) -> None:
    refuse("some images can't be used", [f"item {number} {reason}." for number, reason in refused.items()])


def sets_in(context: LoadContext) -> list[Path]:
    return list((context.cache / "prepared").iterdir())


def test_images_are_made_once(tmp_path: Path, context: LoadContext) -> None:
    calls = tmp_path / "calls"
    first, second = prepare([1, 2, 3], context, calls), prepare([1, 2, 3], context, calls)
    assert calls.read_text() == "xxx"
    assert first.images[:][:, 0, 0, 0].tolist() == second.images[:][:, 0, 0, 0].tolist() == [1, 2, 3]
    assert first.sha256 == second.sha256 == hashlib.sha256(first.images[:].tobytes()).hexdigest()
    assert second.source_sides == (4, 4, 4)


def test_other_options_are_another_set(context: LoadContext) -> None:
    prepare([1], context)
    prepare([1], context, options="other")
    assert len(sets_in(context)) == 2


def test_processes_give_what_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_BYTES", 36)
    root = tmp_path / "set"
    (root / "a").mkdir(parents=True)
    for i in range(70):
        Image.new("RGB", (3, 3), (i, 0, 0)).save(root / f"a/{i}.png")
    alone, together = (
        ImageFolder(root=root).load(2, LoadContext(tmp_path / f"cache {workers}", workers)) for workers in (1, 2)
    )
    assert np.array_equal(alone.images, together.images) and alone.card == together.card
    assert together.images[:][:, 0, 0, 0].tolist() == list(range(70))
    files = [
        {file.name: file.read_bytes() for file in sets_in(LoadContext(tmp_path / f"cache {workers}"))[0].iterdir()}
        for workers in (1, 2)
    ]
    assert files[0] == files[1] and len(files[0]) == 25


def test_a_refused_item_leaves_nothing(context: LoadContext) -> None:
    with pytest.raises(DataError, match="some images can't be used \\(1 problem\\):\n  item 1 is unlucky\\."):
        prepare([1, 13], context)
    assert sets_in(context) == []


@pytest.mark.parametrize("damage", ["cut", "index", "nested", "digits", "words", "lose"])
def test_a_set_with_a_damaged_index_is_made_again(context: LoadContext, damage: str) -> None:
    prepare([1, 2], context)
    [folder] = sets_in(context)
    index = folder / "index.json"
    if damage == "cut":
        index.write_bytes(index.read_bytes()[:-5])
    elif damage == "index":
        index.write_text(json.dumps({"sha256": ""}))
    elif damage == "nested":
        index.write_text("[" * 200_000)
    elif damage == "digits":
        index.write_text("9" * 5000)
    elif damage == "words":
        index.write_text(json.dumps(json.loads(index.read_text()) | {"source_sides": ["x", "y"]}))
    else:
        index.unlink()
    said: list[str] = []
    again = prepare([1, 2], replace(context, warn=said.append))
    assert again.images[:][:, 0, 0, 0].tolist() == [1, 2] and again.source_sides == (4, 4)
    assert len(said) == 1 and said[0].startswith(f"the prepared images in {folder} are damaged (")


def test_a_fault_of_the_disk_is_none_of_the_set(context: LoadContext, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare([1, 2], context)
    before = {path: path.stat().st_mtime_ns for path in sets_in(context)[0].iterdir()}

    def failing(path: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    with monkeypatch.context() as patched, pytest.raises(DataError, match="Too many open files"):
        patched.setattr(Path, "read_bytes", failing)
        prepare([1, 2], context)
    assert {path: path.stat().st_mtime_ns for path in sets_in(context)[0].iterdir()} == before


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a POSIX signal")
def test_a_kill_half_way_leaves_nothing_that_is_taken_as_whole(context: LoadContext) -> None:
    script = (
        "import sys, time; from pathlib import Path; import numpy as np\n"
        "from ganforge.data.images import LoadContext; from ganforge.data.prepared import Made, prepared_set\n"
        "def slow(item):\n"
        "    print(item, flush=True)\n"
        "    time.sleep(0 if item < 2 else 60)\n"
        "    return Made(np.zeros((2, 2, 3), np.uint8), 4)\n"
        "items = [1, 2, 3]\n"
        "prepared_set(slow, items, print, ['flat', items], 2, LoadContext(Path(sys.argv[1])))\n"
    )
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", script, str(context.cache)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == [b"1\n", b"2\n"]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    [left] = sets_in(context)
    assert left.suffix == ".partial"
    calls = context.cache / "calls"
    assert prepare([1, 2, 3], context, calls).images[:][:, 0, 0, 0].tolist() == [0, 2, 3]  # the script makes black ones
    assert calls.read_text() == "xx" and not left.exists()


def test_files_are_read_once_and_again_when_they_change(tmp_path: Path, context: LoadContext) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    [first] = content_hashes([file], context)
    stamp = file.stat().st_mtime_ns
    file.write_bytes(b"two")
    os.utime(file, ns=(stamp, stamp))
    assert content_hashes([file], context) == [first]  # same size and time: not read again
    os.utime(file, ns=(stamp, stamp + 1))
    assert content_hashes([file], context) != [first]


@pytest.mark.parametrize("memo", [b"damaged", b"[" * 200_000, b"9" * 5000, b"\xff", b"[]"])
def test_a_damaged_memo_is_made_again(tmp_path: Path, context: LoadContext, memo: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    first = content_hashes([file], context)
    (context.cache / "content.json").write_bytes(memo)
    assert content_hashes([file], context) == first


def test_a_cache_that_takes_no_memo_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"one")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "folder" / "content.json").mkdir(parents=True)
    for cache, reason in (
        ("file", f"{tmp_path}/file is a file and no folder"),
        ("loop", "File exists"),
        ("folder", "Is a directory"),
    ):
        with pytest.raises(DataError) as error:
            content_hashes([tmp_path / "file"], LoadContext(tmp_path / cache))
        assert str(error.value) == (
            f"content.json can't be written to {tmp_path / cache}: {reason}. "
            "The environment variable GANFORGE_CACHE can name another folder for the cache."
        )


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DataError) as error:
        prepare([1], LoadContext(tmp_path / "cache"))
    assert str(error.value) == (
        f"prepared images can't be written to {tmp_path}/cache: {tmp_path}/cache is a file and no folder. "
        "The environment variable GANFORGE_CACHE can name another folder for the cache."
    )


def test_the_cache_keeps_no_name_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "Erika_Mustermann.png"
    file.write_bytes(b"pixels")
    context = LoadContext(tmp_path / "cache")
    (digest,) = content_hashes([file], context)
    memo = (context.cache / "content.json").read_text()
    assert str(digest) in memo and "Mustermann" not in memo
    assert content_hashes([file], context) == [digest]


def test_no_more_workers_are_started_than_a_scheduler_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5, 7}, raising=False)
    assert LoadContext(Path()).workers == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert LoadContext(Path()).workers == 4
