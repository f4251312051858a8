"""Makes the bundled source from a run: `python make_bundle.py RUN ganforge_flowers/flowers_64`.

Weights are stored in half precision; the card says where they come from and what they may be used for.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from ganforge.files import sha256_of, write_json
from ganforge.runs.checkpoint import load_newest, save_tensors
from ganforge.runs.rundir import RunDir


def main(run_folder: Path, out: Path) -> None:
    run = RunDir.open(run_folder)
    checkpoint, _ = load_newest(run.checkpoints)
    out.mkdir(parents=True, exist_ok=True)
    for name, stem in (("generator", "generator_average"), ("discriminator", "discriminator")):
        half = {key: tensor.to(torch.float16) for key, tensor in checkpoint.tensors[stem].items()}
        save_tensors(out / f"{name}.safetensors", half)
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    card = {
        "name": "flowers_64",
        "description": "Unconditional 64 px GAN of flower photographs: style-block generator (moving average) and "
        "residual discriminator, the networks of recipes/flower_source.yaml",
        "data": "TensorFlow flower_photos, 3,670 photographs of daisies, dandelions, roses, sunflowers and tulips; "
        "a tenth held out",
        "data_licence": "CC BY 2.0 (photographers are named in the data set's LICENSE.txt)",
        "licence": "MIT; trained on photographs under CC BY 2.0",
        "citation": "The TensorFlow Team 2019, Flowers, http://download.tensorflow.org/example_images/flower_photos.tgz",
        "recipe": "recipes/flower_source.yaml",
        "steps": checkpoint.step,
        "images_seen": next(row["images"] for row in rows if row["step"] == checkpoint.step),
        "stored_as": "float16",
        "sha256": {path.name: sha256_of(path) for path in sorted(out.glob("*.safetensors"))},
    }
    write_json(out / "card.json", card)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
