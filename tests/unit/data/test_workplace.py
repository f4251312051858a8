"""Work that was stopped is taken up where it was, and what is torn is made again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganforge.data import shards
from ganforge.data.images import LoadContext
from ganforge.data.prepared import Made, PreparedSet, prepared_set
from ganforge.data.workplace import discard, workplace

N = 6
SHAPE = (3, 2, 2)
SHARDS = ["images-00000.npy", "images-00001.npy", "images-00002.npy"]


@pytest.fixture(autouse=True, scope="module")
def two_images_in_a_shard() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_BYTES", 2 * 12)
        yield


class Stopped(Exception):  # noqa: N818 - an event, not an error
    """Raised where a test stops the work."""


@dataclass
class Draw:
    """Items 0 to 5 as images of one level, item 2 refused; stops ahead of item `stop`."""

    stop: int = N
    calls: int = 0

    def __call__(self, item: int) -> Made:
        if item == self.stop:
            raise Stopped
        self.calls += 1
        return Made(None, reason="is two") if item == 2 else Made(np.full((2, 2, 3), item, np.uint8), 7 + item)


def anything(refused: Mapping[int, str]) -> None:
    """A judge that lets all pass."""


def draw(cache: Path, make: Draw) -> PreparedSet:
    return prepared_set(make, range(N), anything, ["drawn"], 2, LoadContext(cache))


def expect_whole(found: PreparedSet) -> None:
    assert found.images[:][:, 0, 0, 0].tolist() == [0, 1, 3, 4, 5]
    assert found.source_sides == (7, 8, 10, 11, 12) and found.refused == {2: "is two"}
    assert sorted(file.name for file in found.folder.iterdir()) == [*SHARDS, "index.json"]
    loaded = [np.load(found.folder / name) for name in SHARDS]  # as anybody may
    assert [len(images) for images in loaded] == [2, 2, 1] and (np.concatenate(loaded) == found.images[:]).all()


@given(st.lists(st.integers(0, N - 1), max_size=4))
def test_however_often_it_is_stopped_each_image_is_made_once(
    tmp_path_factory: pytest.TempPathFactory, stops: list[int]
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    made = 0
    for stop in sorted(stops):
        make = Draw(stop)
        with pytest.raises(Stopped):
            draw(cache, make)
        made += make.calls
    last = Draw()
    whole = draw(cache, last)
    expect_whole(whole)
    assert made + last.calls == N
    alone = draw(tmp_path_factory.mktemp("alone"), Draw())
    assert whole.sha256 == alone.sha256
    assert [(whole.folder / name).read_bytes() for name in (*SHARDS, "index.json")] == [
        (alone.folder / name).read_bytes() for name in (*SHARDS, "index.json")
    ]


@given(st.sampled_from([*SHARDS[:2], "journal.jsonl"]), st.integers(0, 400), st.sampled_from(["cut", "flip"]))
def test_whatever_a_power_cut_tears_the_set_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, name: str, at: int, damage: str
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    with pytest.raises(Stopped):
        draw(cache, Draw(5))
    [place] = (cache / "prepared").iterdir()
    content = bytearray((place / name).read_bytes())
    at %= len(content)
    if damage == "cut":
        del content[at:]
    else:
        content[at] ^= 1
    (place / name).write_bytes(content)
    expect_whole(draw(cache, Draw()))


def test_two_that_make_the_same_set_do_not_meet(tmp_path: Path) -> None:
    folder = tmp_path / "prepared" / "key"
    with workplace(folder, SHAPE, 2) as first:
        first.add(bytes(12), 4, "")
        with workplace(folder, SHAPE, 2) as second:
            assert second.folder != first.folder and len(second) == 0
            second.close()
        first.close()
    assert [path.name for path in folder.parent.iterdir()] == ["key"]


def test_work_that_nobody_came_back_to_is_removed_after_a_week(tmp_path: Path) -> None:
    parent = tmp_path / "prepared"
    for name in ("old.partial", "new.partial"):
        (parent / name).mkdir(parents=True)
        (parent / name / SHARDS[0]).write_bytes(b"x")
    long_ago = time.time() - 8 * 24 * 3600
    for path in (parent / "old.partial" / SHARDS[0], parent / "old.partial"):
        os.utime(path, (long_ago, long_ago))
    with workplace(parent / "key", SHAPE, 2) as work:
        work.close()
    assert sorted(path.name for path in parent.iterdir()) == ["key", "new.partial"]


def test_a_set_that_another_process_has_discarded_is_no_fault(tmp_path: Path) -> None:
    discard(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []
