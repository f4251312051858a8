"""Chest radiographs that are drawn: 12 bits in 16-bit grey, three classes, two views of each patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CLASSES = ("effusion", "nodule", "normal")
#: The values that become black to white: those of 12 bits.
WINDOW = {"center": 2048.0, "width": 4096.0}


def draw_radiograph(label: int, seed: int, side: int = 48) -> NDArray[np.uint16]:
    """(side, side) of values from 0 to 4095: two dark lungs, and what their class has in one of them."""
    random = np.random.default_rng([label, seed])
    y, x = np.mgrid[:side, :side] / side - 0.5
    values = 2600 + random.normal(0, 60, (side, side))
    for sign in (-1, 1):
        lung = ((x - sign * random.uniform(0.2, 0.24)) / 0.16) ** 2 + (y / random.uniform(0.3, 0.36)) ** 2 < 1
        values[lung] -= 1500
        if sign == 1 and CLASSES[label] == "effusion":
            values[lung & (y > 0.12)] += 1300
    if CLASSES[label] == "nodule":
        at = random.uniform(-0.12, 0.12)
        values[(x - 0.22) ** 2 + (y - at) ** 2 < random.uniform(0.04, 0.06) ** 2] += 1400
    return values.clip(0, 4095).astype(np.uint16)


def save_radiographs(root: Path, patients: int = 8) -> Path:
    """`root` with images/007_1.png, ... and labels.csv, as a hospital might export them: semicolons, BOM, CRLF."""
    (root / "images").mkdir(parents=True)
    rows = ["file_name;finding;patient_id"]
    for patient in range(patients * len(CLASSES)):
        label = patient % len(CLASSES)
        for view in (1, 2):
            name = f"{patient:03d}_{view}.png"
            Image.fromarray(draw_radiograph(label, 2 * patient + view)).save(root / "images" / name)
            rows.append(f"{name};{CLASSES[label]};{patient:03d}")
    (root / "labels.csv").write_bytes(("\ufeff" + "\r\n".join(rows) + "\r\n").encode())
    return root
