"""Every registered component keeps the promises of its interface, the stub plugin's as well."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from cases import components
from PIL import Image

from ganforge import plugins, testing
from ganforge.errors import GanforgeError
from ganforge.files import sha256_of, write_json
from ganforge.interfaces import Component, ExtractorSpec
from ganforge.registry import FAMILIES
from ganforge.shapes import Shape
from ganforge.testing.labels import example_sites

LATENT, FEATURES, PIXELS = Shape(6, 1, 1), Shape(4, 6, 6), Shape(3, 5, 7)
FOLDER = "{folder}"

#: Blocks: fields, and an input that the block can take.
BLOCKS: dict[str, list[tuple[dict[str, Any], Shape]]] = {
    "latent_to_grid": [({"channels": 3, "side": 2}, LATENT)],
    "pixel_norm": [({}, LATENT), ({}, FEATURES)],
    "class_embedding": [
        ({"num_classes": number, "dim": 3, "normalise": unit}, LATENT) for number in (1, 2) for unit in (True, False)
    ],
    "residual": [({"channels": width}, FEATURES) for width in (3, 4, 6)],
    "style": [
        (
            {"channels": 3, "upsampling": upsampling, "residual_scale": scale, "noise": noise, "clip_gradient": noise},
            shape,
        )
        for upsampling in ("none", "nearest", "bilinear", "transposed")
        for scale in (None, 0.1)
        for noise, shape in ((True, FEATURES), (False, Shape(3, 2, 4)))
    ],
    "statistics_affine": [({}, FEATURES), ({"gain": 1.0, "gradient_scale": 1.0}, Shape(2, 3, 4))],
    "upsample": [({"mode": mode}, FEATURES) for mode in ("nearest", "bilinear")],
    "average_pool": [({}, FEATURES), ({}, PIXELS)],
    "image_head": [({}, FEATURES), ({"kernel": 7}, FEATURES)],
    "image_stem": [({"channels": 4}, PIXELS), ({"channels": 4, "kernel": 7}, PIXELS)],
    "logit_head": [({}, PIXELS), ({"num_logits": 3}, PIXELS)],
    "stub_gate": [({"channels": 3}, FEATURES)],
}

#: All other components: family -> kind -> the fields of each example.
OTHERS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "mapping": {"mapping_mlp": [{"depth": 1, "width": 4}, {"depth": 8, "width": 3}]},
    "depth": {
        "latent": [{}],
        "image": [{}],
        "after": [{"block": "resnet_0_0"}],
        "at_resolution": [{"pixels": 4}],
        "after_frozen": [{}],
        "stub_middle": [{}],
    },
    "injection": {
        "concatenate": [{"dim": 1}, {"dim": 3}],
        "concatenate_map": [{}],
        "add": [{}],
        "film": [{}],
        "projection": [{}],
    },
    "initialisation": {"published": [{}], "variance_preserving": [{}]},
    "dataset": {
        "image_folder": [{"root": f"{FOLDER}/pictures"}],
        "csv": [{"root": f"{FOLDER}/pictures", "table": f"{FOLDER}/table.csv"}],
        "stub_stripes": [{}, {"images": 3}],
    },
    "sampler": {
        "natural": [{}],
        "epochs": [{}],
        "balanced": [{}],
        "square_root": [{}],
        "class_weights": [{"weights": [0.1, 1, 4]}, {"weights": [0, 0, 1]}],
    },
    "source": {"run": [], "weights_folder": [{"path": f"{FOLDER}/weights"}], "stub_ones": [{}]},
    "evaluator": {"stub_brightness": [{}]},
    "extractor": {"stub_colours": [{}]},
    "feature_network": {"stub_edges": [{}]},
    "loss": {"bce": [{}], "hinge": [{}], "wasserstein": [{}]},
    "regulariser": {kind: [{"gamma": 1.0}, {"gamma": 20.0, "every": 4}] for kind in ("r1", "r2")},
    "logit_penalty": {"lecam": [{"weight": 0.3}, {"weight": 1.0, "decay": 0.5}]},
    "augmentation": {
        "flip": [{"axis": axis} for axis in ("horizontal", "vertical")],
        "diff_augment": [{}, {"colour": False, "cutout": 0.0}],
        "ada": [{}, {"initial": 0.9}, {"initial": 1.0, "rotations": False}, {"initial": 1.0, "colour": False}],
    },
    "optimizer": {"adam": [{}, {"betas": [0.9, 0.99]}]},
    "rate": {
        "constant": [{"rate": 1e-3}],
        "step": [{"rate": 1e-3, "every": 10}],
        "cosine": [{"rate": 1e-3, "final": 1e-5}],
    },
    "tracker": {"tensorboard": [{}], "stub_notes": [{}]},
}

CHECKS: dict[str, Callable[..., None]] = {
    "mapping": testing.check_mapping,
    "depth": testing.check_depth,
    "injection": testing.check_injection,
    "initialisation": testing.check_initialisation,
    "dataset": testing.check_dataset,
    "sampler": testing.check_sampler,
    "source": testing.check_source,
    "evaluator": testing.check_evaluator,
    "extractor": testing.check_extractor,
    "feature_network": testing.check_feature_network,
    "loss": testing.check_loss,
    "regulariser": testing.check_regulariser,
    "logit_penalty": testing.check_logit_penalty,
    "augmentation": testing.check_augmentation,
    "optimizer": testing.check_optimizer,
    "rate": testing.check_rate,
    "tracker": testing.check_tracker,
}
#: The year of a paper, and none of a date.
YEAR = re.compile(r"\b(19|20)\d\d\b(?!-)")
#: Checks that take a folder for a cache as their second argument.
WITH_CACHE = ("dataset", "source", "evaluator", "tracker")


def spec_of(family: str, kind: str, fields: dict[str, Any]) -> Component:
    found = components()[family].get(kind)
    assert found is not None
    return found.model_validate({"kind": kind, **fields})


def filled_folder(folder: Path) -> None:
    """Two pictures in each of two classes, a table about them, and a folder of weights."""
    random = np.random.default_rng(0)
    rows = ["image,label"]
    for name in ("a", "b"):
        (folder / "pictures" / name).mkdir(parents=True)
        for index in range(2):
            pixels = random.integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "pictures" / name / f"{index}.png")
            rows.append(f"{name}/{index},{name}")
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    weights = folder / "weights" / "generator.safetensors"
    weights.parent.mkdir()
    safetensors.torch.save_file({"conv_img.bias": torch.ones(3)}, weights)
    card = {"name": "ones", "licence": "CC0-1.0", "sha256": {weights.name: sha256_of(weights)}}
    write_json(weights.with_name("card.json"), card)


def test_every_registered_component_is_checked_here() -> None:
    found = {family: sorted(name for name, _, _ in components()[family]) for family in FAMILIES}
    assert found == {family: sorted(kinds) for family, kinds in {"block": BLOCKS, **OTHERS}.items()}
    assert sum(len(kinds) for kinds in found.values()) == 55


@pytest.mark.parametrize(
    ("kind", "fields", "shape"), [(kind, *example) for kind, examples in BLOCKS.items() for example in examples]
)
def test_blocks(kind: str, fields: dict[str, Any], shape: Shape) -> None:
    spec = spec_of("block", kind, fields)
    testing.check_block(spec, shape)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("family", "kind", "fields"),
    [(family, kind, fields) for family, kinds in OTHERS.items() for kind in kinds for fields in kinds[kind]],
)
def test_other_components(family: str, kind: str, fields: dict[str, Any], tmp_path: Path) -> None:
    if kind == "tensorboard":
        pytest.importorskip("tensorboard", reason="tensorboard is not installed: pip install 'ganforge[tensorboard]'")
    filled_folder(tmp_path)
    placed = {
        key: value.replace(FOLDER, str(tmp_path)) if isinstance(value, str) else value for key, value in fields.items()
    }
    spec = spec_of(family, kind, placed)
    CHECKS[family](spec, *([tmp_path / "cache"] if family in WITH_CACHE else []))


def test_papers_that_a_docstring_names_are_cited_by_reports() -> None:
    installed = plugins.load()
    specs = [spec for family in FAMILIES for _, spec, _ in installed[family] if YEAR.search(spec.__doc__ or "")]
    assert {"adam", "residual", "r1"} <= {spec.kind_name() for spec in specs}
    # the paper of a source is cited beside its weights
    silent = [spec.kind_name() for spec in specs if not spec.papers and not getattr(spec, "citation", "")]
    assert silent == []


def test_installed_extractors_that_need_no_file_keep_their_promises() -> None:
    ready = [spec for _, spec, _ in plugins.load()["extractor"] if _is_ready(spec)]
    assert "efficientnet_lite0" in [spec.kind_name() for spec in ready]
    for spec in ready:
        testing.check_extractor(spec())


def _is_ready(spec: type[ExtractorSpec]) -> bool:
    """It has no required field, and finds on this machine what it needs."""
    if any(field.is_required() for field in spec.model_fields.values()):
        return False
    try:
        spec().preflight()
    except GanforgeError:
        return False
    return True


def test_the_examples_of_sites_agree_with_what_blocks_declare() -> None:
    for sites in example_sites():
        assert len(sites.shapes) == len(sites.keys) + 1
        assert sites.frozen < set(sites.keys)
