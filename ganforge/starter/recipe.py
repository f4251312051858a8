"""The text of a first recipe for a set of pictures, with the reason for each value beside it."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ganforge.fields.scalars import quoted, scalar, shown
from ganforge.files import is_file
from ganforge.starter.choices import MANY_CLASSES, Choice, Choices
from ganforge.starter.parts import EXTRACTOR, FEATURES, OF_LABELS, SOURCE, Parts
from ganforge.starter.survey import Survey

WIDTH = 110
#: Where runs of the recipe lie, seen from where they are begun.
RUNS = Path("runs")


def default_name(root: Path) -> str:
    """A recipe's name for a folder or table: its own, without what a name can't hold."""
    place = Path(os.path.realpath(root))  # pathlib's own raises for a link in circles
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", place.stem if is_file(place) else place.name).strip("._-")[:80]
    return name or "pictures"


def recipe_text(name: str, survey: Survey, choices: Choices, parts: Parts, schema: str) -> str:
    """A recipe in YAML. schema: address of the JSON schema as the editor finds it from the recipe."""
    sections = [
        _head(name, survey, choices, schema),
        _data(survey, choices),
        _source(parts),
        _generator(choices, parts),
        _discriminator(choices, parts),
        _training(choices),
        _stage(choices, parts),
        _evaluation(choices, parts),
        _output(choices),
    ]
    return "\n".join("\n".join(lines) + "\n" for lines in sections if lines)


def _comment(text: str, indent: int = 0) -> list[str]:
    """`# text`, in as many lines as it takes. What could end a comment is shown as an escape."""
    plain = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    prefix = " " * indent + "# "
    return textwrap.wrap(
        plain, WIDTH, initial_indent=prefix, subsequent_indent=prefix, break_long_words=False, break_on_hyphens=False
    )


def _yaml(value: Any) -> str:
    """A value on one line; text that could mean anything else in YAML stands in quotes."""
    if isinstance(value, str) and (not re.fullmatch(r"[\w./+-]+", value) or scalar(value) != value):
        return quoted(value)
    return shown(value)


def _chosen(key: str, choice: Choice, indent: int = 0) -> list[str]:
    """The reason, and `key: value` below it."""
    why = choice.why[0].upper() + choice.why[1:]
    return [*_comment(f"{why}.", indent), f"{' ' * indent}{key}: {choice.value}"]


def _head(name: str, survey: Survey, choices: Choices, schema: str) -> list[str]:
    what = f"{len(survey.classes)} classes" if choices.is_conditional else "one kind, without a label"
    return [
        f"# yaml-language-server: $schema={schema}",
        *_comment("A first recipe, written by `ganforge new recipe`. Change what you like, then run `ganforge check`."),
        f"name: {_yaml(name)}",
        f"description: Pictures of {what}",
        "seed: 0",
        *_chosen("resolution", choices.resolution),
    ]


def _data(survey: Survey, choices: Choices) -> list[str]:
    counts = ", ".join(f"{name}: {count:,}" for name, count in zip(survey.classes, survey.counts, strict=True))
    total = f"{survey.num_images:,} pictures of {survey.num_patients:,} patients or samples"
    lines = _comment(f"{total}." if len(survey.classes) > MANY_CLASSES else f"{total}. {counts}.")
    for note in survey.notes:
        lines += _comment(note[0].upper() + note[1:])
    if survey.num_grey == survey.num_headers:
        lines += _comment("They are grey: trained on as three equal colours; generated pictures are RGB files.")
    for warning in choices.warnings:
        lines += _comment(f"Mind: {warning}")
    lines.append("data:")
    fields = survey.spec.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    for key, value in {"kind": survey.spec.kind, **fields}.items():
        if key not in choices.pictures:
            lines.append(f"  {key}: {_yaml(value)}")
    for key, choice in choices.pictures.items():
        lines += _chosen(key, choice, 2)
    if choices.held_out is None:
        return lines
    why = f"never trained on, to measure with ({choices.held_out.why}); pictures of one patient stay on one side"
    return [*lines, *_chosen("split", Choice(f"{{held_out: {choices.held_out.value}}}", why))]


def _source(parts: Parts) -> list[str]:
    if not parts.source:
        return []
    return [
        *_comment("Weights of a GAN of flowers, which comes with ganforge: edges and textures are learnt already."),
        f"source: {{kind: {SOURCE}}}",
    ]


def _generator(choices: Choices, parts: Parts) -> list[str]:
    lines = [
        "# The networks are those of the source, and of recipes/dr_best.yaml; other sizes would not fit its weights."
        if parts.source
        else "# The networks are those of recipes/dr_best.yaml.",
        "generator:",
        "  latent_dim: 128",
        "  mapping: {kind: mapping_mlp, depth: 4, width: 128}",
        "  blocks:",
        "    fc: {kind: latent_to_grid, channels: 256}",
        "    style_0: {kind: style, channels: 256}",
        *(
            f"    style_{level}: {{kind: style, channels: {channels}, upsampling: bilinear}}"
            for level, channels in enumerate((128, 64, 32, 16), start=1)
        ),
        "    conv_img: {kind: image_head}",
    ]
    if choices.is_conditional:
        lines += [
            "  # the class that is asked for is concatenated to z, in front of the mapping network and of fc",
            "  label:",
            "    - {where: {kind: latent}, how: {kind: concatenate, dim: 128}}",
        ]
    return [*lines, "  initialisation: {kind: variance_preserving}", *_pretrained(parts)]


def _discriminator(choices: Choices, parts: Parts) -> list[str]:
    lines = ["discriminator:", "  blocks:", "    conv_img: {kind: image_stem, channels: 16}"]
    for level, channels in enumerate((32, 64, 128, 256, 256)):
        lines.append(f"    resnet_{level}_0: {{kind: residual, channels: {channels}, residual_scale: 1.0}}")
        lines += [f"    pool_{level}: {{kind: average_pool}}"] if level < 4 else []
    lines.append("    fc: {kind: logit_head}")
    if parts.features:
        places = ", ".join(f"{{kind: at_resolution, pixels: {pixels}}}" for pixels in (16, 8, 4))
        lines += [
            "  # what a network sees that was trained on a million photographs joins the blocks of its resolution:",
            "  # a few hundred pictures alone don't teach a discriminator what to look at",
            "  features:",
            f"    network: {{kind: {FEATURES}}}",
            f"    at: [{places}]",
        ]
    if choices.is_conditional:
        lines += ["  label:", "    - {where: {kind: latent}, how: {kind: projection}}"]
    return [*lines, "  initialisation: {kind: variance_preserving}", *_pretrained(parts)]


def _pretrained(parts: Parts) -> Iterator[str]:
    if parts.source:
        yield "  pretrained: {}"


def _training(choices: Choices) -> list[str]:
    lines = ["training:", *_chosen("batch", choices.batch, 2), "  loss: {kind: bce}"]
    if choices.is_conditional:
        lines += [
            "  # real pictures with a wrong class count as generated, so that the discriminator must look at the class",
            "  wrong_labels: 0.5",
        ]
    return [
        *lines,
        "  regularisers:",
        "    - {kind: r1, gamma: 5, every: 4}",
        "  augmentations:",
        "    # mirrored pictures are as real. Remove this line where left and right differ, as in chest X-rays",
        "    - {kind: flip}",
        "    # shifts and changes of brightness that the generator doesn't learn to imitate",
        "    - {kind: diff_augment, cutout: 0}",
        *_chosen("sampler", Choice(f"{{kind: {choices.sampler.value}}}", choices.sampler.why), 2),
        "  optimizer: {kind: adam, betas: [0, 0.99]}",
        "  # the pictures come from a moving average of the generator's weights",
        "  ema: 0.999",
        "  # bfloat16 where the machine is quick in it",
        "  step: auto",
    ]


def _stage(choices: Choices, parts: Parts) -> list[str]:
    frozen = [
        "    # the layers near the image keep what they know of edges",
        "    discriminator:",
        '      - freeze: "conv_img.*"',
        '      - freeze: "resnet_0_0.*"',
    ]
    return [
        "stages:",
        "  - name: all",
        *_chosen("steps", choices.steps, 4),
        *(frozen if parts.source else []),
        "    # rates fall along a cosine: at a constant one the pictures get worse again from time to time",
        "    generator_rate: {kind: cosine, rate: 5e-4, final: 5e-5}",
        "    discriminator_rate: {kind: cosine, rate: 5e-4, final: 5e-5}",
    ]


def _evaluation(choices: Choices, parts: Parts) -> list[str]:
    if not parts.evaluators:
        return []
    kinds = [kind for kind in parts.evaluators if choices.is_conditional or kind not in OF_LABELS]
    lines = [
        "# Measured on the held-out pictures, by another network than the one that the discriminator looks through;",
        "# docs/evaluation.md says what each number means.",
        "evaluation:",
        f"  images: {choices.evaluation_images}",
        "  evaluators:",
    ]
    ordering = (
        "the classes look like grades, so that a mistake counts by how far off it is"
        if choices.is_ordered
        else "`ordered: true` where the classes are grades of one thing; `data.classes` says in which order"
    )
    for kind in kinds:
        is_of_labels = kind in OF_LABELS
        if is_of_labels and kind == next(k for k in kinds if k in OF_LABELS):
            lines += _comment(f"is the class recognised that was asked for? {ordering}", 4)
        ordered = f", ordered: {str(choices.is_ordered).lower()}" if is_of_labels else ""
        if kind == "memorisation":
            lines.append("    # are generated pictures copies of patients that were trained on?")
        lines.append(f"    - {{kind: {kind}, extractor: {{kind: {EXTRACTOR}}}{ordered}}}")
    if "kd" in kinds:
        lines += [
            "  # a GAN gets worse as well as better: the best checkpoint is kept",
            f"  best: {{by: kd, every: {max(1, choices.num_steps // 5)}}}",
        ]
    return lines


def _output(choices: Choices) -> list[str]:
    every = max(1, choices.num_steps // 10)
    return [f"output: {{folder: {RUNS}, samples_every: {every}, checkpoints_every: {every}}}"]
