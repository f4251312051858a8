"""The model card: README.md in the format of the Hugging Face hub, a YAML header and text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ganforge.card import Card
from ganforge.evaluation.shown import floor, grouped, named, number, parts, sizes, warnings_of
from ganforge.exports.config import ExportConfig, GraphInputs
from ganforge.recipe import yaml

PHANTOM = """\
> [!WARNING]
> **PHANTOM.** This generator learnt from phantoms, cartoons that a program draws. Its images show that software works.
> They say nothing about patients, and nothing that is learnt from them does."""

USE = """\
For research: to fill up rare classes, to test software, to study generators. **Not for diagnosis**, and not as a
replacement of real images in the evaluation of a medical device. A generator shows what it was shown: the cameras, the
population and the errors of its labels are those of the images below. An image has the class that was asked for only as
far as the scores say."""

MEMORISATION = """\
A generator can hold what its training images held, and with few of them more of it. Look for copies of patients before
you share it or images by it (`ganforge eval RUN --metrics memorisation`), and ask whether the terms of the images allow
that."""


def model_card(config: ExportConfig, formats: Sequence[str], licence: str) -> str:
    """The text of README.md. Names no path, file or patient."""
    card = config.card
    parts = [
        f"---\n{yaml.dump(_header(card, formats, licence))}---",
        f"# {_plain(card.name)}",
        *([PHANTOM] if card.is_phantom else []),
        _summary(card),
        "## Use",
        "\n\n".join(_use(config, formats)),
        "## Intended use and limits",
        USE,
        MEMORISATION,
        "## What it learnt from",
        _data(card),
        "## Training",
        _training(config),
        "## Scores",
        _scores(card),
    ]
    if config.graph is not None:
        parts += ["## Graphs", _graphs(config, config.graph)]
    return "\n\n".join(parts) + "\n"


def _header(card: Card, formats: Sequence[str], licence: str) -> dict[str, object]:
    tags = ["ganforge", "gan", "medical", *(["class-conditional"] if card.is_conditional else [])]
    tags += [each for each in formats if each != "torch_export"] + (["phantom"] if card.is_phantom else [])
    header: dict[str, object] = {"license": licence}
    if licence == "other":
        header["license_name"] = "terms-of-data-and-source"
        header["license_link"] = "README.md#what-it-learnt-from"
    header |= {"library_name": "ganforge", "pipeline_tag": "unconditional-image-generation", "tags": tags}
    if card.data is not None:
        header["datasets"] = [re.sub(r"[^A-Za-z0-9._]+", "-", card.data.name).strip("-.") or "unnamed"]
    return header


def _summary(card: Card) -> str:
    what = f"one of {len(card.classes)} classes that you ask for" if card.is_conditional else "no class in particular"
    lines = [f"Generates images of {card.resolution} x {card.resolution} pixels, of {what}. They are not photographs."]
    if card.description:
        lines.insert(0, _plain(card.description).rstrip(".") + ".")
    return "\n".join(lines)


def _use(config: ExportConfig, formats: Sequence[str]) -> list[str]:
    card, parts = config.card, []
    label = f'"{card.classes[-1]}", ' if card.is_conditional else ""
    if "safetensors" in formats:
        needed = ", ".join(sorted({origin for origin in config.components.values() if origin}))
        parts.append(
            "```python\nimport ganforge\n\n"
            'generator = ganforge.load("FOLDER")\n'
            f"images = generator({label}count=16, seed=0)  # uint8 (16, {card.resolution}, {card.resolution}, 3)\n```"
        )
        parts.append(f"Needs: {needed}. Nothing in this folder is executed.")
    if card.is_conditional:
        rows = [f"| {number} | {_plain(name)} |" for number, name in enumerate(card.classes)]
        parts.append("\n".join(["| label | class |", "|---|---|", *rows]))
    return parts or ["See the graphs below."]


def _data(card: Card) -> str:
    data, lines = card.data, []
    if data is None:
        lines.append("The record of the training images is lost.")
    else:
        rows = [
            f"| {_plain(name)} | {train:,} | {held_out:,} |"
            for name, train, held_out in zip(card.classes, data.train, data.held_out, strict=True)
        ]
        name = f"**{_plain(data.name)}**{' (PHANTOM)' if data.is_phantom else ''}"
        lines += [f"{name}, {sum(data.train):,} images to train on.", ""]
        lines += ["| class | trained on | held out |", "|---|---|---|", *rows, ""]
        lines += [f"- licence of the images: {_plain(data.licence)}", f"- citation: {_plain(data.citation)}"]
        lines.append(f"- fingerprint (sha256 over pixels, labels and groups): `{data.fingerprint}`")
    if card.source is None:
        return "\n".join([*lines, "", "Its weights began from nothing, not from a pretrained network."])
    source = card.source
    place = f", {source.url}" if source.url else ""
    lines += ["", f"Its weights began from **{_plain(source.name)}**{place}.", ""]
    lines += [
        f"- licence of the weights: {_plain(source.licence)}",
        f"- citation: {_plain(source.citation) or 'not stated'}",
    ]
    return "\n".join(lines)


def _training(config: ExportConfig) -> str:
    card = config.card
    versions = ", ".join(f"{name} {number}" for name, number in card.versions.items())
    return (
        f"Step {card.step:,} of {card.num_steps:,}: {card.images:,} images shown, many of them the same ones. The "
        f"weights are the moving average of the generator's. Recipe `{card.recipe}`, seed {card.seed}; {versions}."
    )


def _scores(card: Card) -> str:
    if not card.scores:
        return f"**None**: {card.not_measured}. Nobody has measured whether these images are any good."
    against = dict.fromkeys(", ".join(filter(None, (score.dataset, score.split))) for score in card.scores)
    names = "; ".join(_plain(text) for text in against if text) or "held-out images"
    sections = [
        f"Measured against {names}. *Better* says which values are; *real* is what real images get among themselves; "
        "the spreads are standard deviations over other images from this generator (seeds) and over other draws of the "
        "images at hand (draws); n are the images, generated and real where they differ."
    ]
    for heading, scores in grouped(card.scores).items():
        rows = [
            f"| {_plain(parts(score)[0])} | {_plain(score.of_class or 'all')} | {number(score.value)} | "
            f"{score.better} | {number(score.seed_spread, 2)} | {number(score.spread, 2)} | {floor(score, 3)} | "
            f"{sizes(score)} |"
            for score in scores
        ]
        table = [
            "| score | class | value | better | ± seeds | ± draws | real | n |",
            "|---|---|---|---|---|---|---|---|",
        ]
        sections.append("\n".join([*([f"**{_plain(heading)}**", ""] if heading else []), *table, *rows]))
    meanings = dict.fromkeys(score.meaning for score in card.scores if score.meaning)
    if meanings:
        sections.append("\n".join(f"- {_plain(text)}" for text in meanings))
    found = warnings_of(card.scores)
    if found:
        sections.append("\n".join(_warning(text, of, len(card.scores)) for text, of in found.items()))
    return "\n\n".join(sections)


def _warning(text: str, names: Sequence[str], total: int) -> str:
    about = "" if len(names) == total else f"{_plain(named(names))}: "
    return f"- **warning: {about}{_plain(text)}**"


def _graphs(config: ExportConfig, graph: GraphInputs) -> str:
    card = config.card
    length = sum(height * width for height, width in graph.noise_sides)
    rows = [f"| `z` | float32 (N, {config.latent_dim}) | standard normal |"]
    if card.is_conditional:
        rows.append(f"| `label` | int64 (N,) | 0 to {len(card.classes) - 1} |")
    rows.append("| `truncation` | float32 (N,) | 1: as trained; below: more typical, less diverse |")
    if graph.noise_sides:
        sides = ", ".join(f"{height}x{width}" for height, width in graph.noise_sides)
        rows.append(
            f"| `noise` | float32 (N, {length}) | standard normal, or zeros for none; maps of {sides} in a row |"
        )
    checks = [
        f"- {name}: {difference:.1e} of {allowed:.1e} allowed"
        for name, (difference, allowed) in graph.differences.items()
    ]
    return "\n".join(
        [
            f"`images` is float32 (N, 3, {card.resolution}, {card.resolution}) in [-1, 1]; N is free.",
            "",
            "| input | type | values |",
            "|---|---|---|",
            *rows,
            "",
            "Truncation pulls towards the mean style of the class, taken over 4,096 latents of seed 0."
            if config.generator.mapping is not None
            else "Truncation multiplies z.",
            "",
            "Largest difference of a pixel from the network itself, in batches of 1, 3 and 4. Allowed are 1e-4, or "
            "four times the network's own rounding in float32 where that is more:",
            "",
            *checks,
        ]
    )


def _plain(text: str) -> str:
    """On one line, without what Markdown or HTML would take for their own."""
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", " ".join(text.split()))
