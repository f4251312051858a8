"""What each score says, in one sentence for readers who don't know it: reports and model cards show it once."""

from __future__ import annotations

_BIASED = "it has a bias that grows as n falls, so that only the floor at the same n says what is good"
_DISTANCE = "how far the generated images are, as a set, from real ones in the features of a network"
_SHARE = "compare it with the value on real images, at the same n"

#: Name of a measure -> the sentence.
MEANINGS = {
    "kd": f"kd: {_DISTANCE}; 0 is perfect at any n, and small values may be negative.",
    "kid": f"kid: {_DISTANCE}; 0 is perfect at any n, and small values may be negative.",
    "fd": f"fd: {_DISTANCE}; {_BIASED}.",
    "fid": f"fid: {_DISTANCE}; {_BIASED}.",
    "precision": f"precision: the share of generated images that look like some real ones, so quality; {_SHARE}.",
    "density": f"density: how closely real images surround the generated ones, so quality; {_SHARE}.",
    "recall": f"recall: the share of real images near which something is generated, so diversity; {_SHARE}.",
    "coverage": f"coverage: the share of real images that have a generated neighbour, so diversity; {_SHARE}.",
    "memorisation_ratio": "memorisation_ratio: the distance from a generated image to the nearest training image, over "
    "that from a held-out real one; near 1 for new images, near 0 for copies. Above 1 is no merit: images unlike any "
    "real one get that too.",
    "memorisation_share": "memorisation_share: the share of generated images that are nearer to a training image than "
    "all but 1% of the held-out ones; 0.01 is what new images get.",
    "label": "label: how often a classifier of real images recognises in generated ones the class that was asked for; "
    "as high as on held-out real images is perfect, and it is worth nothing where that is low itself.",
    "synthetic": "train on synthetic, test on real: how well a classifier that has seen generated images alone does on "
    "held-out real ones, so how much of what tells the classes apart the generator has learnt. It is worth something "
    "where the value on real images is clearly above chance (an AUROC of 0.5), and never shows that the images help.",
    "both": "train on real + synthetic, test on real: whether generated images teach anything beside the real ones; it "
    "is worth something only where it is above the value on real images by more than twice its spread.",
}
