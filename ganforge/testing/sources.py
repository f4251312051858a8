"""Conformance of pretrained sources."""

from __future__ import annotations

from pathlib import Path

from ganforge.interfaces import SourceSpec
from ganforge.testing.specs import check_spec, expect
from ganforge.weights.checkpoint_source import CheckpointSource
from ganforge.weights.keymap import KeyMap


def check_keymap(key_map: KeyMap) -> None:
    """A key map brings every foreign name to ours and back."""
    theirs = {name: index for index, name in enumerate(key_map.pairs)}
    expect(theirs, f"{key_map.name}: the key map has no names.")
    ours = key_map.to_ours(theirs)
    expect(len(ours) == len(theirs), f"{key_map.name}: two foreign names become one of ours.")
    expect(key_map.to_theirs(ours) == theirs, f"{key_map.name}: names don't come back as they went.")


def check_source(spec: SourceSpec, cache: Path) -> None:
    """A source gives finite tensors under plain names, the same ones twice, and says where they come from.

    cache: an empty folder, such as pytest's `tmp_path`. Whatever the source downloads must be reachable.
    """
    import torch

    from ganforge.weights.pretrained import StoreContext

    check_spec(spec)
    kind = spec.kind
    needed = ("layout", "title") if isinstance(spec, CheckpointSource) else ()
    unset = [name for name in needed if not getattr(spec, name, "")]
    expect(not unset, f"{kind}: its class doesn't set: {', '.join(unset)}.")
    first, second = (spec.fetch(StoreContext(cache)) for _ in range(2))
    networks = {"generator": (first.generator, second.generator)}
    networks["discriminator"] = (first.discriminator, second.discriminator)
    expect(any(weights for weights, _ in networks.values()), f"{kind}: gives neither a generator nor a discriminator.")
    for network, (weights, again) in networks.items():
        if weights is None:
            continue
        expect(weights, f"{kind}: gives a {network} without tensors; say None where there is none.")
        prefixed = [name for name in weights if name.startswith("module.")]
        expect(
            not prefixed, f"{kind}: names of the {network} still have the prefix 'module.': {', '.join(prefixed[:3])}."
        )
        bad = [name for name, tensor in weights.items() if not bool(torch.isfinite(tensor).all())]
        expect(not bad, f"{kind}: the {network} holds numbers that are not finite in {', '.join(bad)}.")
        expect(
            again is not None
            and list(again) == list(weights)
            and all(torch.equal(weights[name], again[name]) for name in weights),
            f"{kind}: gives another {network} when it is fetched again.",
        )
    blank = [field for field in ("name", "origin", "sha256", "licence") if not getattr(first.provenance, field)]
    expect(not blank, f"{kind}: its provenance leaves blank: {', '.join(blank)}.")
    expect(first.provenance == second.provenance, f"{kind}: gives another provenance when it is fetched again.")
    expect(
        spec.published() is None or spec.cached(cache) is not None,
        f"{kind}: says that it downloads a file, but `cached` finds nothing in the cache after `fetch`.",
    )
