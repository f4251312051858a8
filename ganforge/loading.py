"""With what the images of a recipe are loaded: its policy for bad ones, the cache, and a listener."""

from __future__ import annotations

from ganforge.cache import cache_folder
from ganforge.data.images import LoadContext
from ganforge.listener import Listener
from ganforge.recipe.models import BadImagesSpec


def load_context(bad_images: BadImagesSpec, listener: Listener) -> LoadContext:
    """A context that leaves out as many bad images as the recipe allows."""
    most = bad_images.max_fraction if bad_images.policy == "quarantine" else None
    return LoadContext(cache_folder(), progress=listener.progress, max_bad_fraction=most, warn=listener.warning)
