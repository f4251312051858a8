"""Features that are computed once: in memory for all evaluators of one evaluation, on disk for later ones."""

# N images, D features

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganforge.cache import unwritable
from ganforge.data.images import LabelledImages
from ganforge.errors import PluginError
from ganforge.evaluation.features import Extractor, FeatureSet, SortedImages, extractor_id, sorted_by_content
from ganforge.files import write_bytes
from ganforge.processes.crew import Crew
from ganforge.processes.group import ALONE
from ganforge.progress import Progress

if TYPE_CHECKING:
    from ganforge.interfaces import ExtractorSpec
    from ganforge.registry import Components

T = TypeVar("T")

#: What generated images are called. Theirs are the only features that stay off the disk: nobody asks for them again.
GENERATED = "generated images"
#: Images that pass the network at once, on whichever process: another number would give other features by rounding.
BATCH = 32
#: Bytes of the sha256 behind the array in a cached file.
DIGEST = 32


class FeatureStore:
    """What one evaluation has built and computed; it keeps the images that it was asked about.

    The processes of a crew compute the batches of a set in turn. On others than the first it does so when asked.
    """

    def __init__(self, device: str = "cpu", crew: Crew | None = None, components: Components | None = None) -> None:
        """device: where this process's networks compute. components: by which others build the same extractor."""
        self.device = device
        self._crew = crew or Crew(ALONE)
        self._crew.tasks["features"] = self._asked
        self._registered = components["extractor"] if components is not None else None
        self._extractors: dict[ExtractorSpec, Extractor] = {}
        self._sets: dict[int, SortedImages] = {}
        self._values: dict[str, NDArray[np.float32]] = {}
        self._made: dict[Hashable, Any] = {}
        #: Of generated images, in the first two dictionaries above.
        self._generated: list[tuple[int, str]] = []

    def features(
        self, spec: ExtractorSpec, images: LabelledImages, what: str, cache: Path, progress: Progress
    ) -> FeatureSet:
        """The features of the images; see `EvaluationContext.features`."""
        extractor = self._extractor(spec)
        chosen = self._sets.get(id(images))
        if chosen is None:
            chosen = self._sets[id(images)] = sorted_by_content(images)
        key = _key(extractor, chosen.sha256)
        if key not in self._values:
            folder = None if what == GENERATED else cache / "features"
            self._values[key] = self._cached(key, folder, spec, chosen, progress, what)
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

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives; see `EvaluationContext.once`."""
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made

    def forget_generated(self) -> None:
        """Let go of generated images and their features, before the next set of them is made."""
        for number, key in self._generated:
            self._sets.pop(number, None)
            self._values.pop(key, None)
        self._generated.clear()

    def _extractor(self, spec: ExtractorSpec) -> Extractor:
        if spec not in self._extractors:
            self._extractors[spec] = spec.build(self.device)
        return self._extractors[spec]

    def _cached(
        self,
        key: str,
        folder: Path | None,
        spec: ExtractorSpec,
        chosen: SortedImages,
        progress: Progress,
        what: str,
    ) -> NDArray[np.float32]:
        """(N, D) from the folder, or computed and put there. A damaged file is computed again."""
        path = folder / f"{key}.npy" if folder is not None else None
        values = _read(path, (len(chosen.order), self._extractor(spec).dim)) if path is not None else None
        if values is None:
            values = self._computed(spec, chosen, progress, what)
            if path is not None:
                _write(path, values)
        values.setflags(write=False)
        return values

    def _computed(
        self, spec: ExtractorSpec, chosen: SortedImages, progress: Progress, what: str
    ) -> NDArray[np.float32]:
        """(N, D). Raises PluginError for an extractor that gives something else than it says."""
        extractor = self._extractor(spec)
        values = np.empty((len(chosen.order), extractor.dim), dtype=np.float32)
        starts = range(0, len(values), BATCH)
        batches = [chosen.order[start : start + BATCH] for start in starts]
        found = zip(starts, self._rows(spec, batches, chosen.images), strict=True)
        for start, rows in progress(found, len(starts), f"{extractor.name}: {what}"):
            num = len(values[start : start + BATCH])
            if rows.shape != (num, extractor.dim):
                raise PluginError(
                    f"extractor '{spec.kind}' says that it gives {extractor.dim} features, but gives an array of shape "
                    f"{rows.shape} for {num} images."
                )
            values[start : start + BATCH] = rows
        if not np.isfinite(values).all():
            raise PluginError(f"extractor '{spec.kind}' gives numbers that are not finite for {what}.")
        return values

    def _rows(
        self, spec: ExtractorSpec, batches: list[NDArray[np.int64]], images: LabelledImages
    ) -> Iterator[NDArray[np.float32]]:
        """What the extractor gives for each batch; other processes know none that is not registered."""
        registered = self._registered is not None and self._registered.get(spec.kind) is type(spec)
        told = spec.model_dump(mode="json", by_alias=True)
        return self._crew.each(
            batches,
            lambda batch: self._extractor(spec)(images.images[batch]),
            "features",
            (lambda batch: (told, images.images[batch])) if registered else None,
        )

    def _asked(self, told: dict[str, Any], images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The features of a batch of the first process."""
        assert self._registered is not None
        kind = self._registered.get(told["kind"])
        assert kind is not None
        return self._extractor(kind.model_validate(told))(images)


def _key(extractor: Extractor, content: str) -> str:
    parts = (extractor.name, extractor.sha256, extractor.resizer, content)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


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
