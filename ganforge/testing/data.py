"""Conformance of datasets and samplers."""

# N images

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganforge.data.samplers import fault_of
from ganforge.interfaces import DatasetSpec, SamplerSpec
from ganforge.testing.specs import check_spec, expect

if TYPE_CHECKING:
    from ganforge.data.images import LabelledImages


def check_dataset(spec: DatasetSpec, cache: Path, resolution: int = 16) -> None:
    """A dataset gives the same images twice, with labels that its classes name and a card that says where from.

    cache: an empty folder, such as pytest's `tmp_path`. The images must be there; a small set is best.
    """
    import numpy as np

    from ganforge.data.images import LoadContext

    check_spec(spec)
    kind = spec.kind
    classes = spec.classes()
    expect(
        isinstance(classes, tuple) and classes and all(isinstance(name, str) and name for name in classes),
        f"{kind}: `classes` must give a tuple of names, but gives {classes!r}.",
    )
    expect(len(set(classes)) == len(classes), f"{kind}: two classes have the same name: {', '.join(classes)}.")
    context = LoadContext(cache, workers=1)
    images = spec.load(resolution, context)
    expect(len(images), f"{kind}: holds no image.")
    _check_images(kind, images, classes, resolution)
    expect(
        images.card.is_phantom == spec.is_phantom,
        f"{kind}: spec and card disagree about whether a program draws the images.",
    )
    again = spec.load(resolution, replace(context, workers=2))
    expect(
        np.array_equal(again.images, images.images)
        and np.array_equal(again.labels, images.labels)
        and list(again.names) == list(images.names)
        and list(again.groups) == list(images.groups)
        and again.card == images.card,
        f"{kind}: gives something else when it is loaded again with another number of workers.",
    )
    files = spec.files(context)
    if files is not None:
        told = [left.name for left in images.left_out]
        expect(
            sorted(files.listing.names) == sorted([*images.names, *told]) and files.classes == classes,
            f"{kind}: `files` lists other images or classes than `load` gives.",
        )
    larger = spec.load(2 * resolution, context).images.shape[2:]
    expect(larger == (2 * resolution,) * 2, f"{kind}: asked for {2 * resolution} pixels, gives {larger}.")


def _check_images(kind: str, images: LabelledImages, classes: tuple[str, ...], resolution: int) -> None:
    shape = images.images.shape[1:]
    expect(
        shape == (3, resolution, resolution), f"{kind}: asked for {resolution} pixels, gives images of shape {shape}."
    )
    low, high = int(images.labels.min()), int(images.labels.max())
    expect(low >= 0 and high < len(classes), f"{kind}: has labels from {low} to {high}, but {len(classes)} classes.")
    expect(images.card.classes == classes, f"{kind}: the card names other classes than `classes`.")
    expect(all(images.names) and all(images.groups), f"{kind}: an image has an empty name or group.")
    expect(len(set(images.names)) == len(images), f"{kind}: two images have the same name.")
    blank = [field for field in ("name", "licence", "citation", "fingerprint") if not getattr(images.card, field)]
    expect(not blank, f"{kind}: its card leaves blank: {', '.join(blank)}. Say 'not stated' where it is not known.")


def check_sampler(spec: SamplerSpec, num_classes: int = 3) -> None:
    """A sampler gives each image a probability that does not depend on the order of the images."""
    check_spec(spec)
    kind = spec.kind
    labels = [label for label in range(num_classes) for _ in range(label + 1)]
    weights = spec.weights(labels, num_classes)
    fault = fault_of(weights, len(labels), by_epoch=spec.by_epoch)
    expect(not fault, f"{kind}: {fault}")
    order = list(range(len(labels)))
    random.Random(0).shuffle(order)  # noqa: S311 - an order, not a secret
    shuffled = spec.weights([labels[i] for i in order], num_classes)
    expect(
        all(math.isclose(shuffled[k], weights[i], rel_tol=1e-9) for k, i in enumerate(order)),
        f"{kind}: the probability of an image changes with the order of the images.",
    )
