"""Prepared pixels in shards: what is damaged is found before it is used, and only that is made again."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganforge.data import shards
from ganforge.data.images import LoadContext
from ganforge.data.pixels import View, digests
from ganforge.data.prepared import Made, PreparedSet, prepared_set
from ganforge.errors import DataError

N, PER_SHARD = 7, 3


@pytest.fixture(autouse=True, scope="module")
def three_images_in_a_shard() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_BYTES", PER_SHARD * 12 + 5)
        yield


@dataclass
class Draw:
    """Items 0 to 7, of which 4 is refused, as images of noise; remembers which it made."""

    salt: int = 0
    made: list[int] = field(default_factory=list)
    lost: tuple[int, ...] = ()

    def __call__(self, item: int) -> Made:
        self.made.append(item)
        if item == 4 or item in self.lost:
            return Made(None, reason="is not there")
        return Made(np.random.default_rng([self.salt, item]).integers(0, 256, (2, 2, 3), np.uint8), 4)


def draw(cache: Path, make: Draw, said: list[str] | None = None) -> PreparedSet:
    warn = (lambda text: None) if said is None else said.append
    return prepared_set(make, range(N + 1), anything, ["drawn"], 2, LoadContext(cache, warn=warn))


def anything(refused: Mapping[int, str]) -> None:
    """A judge that lets all pass."""


def drawn() -> np.ndarray:
    make = Draw()
    found = [make(item).pixels for item in range(N + 1) if item != 4]
    return np.stack([pixels.transpose(2, 0, 1) for pixels in found if pixels is not None])


rows = st.one_of(
    st.integers(-N, N - 1),
    st.slices(N),
    st.lists(st.integers(-N, N - 1)).map(lambda numbers: np.array(numbers, dtype=np.int64)),
)


@given(rows, st.lists(st.integers(0, N - 1), min_size=1))
def test_rows_are_those_of_the_array(
    tmp_path_factory: pytest.TempPathFactory, index: int | slice | np.ndarray, chosen: list[int]
) -> None:
    found, whole = draw(tmp_path_factory.mktemp("cache"), Draw()).images, drawn()
    assert found.shape == whole.shape and found.dtype == whole.dtype and len(found) == N
    assert np.array_equal(found[index], whole[index]) and np.array_equal(list(found), whole)
    view = View(View(found, np.array(chosen[::-1])), np.arange(len(chosen))[::-1])
    assert view.of is found and np.array_equal(view, whole[chosen])
    assert digests(view) == digests(whole[chosen])


def test_what_is_no_row_is_refused(tmp_path: Path) -> None:
    found = draw(tmp_path, Draw()).images
    for index in (N, -N - 1, [0, N]):
        with pytest.raises(IndexError, match="there are 7 prepared images, and none of the number"):
            found[index]
    for index in ((0, 0), 1.0, np.zeros((1, 1), np.int64), np.ones(N, bool)):
        with pytest.raises(TypeError, match="are read by a number, a slice or an array of numbers, not by"):
            found[index]


def test_to_open_a_set_reads_no_pixel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(tmp_path, Draw())
    monkeypatch.setattr(np, "memmap", None)
    assert draw(tmp_path, Draw()).images.shape == (N, 3, 2, 2)


@given(st.integers(0, 2), st.data())
def test_a_flipped_bit_is_found_when_its_image_is_read_and_that_image_alone_is_made_again(
    tmp_path_factory: pytest.TempPathFactory, number: int, data: st.DataObject
) -> None:
    cache, said = tmp_path_factory.mktemp("cache"), list[str]()
    folder = draw(cache, Draw()).folder
    others = [file.stat().st_mtime_ns for file in sorted(folder.iterdir())]
    path = folder / f"images-{number:05d}.npy"
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 128 - 1))
    damaged = bytearray(whole)
    damaged[128 + place] ^= 1
    path.write_bytes(damaged)
    make = Draw()
    found = draw(cache, make, said)
    assert make.made == []  # nothing is read ahead
    row = number * PER_SHARD + place // 12
    [other] = np.flatnonzero(np.arange(N) // PER_SHARD != number)[:1]
    assert np.array_equal(found.images[other], drawn()[other]) and said == []
    assert np.array_equal(found.images, drawn())
    assert make.made == [row if row < 4 else row + 1] and path.read_bytes() == whole
    assert said == [f"1 of 7 prepared images in {folder} are damaged and are made again."]
    assert [file.stat().st_mtime_ns for file in sorted(folder.iterdir()) if file != path] == [
        time for file, time in zip(sorted(folder.iterdir()), others, strict=True) if file != path
    ]


@pytest.mark.parametrize("damage", ["lose", "cut", "empty", "longer"])
def test_a_shard_that_is_missing_or_torn_is_made_again_when_the_set_is_opened(tmp_path: Path, damage: str) -> None:
    folder = draw(tmp_path, Draw()).folder
    path = folder / "images-00001.npy"
    whole = path.read_bytes()
    if damage == "lose":
        path.unlink()
    else:
        path.write_bytes({"cut": whole[:-1], "empty": b"", "longer": whole + b"x"}[damage])
    make, said = Draw(), list[str]()
    found = draw(tmp_path, make, said)
    assert make.made == [3, 5, 6] and path.read_bytes() == whole
    assert said == [f"3 of 7 prepared images in {folder} are damaged and are made again."]
    assert np.array_equal(found.images, drawn())


def test_a_shard_that_another_process_mended_is_not_made_once_more(tmp_path: Path) -> None:
    folder = draw(tmp_path, Draw()).folder
    flip(folder / "images-00000.npy")
    first, second = Draw(), Draw()
    sets = [draw(tmp_path, make).images for make in (first, second)]
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(sets[1]._map(0), drawn()[:3])  # both have the damaged file open
    sets[1]._maps[0] = sets[1]._map(0)
    for images in sets:
        assert np.array_equal(images[0:3], drawn()[:3])
    assert (first.made, second.made) == ([2], [])


def test_many_that_find_the_same_damage_at_once_all_read_what_was_prepared(tmp_path: Path) -> None:
    folder = draw(tmp_path, Draw()).folder
    flip(folder / "images-00000.npy")
    (folder / "images-00002.npy").unlink()
    left = folder / ".images-00002.npy.x"  # by one that was killed while it mended
    left.touch()
    os.utime(left, (0, 0))
    with ThreadPoolExecutor(8) as pool:
        for pixels in pool.map(lambda _: np.asarray(draw(tmp_path, Draw()).images), range(8)):
            assert np.array_equal(pixels, drawn())
    assert sorted(file.name for file in folder.iterdir()) == [*(f"images-0000{n}.npy" for n in range(3)), "index.json"]


def test_what_is_made_again_otherwise_is_never_mixed_with_the_rest(tmp_path: Path) -> None:
    folder = draw(tmp_path, Draw()).folder
    flip(folder / "images-00000.npy")
    found = draw(tmp_path, Draw(salt=1))
    with pytest.raises(DataError) as error:
        found.images[2]
    assert str(error.value) == (
        f"prepared images in {folder} are damaged, and what is made again has other pixels than it had "
        "(is a package of another version?). Remove that folder, so that all of them are made again."
    )
    assert sorted(file.name for file in folder.iterdir()) == [*(f"images-0000{n}.npy" for n in range(3)), "index.json"]
    (folder / "images-00000.npy").unlink()
    said: list[str] = []
    again = draw(tmp_path, Draw(salt=1), said)  # seen when it is opened: all are made again
    assert said[-1].endswith("(what is made again has other pixels than it had) and are all made again.")
    assert not np.array_equal(again.images, drawn()) and len(again.images) == N


def test_a_damaged_image_whose_file_has_gone_is_an_error(tmp_path: Path) -> None:
    folder = draw(tmp_path, Draw()).folder
    flip(folder / "images-00000.npy")
    found = draw(tmp_path, Draw(lost=(2,)))
    with pytest.raises(DataError, match=f"^a prepared image in {folder} is damaged, and its file is not there\\.$"):
        found.images[2]
    assert np.array_equal(found.images[1], drawn()[1])


def test_a_set_that_is_removed_while_it_is_used_is_not_made_again_in_part(tmp_path: Path) -> None:
    found = draw(tmp_path, Draw())
    shutil.rmtree(found.folder)
    with pytest.raises(DataError, match="was removed while it was in use; the next start makes it again"):
        found.images[2]
    assert not found.folder.exists()


def test_a_cache_that_can_not_be_mended_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = draw(tmp_path, Draw()).folder
    flip(folder / "images-00000.npy")
    found = draw(tmp_path, Draw())

    def read_only(path: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(shards, "written_aside", read_only)
    with pytest.raises(DataError) as error:
        found.images[2]
    assert str(error.value) == (
        f"prepared images can't be written to {folder}: Read-only file system. "
        "The environment variable GANFORGE_CACHE can name another folder for the cache."
    )


def test_a_set_of_any_size_has_at_most_128_shards() -> None:
    shape = (3, 256, 256)
    assert shards.images_per_shard(35_126, (3, 1, 1)) == 35_126 // 128 + 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_BYTES", 2**28)
        assert shards.images_per_shard(35_126, shape) * 3 * 256 * 256 <= 2**28
        assert -(-1_300_000 // shards.images_per_shard(1_300_000, shape)) <= 128
        assert shards.images_per_shard(10, (3, 20_000, 20_000)) == 1


def flip(path: Path) -> None:
    """Damage the last image of a shard."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
