"""The set of digital fundus phantoms: patients with two eyes, graded as unevenly as EyePACS."""

# N images, P patients

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np

from ganforge.data.assemble import labelled
from ganforge.data.images import LabelledImages, LoadContext
from ganforge.data.prepared import Made, prepared_set
from ganforge.errors import DataError
from ganforge_dr import phantom
from ganforge_dr.grades import CLASSES, EYEPACS_COUNTS

NAME = "digital fundus phantom"
#: Smallest share of a grade: with EyePACS' own 2% of grade 4, small sets would have too few to learn or test with.
MIN_SHARE = 0.04
#: Standard deviation of an eye's severity around its patient's, whose own is 1.
_EYE_SD = 0.35


@dataclass(frozen=True)
class Eye:
    """What is drawn: one eye of a patient, and the seed of its phantom."""

    patient: str
    side: str
    grade: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.patient}_{self.side}"


@dataclass(frozen=True)
class DrawEye:
    """Draws the phantom of an eye at one resolution."""

    resolution: int

    def __call__(self, eye: Eye) -> Made:
        pixels = phantom.draw_phantom(eye.grade, self.resolution, eye.seed)
        return Made(pixels, source_side=self.resolution)


def load_phantoms(images: int, seed: int, resolution: int, context: LoadContext) -> LabelledImages:
    """N phantoms with grades and patients; drawn once, then from the cache. Raises DataError below 8 pixels."""
    if resolution < phantom.MIN_RESOLUTION:
        raise DataError(
            f"phantoms have at least {phantom.MIN_RESOLUTION} pixels a side; the recipe asks for {resolution}."
        )
    eyes = draw_eyes(images, seed)
    names = [eye.name for eye in eyes]
    decided_by = ["phantom", source_hash(), [[eye.grade, eye.seed] for eye in eyes]]
    prepared = prepared_set(DrawEye(resolution), eyes, _expect_all, decided_by, resolution, context, "drawing phantoms")
    return labelled(
        prepared,
        [eye.grade for eye in eyes],
        [eye.patient for eye in eyes],
        names,
        CLASSES,
        f"{NAME} ({images} images, seed {seed})",
        licence="MIT",
        citation="drawn by ganforge-dr; no patient's picture, and no model of disease",
        is_phantom=True,
    )


def _expect_all(refused: Mapping[int, str]) -> None:
    assert not refused  # a phantom can always be drawn


def grade_counts(images: int) -> list[int]:
    """Images of each grade, which sum to `images`: as in EyePACS, but at least 4% of each, rounded up.

    Fewer images than grades are one of each of the first grades.
    """
    num_grades = len(CLASSES)
    if images < num_grades:
        return [int(grade < images) for grade in range(num_grades)]
    wanted = np.asarray(EYEPACS_COUNTS) * images / sum(EYEPACS_COUNTS)
    counts = np.full(num_grades, ceil(MIN_SHARE * images))
    for _ in range(images - int(counts.sum())):
        counts[(wanted - counts).argmax()] += 1
    return [int(count) for count in counts]


def draw_eyes(images: int, seed: int) -> list[Eye]:
    """N eyes of ceil(N / 2) patients. The two eyes of a patient mostly have equal or neighbouring grades.

    A patient has a severity, each eye one near it; the grades, in the exact numbers of `grade_counts`, go to the
    eyes in the order of their severities.
    """
    rng = np.random.default_rng([seed, 0xE1E5])
    num_patients = (images + 1) // 2
    severity = rng.standard_normal((num_patients, 1)) + _EYE_SD * rng.standard_normal((num_patients, 2))
    rank = severity.reshape(-1)[:images].argsort(kind="stable").argsort(kind="stable")
    grades = np.repeat(np.arange(len(CLASSES)), grade_counts(images))[rank]
    return [
        Eye(f"phantom_{i // 2:05d}", ("left", "right")[i % 2], int(grade), _eye_seed(seed, i))
        for i, grade in enumerate(grades)
    ]


def source_hash() -> str:
    """sha256 over the source of the phantom: a changed program draws its pictures anew."""
    digest = hashlib.sha256()
    for file in sorted(Path(phantom.__file__).parent.glob("phantom*.py")):
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _eye_seed(seed: int, index: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {index}".encode()).digest()[:7])
