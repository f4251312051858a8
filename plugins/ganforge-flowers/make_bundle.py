"""Makes the bundled source from a run: `python make_bundle.py RUN ganforge_flowers/flowers_64`.

A run of recipes/flower_source.yaml, or one that continues from the bundled weights (`source: {kind: flowers_64}`).
Weights are stored in half precision. The card beside them says what they were made from and how good they are; the
grid beside this file is the run's own, of the moving average at the end.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch

from ganforge.errors import CheckpointError
from ganforge.files import read_json, sha256_of, write_json
from ganforge.runs.checkpoint import load_best
from ganforge.runs.rundir import RunDir
from ganforge.tensors import save_tensors


def main(run_folder: Path, out: Path) -> None:
    run = RunDir.open(run_folder)
    checkpoint, _ = load_best(run.checkpoints)
    state, data = run.read_state(), read_json(run.path / "data.json", CheckpointError)
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    images_seen = next(row["images"] for row in rows if row["step"] == checkpoint.step)
    before = _sittings_before(run, out)
    out.mkdir(parents=True, exist_ok=True)
    for name, stem in (("generator", "generator_average"), ("discriminator", "discriminator")):
        half = {key: tensor.to(torch.float16) for key, tensor in checkpoint.tensors[stem].items()}
        save_tensors(out / f"{name}.safetensors", half)
    card = {
        "name": "flowers_64",
        "description": "Unconditional 64 px GAN of flower photographs: style-block generator (moving average) and "
        "residual discriminator, the networks of recipes/flower_source.yaml",
        "data": "TensorFlow flower_photos, 3,670 photographs of daisies, dandelions, roses, sunflowers and tulips",
        "data_licence": "CC BY 2.0 (photographers are named in the data set's LICENSE.txt)",
        "data_fingerprint": data["card"]["fingerprint"],
        "images": data["images"],
        "licence": "MIT; trained on photographs under CC BY 2.0",
        "citation": "The TensorFlow Team 2019, Flowers, http://download.tensorflow.org/example_images/flower_photos.tgz",
        "recipe": "recipes/flower_source.yaml",
        "overrides": [text for text in state["overrides"] if not text.startswith(("data.root", "output."))],
        "step": checkpoint.step,
        "images_seen": images_seen + sum(sitting["images_seen"] for sitting in before),
        # each began with the weights of the one before it, and with new optimizers
        "sittings": [*before, {"recipe_sha256": state["recipe"], "images_seen": images_seen}],
        "stored_as": "float16",
        "scores": [_short(score) for score in read_json(run.path / "scores.json", CheckpointError)],
        "curve": [{key: row[key] for key in ("images", "score")} for row in rows if "score" in row],
        "sha256": {path.name: sha256_of(path) for path in sorted(out.glob("*.safetensors"))},
    }
    write_json(out / "card.json", card)
    newest = max(run.samples.glob("step_*.png"))
    shutil.copyfile(newest, out.parent.parent / f"{out.name}.png")


def _sittings_before(run: RunDir, out: Path) -> list[dict[str, Any]]:
    """Those of the bundled weights, if the run started from them."""
    source = run.path / "source.json"
    if not source.is_file():
        return []
    card = read_json(out / "card.json", CheckpointError)
    digests = ",".join(f"{key}:{value}" for key, value in sorted(card["sha256"].items()))
    if read_json(source, CheckpointError)["sha256"] != digests:
        raise SystemExit(f"{run.path} started from other weights than those in {out}.")
    first = {"recipe_sha256": None, "images_seen": card["images_seen"]}
    sittings: list[dict[str, Any]] = card.get("sittings", [first])
    return sittings


def _short(score: dict[str, Any]) -> dict[str, Any]:
    kept = ("name", "value", "num_seeds", "seed_spread", "spread", "spread_of", "n_real", "n_fake", "floor", "warnings")
    return {key: score[key] for key in kept}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
