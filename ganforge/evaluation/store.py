"""Features that are computed once: in memory for all evaluators of one evaluation, on disk for later ones."""

# N images, D features

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganforge.cache import unwritable
from ganforge.data.images import LabelledImages
from ganforge.errors import PluginError
from ganforge.evaluation.features import Extractor, FeatureSet, SortedImages, extractor_id, sorted_by_content
from ganforge.files import write_bytes
from ganforge.progress import Progress

if TYPE_CHECKING:
    from ganforge.interfaces import ExtractorSpec

#: What generated images are called. Theirs are the only features that stay off the disk: nobody asks for them again.
GENERATED = "generated images"
#: Images that pass the network at once.
BATCH = 32
#: Bytes of the sha256 behind the array in a cached file.
DIGEST = 32


class FeatureStore:
    """What one evaluation has built and computed; it keeps the images that it was asked about."""

    def __init__(self) -> None:
        self._extractors: dict[ExtractorSpec, Extractor] = {}
        self._sets: dict[int, SortedImages] = {}
        self._values: dict[str, NDArray[np.float32]] = {}
        #: Of generated images, in the two dictionaries above.
        self._generated: list[tuple[int, str]] = []

    def features(
        self, spec: ExtractorSpec, images: LabelledImages, what: str, cache: Path, progress: Progress
    ) -> FeatureSet:
        """The features of the images; see `EvaluationContext.features`."""
        extractor = self._extractors.get(spec)
        if extractor is None:
            extractor = self._extractors[spec] = spec.build()
        chosen = self._sets.get(id(images))
        if chosen is None:
            chosen = self._sets[id(images)] = sorted_by_content(images)
        key = _key(extractor, chosen.sha256)
        if key not in self._values:
            folder = None if what == GENERATED else cache / "features"
            self._values[key] = _cached(key, folder, spec.kind, extractor, chosen, progress, what)
        if what == GENERATED:
            self._generated.append((id(images), key))
        order = chosen.order
        return FeatureSet(
            values=self._values[key],
            labels=images.labels[order],
            groups=tuple(images.groups[i] for i in order),
            order=order,
            sha256=chosen.sha256,
            extractor=extractor_id(extractor),
            extractor_sha256=extractor.sha256,
            resizer=extractor.resizer,
        )

    def forget_generated(self) -> None:
        """Let go of generated images and their features, before the next set of them is made."""
        for number, key in self._generated:
            self._sets.pop(number, None)
            self._values.pop(key, None)
        self._generated.clear()


def _key(extractor: Extractor, content: str) -> str:
    parts = (extractor.name, extractor.sha256, extractor.resizer, content)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _cached(
    key: str, folder: Path | None, kind: str, extractor: Extractor, chosen: SortedImages, progress: Progress, what: str
) -> NDArray[np.float32]:
    """(N, D) from the folder, or computed and put there. A damaged file is computed again."""
    path = folder / f"{key}.npy" if folder is not None else None
    values = _read(path, (len(chosen.order), extractor.dim)) if path is not None else None
    if values is None:
        values = _computed(kind, extractor, chosen, progress, what)
        if path is not None:
            _write(path, values)
    values.setflags(write=False)
    return values


def _computed(
    kind: str, extractor: Extractor, chosen: SortedImages, progress: Progress, what: str
) -> NDArray[np.float32]:
    """(N, D). Raises PluginError for an extractor that gives something else than it says."""
    values = np.empty((len(chosen.order), extractor.dim), dtype=np.float32)
    starts = range(0, len(values), BATCH)
    for start in progress(starts, len(starts), f"{extractor.name}: {what}"):
        batch = chosen.order[start : start + BATCH]
        rows = extractor(chosen.images.images[batch])
        if rows.shape != (len(batch), extractor.dim):
            raise PluginError(
                f"extractor '{kind}' says that it gives {extractor.dim} features, but gives an array of shape "
                f"{rows.shape} for {len(batch)} images."
            )
        values[start : start + BATCH] = rows
    if not np.isfinite(values).all():
        raise PluginError(f"extractor '{kind}' gives numbers that are not finite for {what}.")
    return values


def _read(path: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """The array, or None where there is none that can be read, its hash does not fit, or it is not one of features."""
    try:
        content = path.read_bytes()
        if hashlib.sha256(content[:-DIGEST]).digest() != content[-DIGEST:]:
            return None
        array: NDArray[np.float32] = np.load(io.BytesIO(content[:-DIGEST]), allow_pickle=False)
        is_whole = array.shape == shape and array.dtype == np.float32 and bool(np.isfinite(array).all())
    except Exception:  # numpy raises ValueError, EOFError, ... for what is no array; each can be computed again
        return None
    return array if is_whole else None


def _write(path: Path, features: NDArray[np.float32]) -> None:
    """The array and its sha256, complete or not at all. Raises DataError where the cache can't be written."""
    buffer = io.BytesIO()
    np.save(buffer, features, allow_pickle=False)
    content = buffer.getvalue()
    try:
        write_bytes(path, content + hashlib.sha256(content).digest())
    except OSError as error:
        raise unwritable("features", path.parent, error) from error
