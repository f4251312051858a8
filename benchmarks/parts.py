"""Everything around the training step: sampling, data, distances, growth with the number of images and steps."""

# N images

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.measure import interleaved, memory_mib
from benchmarks.reference import plain_forward
from benchmarks.steps import LAZY, WARM_UP, build, plan_of
from ganforge.data.preparation import PrepareFile
from ganforge.data.prepared import made_by
from ganforge.listener import Listener
from ganforge.pictures import from_uint8
from ganforge.randomness import Draws
from ganforge.samples.request import Origin
from ganforge.samples.write import write_samples
from ganforge.sampling import BATCH, Sampler
from ganforge.start import build_networks

#: Sides of the pictures that cameras give, width and height.
FULL_SIZE = (3000, 2000)
NUM_FILES = 480
#: The plain loop is as quick for a few of them; ours also starts its processes.
NUM_PLAIN = 24


def sampling(recipe: str, repeats: int) -> dict[str, Any]:
    """Images/s of the plain generator, of the exact sampler and of the fast one; noise and latents drawn by all."""
    generator, _ = build_networks(plan_of(recipe, 1.0))
    samplers = {"exact": Sampler(generator, 0), "fast": Sampler(generator, 0, fast=True)}
    labels = [0] * BATCH

    def plain() -> None:
        draws = Draws(0, "sample", range(BATCH))
        with torch.no_grad():
            plain_forward(generator, draws.normal(generator.latent_dim), torch.tensor(labels), draws)

    subjects: dict[str, Callable[[], object]] = {"plain": plain}
    subjects |= {name: lambda sampler=sampler: sampler.images(labels) for name, sampler in samplers.items()}  # type: ignore[misc]
    times = interleaved(subjects, repeats, WARM_UP)
    base = times["plain"].median
    return {
        name: {**timing.as_dict(), "images_per_second": BATCH / timing.median, "speedup": base / timing.median}
        for name, timing in times.items()
    }


def data_loading(repeats: int) -> dict[str, Any]:
    """Drawing a batch of 32 from prepared images at 64 px, as a share of a fast step at 64 px."""
    pixels = np.random.default_rng(0).integers(0, 256, size=(2000, 3, 64, 64), dtype=np.uint8)
    indices = np.random.default_rng(1).integers(0, 2000, size=32)
    step = build("step_64", "fast")

    def load() -> None:
        from_uint8(torch.from_numpy(pixels[indices])).contiguous(memory_format=torch.channels_last)

    times = interleaved({"load": load, "step": lambda: step(1)}, max(repeats, 5))
    return {
        **{name: timing.as_dict() for name, timing in times.items()},
        "share": times["load"].median / times["step"].median,
    }


def preparation(repeats: int) -> dict[str, Any]:
    """Made-up fundus photographs of full size to 64 px: ganforge on two cores against open, resize, one by one."""
    from ganforge_dr.preparation import RetinaSquare

    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.jpeg" for number in range(NUM_FILES)]
        _draw(files[0])
        for file in files[1:]:
            file.write_bytes(files[0].read_bytes())

        def plain() -> None:
            for file in files[:NUM_PLAIN]:
                Image.open(file).convert("RGB").resize((64, 64))

        def ours() -> None:
            made = list(made_by(PrepareFile(RetinaSquare(), 64), files, 2))
            assert all(image.pixels is not None for image in made)

        times = interleaved({"plain": plain, "ganforge": ours}, repeats)
    rates = {"plain": NUM_PLAIN / times["plain"].median, "ganforge": NUM_FILES / times["ganforge"].median}
    rows = {n: {**t.as_dict(), "images_per_second": rates[n]} for n, t in times.items()}
    return {**rows, "speedup": rates["ganforge"] / rates["plain"]}


def compiled(repeats: int) -> dict[str, Any]:
    """torch.compile on forward and backward of both networks at 64 px: what it saves, and what compiling costs."""
    generator, discriminator = build_networks(plan_of("dr_transfer_cgan.yaml", 1.0))
    z, labels = torch.randn(32, generator.latent_dim), torch.arange(32) % 5
    images = torch.randn(32, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    networks = {"generator": (generator, z), "discriminator": (discriminator, images)}
    rows: dict[str, Any] = {}
    for name, (network, x) in networks.items():
        network.to(memory_format=torch.channels_last)
        fast = torch.compile(network)
        started = time.perf_counter()
        fast(x, labels).sum().backward()
        seconds = time.perf_counter() - started
        times = interleaved(
            {
                "eager": lambda network=network, x=x: network(x, labels).sum().backward(),  # type: ignore[misc]
                "compiled": lambda fast=fast, x=x: fast(x, labels).sum().backward(),  # type: ignore[misc]
            },
            max(repeats, 5),
        )
        base = times["eager"].median
        for kind, timing in times.items():
            rows[f"{name}, {kind}"] = {**timing.as_dict(), "speedup": base / timing.median}
        rows[f"{name}, compiled"]["compile_seconds"] = seconds
    return rows


def fid_distance(repeats: int) -> dict[str, Any]:
    """Seconds of the Fréchet distance on made-up features of length 2048."""
    from ganforge_fid.distances import frechet_distance

    rng = np.random.default_rng(0)
    subjects: dict[str, Callable[[], object]] = {}
    for count in (200, 499, 5000):
        real, fake = rng.standard_normal((2, count, 2048))
        subjects[f"n = {count}"] = lambda real=real, fake=fake: frechet_distance(real, fake)  # type: ignore[misc]
    return {name: timing.as_dict() for name, timing in interleaved(subjects, repeats).items()}


def growth(repeats: int) -> dict[str, Any]:
    """Seconds and peak memory of 1, 4 and 16 times as many images written to disk, and steps done, at 64 px."""
    rows: dict[str, Any] = {}
    for what, unit in (("images", 20 * BATCH), ("steps", 8)):
        for factor in (1, 4, 16):
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
                seconds, mib = process.submit(_grown, what, factor * unit).result()
            rows[f"{factor * unit} {what}"] = {
                "seconds": seconds,
                "seconds_each": seconds / (factor * unit),
                "mib": mib,
            }
    return rows


def _grown(what: str, number: int) -> tuple[float, float]:
    """Seconds after a warm-up, and peak MiB, in a process of its own."""
    if what == "steps":
        step = build("step_64", "fast")
        for warm_up in range(3):
            step(warm_up)
        started = time.perf_counter()
        for index in range(number):
            step(index % LAZY)
        return time.perf_counter() - started, memory_mib(peak=True)
    generator, _ = build_networks(plan_of("dr_transfer_cgan.yaml", 1.0))
    with tempfile.TemporaryDirectory() as folder:
        labels, out = np.zeros(number, dtype=np.int64), Path(folder) / "out"
        started = time.perf_counter()
        write_samples(Sampler(generator, 0, fast=True), labels, Origin(["0"], "", 0, True, ""), out, Listener())
        return time.perf_counter() - started, memory_mib(peak=True)


def _draw(file: Path) -> None:
    """A bright disc with texture on black."""
    width, height = FULL_SIZE
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (0.48 * height) ** 2
    coarse = rng.uniform(60, 200, size=(height // 20, width // 20, 3)).astype(np.uint8)
    texture = np.asarray(Image.fromarray(coarse).resize(FULL_SIZE, Image.Resampling.BICUBIC))
    Image.fromarray(np.where(inside[..., None], texture, 0).astype(np.uint8)).save(file, quality=90)
