"""The camera of the phantom: framing of the round field, light, optics and sensor, none of which knows the grade."""

# S side of the canvas, R side of the finished picture, both in pixels

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ganforge_dr.phantom_canvas import Array, Canvas, Colour, Stencil, cover, smooth_noise


@dataclass(frozen=True)
class Camera:
    """One exposure; places and lengths in field units, framing in half sides of the picture."""

    centre: tuple[float, float]
    radius: float
    #: Height at which top and bottom of the field are cut off; 1 leaves it round.
    cut: float
    #: Corner of the little tab on the rim that tells which way up the picture is; None: no tab.
    tab: float | None
    exposure: float
    contrast: float
    white_balance: Colour
    #: Light that is missing at the rim, as a fraction.
    vignetting: float
    light: tuple[float, float]
    #: Pale crescent from light that strays in at the edge of the pupil: direction and strength.
    crescent: tuple[float, float]
    haze: float
    #: Dark shadow (lash, floater, bad alignment): centre x, y, radius, strength.
    shadow: tuple[float, float, float, float]
    #: Ghost image of the flash: centre x, y, radius, strength.
    reflection: tuple[float, float, float, float]
    blur: float
    noise: float


def draw_camera(rng: np.random.Generator) -> Camera:
    """A random camera and exposure; most are ordinary, a few are bad."""
    draws = rng.random(8)
    is_zoomed = draws[0] < 0.25
    balance = np.exp(rng.normal(0, (0.05, 0.05, 0.11)))
    return Camera(
        centre=(rng.uniform(-0.015, 0.015), rng.uniform(-0.02, 0.02)),
        radius=rng.uniform(1.04, 1.2) if is_zoomed else rng.uniform(0.955, 0.99),
        cut=rng.uniform(0.78, 0.95) if draws[1] < 0.45 else 1.0,
        tab=rng.choice((-0.8, 0.8)) if draws[2] < 0.4 else None,
        exposure=float(np.exp(rng.normal(0.0, 0.22))),
        contrast=rng.uniform(0.9, 1.2),
        white_balance=(float(balance[0]), float(balance[1]), float(balance[2])),
        vignetting=rng.uniform(0.1, 0.5),
        light=(rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3)),
        crescent=(rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 0.8) if draws[3] < 0.3 else 0.0),
        haze=rng.uniform(0.15, 0.4) if draws[4] < 0.12 else rng.uniform(0, 0.06),
        shadow=(*rng.uniform(-0.7, 0.7, 2), rng.uniform(0.2, 0.5), rng.uniform(0.3, 0.7) if draws[5] < 0.12 else 0.0),
        reflection=(
            *rng.uniform(-0.25, 0.25, 2),
            rng.uniform(0.03, 0.08),
            rng.uniform(0.2, 0.5) if draws[6] < 0.1 else 0.0,
        ),
        blur=rng.uniform(0.010, 0.022) if draws[7] < 0.12 else rng.uniform(0.0, 0.006),
        noise=rng.uniform(0.003, 0.014),
    )


def field_mask(camera: Camera, canvas: Canvas) -> Array:
    """(S, S): 1 in the field of view, 0 on the black around it."""
    stencil = Stencil(canvas)
    turn = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    rim = np.stack([np.cos(turn), np.clip(np.sin(turn), -camera.cut, camera.cut)], axis=1)
    if camera.tab is not None:
        outward = np.array((np.cos(camera.tab), np.sin(camera.tab)))
        tangent = np.array((-outward[1], outward[0]))
        corners = outward * np.array(((0.9,), (1.045,), (1.045,), (0.9,)))
        stencil.polygons((corners + tangent * np.array(((-0.04,), (-0.04,), (0.04,), (0.04,))))[None], np.ones(1))
    stencil.polygons(rim[None], np.ones(1))
    return stencil.array()


def light(picture: Array, camera: Camera, canvas: Canvas, rng: np.random.Generator) -> None:
    """Illuminate the retina and add what the optics add: falloff, crescent, haze, shadow, ghost; in place."""
    x, y = canvas.grid()
    radius = canvas.distance((0, 0))
    falloff = 1 - np.float32(camera.vignetting) * np.minimum(np.square(canvas.distance(camera.light)), 1.6)
    picture *= np.float32(camera.exposure) * (falloff + 0.03 * smooth_noise(rng, 4, canvas.side))
    picture *= np.array(camera.white_balance, np.float32)[:, None, None]
    if camera.shadow[3] > 0:
        distance = canvas.distance(camera.shadow[:2]) * (1 + 0.15 * smooth_noise(rng, 4, canvas.side))
        picture *= 1 - np.float32(camera.shadow[3]) * np.exp(-np.square(distance / camera.shadow[2]))
    direction, strength = camera.crescent
    if strength > 0:
        towards = np.clip((x * np.cos(direction) + y * np.sin(direction)) / np.maximum(radius, 0.05), 0, 1)
        glow = np.float32(strength) * np.square(np.clip((radius - 0.55) / 0.45, 0, 1)) * np.square(towards)
        cover(picture, glow.astype(np.float32), (0.72, 0.82, 0.72))
    if camera.reflection[3] > 0:
        distance = canvas.distance(camera.reflection[:2])
        ghost = np.float32(camera.reflection[3]) * np.exp(-np.square(distance / camera.reflection[2]))
        cover(picture, ghost, (0.8, 0.8, 0.95))
    picture *= np.float32(1 - camera.haze)
    picture += np.float32(camera.haze) * np.array((0.52, 0.47, 0.42), np.float32)[:, None, None]


def expose(
    picture: Array, camera: Camera, canvas: Canvas, resolution: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """(R, R, 3): the picture after lens blur, area averaging, sensor noise and framing."""
    picture = (picture - np.float32(0.45)) * np.float32(camera.contrast) + np.float32(0.45)
    # Highlights saturate softly, as film and sensor do.
    np.putmask(picture, picture > 0.8, 1 - 0.2 * np.exp((0.8 - np.maximum(picture, 0.8)) / 0.2))
    blur = camera.blur * canvas.radius * canvas.side / 2
    values = np.stack([_averaged(channel, blur, resolution) for channel in picture], axis=-1)
    frame = _averaged(field_mask(camera, canvas), 0.0, resolution)[..., None]
    grain = rng.standard_normal((resolution, resolution, 3), dtype=np.float32)
    # Part of the noise is common to the channels, as in compressed pictures.
    noisy = values + np.float32(camera.noise) * (0.7 * grain[..., :1] + 0.7 * grain)
    return (np.clip(noisy * frame, 0, 1) * 255 + 0.5).astype(np.uint8)


def _averaged(channel: Array, blur: float, resolution: int) -> Array:
    """(R, R) area averages of a channel (S, S) in 0..1, blurred first; blur: standard deviation in pixels."""
    if blur > 0.5:
        image = Image.fromarray((np.clip(channel, 0, 1) * 255 + 0.5).astype(np.uint8))
        channel = np.asarray(image.filter(ImageFilter.GaussianBlur(blur)), dtype=np.float32) * np.float32(1 / 255)
    return np.asarray(Image.fromarray(channel).resize((resolution, resolution), Image.Resampling.BOX))
