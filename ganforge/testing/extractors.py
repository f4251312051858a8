"""Conformance of feature extractors."""

# N images, H W pixels, D features

from __future__ import annotations

import re

from ganforge.interfaces import ExtractorSpec
from ganforge.testing.evaluation import example_images
from ganforge.testing.specs import check_spec, expect


def check_extractor(spec: ExtractorSpec) -> None:
    """An extractor gives finite float32 features, the same ones twice, each row from its image alone.

    Whatever file or package it needs must be there. Its network sees four images of 16 and of 24 pixels.
    """
    import numpy as np

    check_spec(spec)
    kind = spec.kind
    spec.preflight()
    extractor = spec.build()
    expect(
        re.fullmatch("[0-9a-f]{64}", extractor.sha256),
        f"{kind}: its sha256 must be 64 hex digits, but is {extractor.sha256!r}.",
    )
    blank = [name for name in ("name", "resizer") if not getattr(extractor, name)]
    expect(not blank, f"{kind}: leaves blank: {', '.join(blank)}. Say 'none' where images are not resized.")
    for side in (16, 24):
        images = np.asarray(example_images(4, resolution=side).images)
        before = images.copy()
        features = extractor(images)
        expect(np.array_equal(images, before), f"{kind}: changes the images that it was given.")
        expect(
            features.shape == (4, extractor.dim),
            f"{kind}: declares {extractor.dim} features, but gives an array of shape {features.shape} for 4 images.",
        )
        expect(features.dtype == np.float32, f"{kind}: must give float32, but gives {features.dtype}.")
        expect(np.isfinite(features).all(), f"{kind}: gives numbers that are not finite.")
        expect(
            np.array_equal(extractor(images), features), f"{kind}: gives other features for the same images (dropout?)."
        )
        alone = np.concatenate([extractor(images[i : i + 1]) for i in range(4)])
        # another batch size may sum in another order
        tolerance = 1e-4 * float(np.abs(features).max())
        expect(
            np.allclose(alone, features, rtol=1e-4, atol=tolerance),
            f"{kind}: the features of an image depend on the other images of its batch (batch normalisation in "
            "training mode does this).",
        )
    again = spec.build()
    expect(
        (again.name, again.sha256, again.dim, again.resizer)
        == (extractor.name, extractor.sha256, extractor.dim, extractor.resizer)
        and np.array_equal(again(images), features),
        f"{kind}: gives something else when it is built again (weights drawn at random?).",
    )
