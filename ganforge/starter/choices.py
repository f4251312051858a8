"""What a first recipe should say for a set of pictures, each value with the reason for it.

The numbers are those of recipes/dr_best.yaml, which were found on 1,163 photographs at 64 pixels (docs/study.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ganforge.data.reasons import window_that_holds
from ganforge.processors import usable_processors
from ganforge.recipe.models import SplitSpec
from ganforge.starter.survey import FEW_IMAGES, Survey

#: The resolution of the bundled source.
RESOLUTION = 64
BATCH = 32
#: How often each image to train on is shown, and the fewest and most images that are shown in all.
PASSES = 35
FEWEST_SHOWN, MOST_SHOWN = 20_000, 160_000
#: Above this, the largest class against the smallest, classes are drawn more evenly than they are.
UNBALANCED = 1.5
#: A class with so many images can be drawn as often as any other without being learnt by heart.
MANY_IMAGES = 200
#: A larger share of a picture than this is not thrown away by a choice that nobody made.
MOST_CROPPED = 0.25
#: More classes than any grading has.
MANY_CLASSES = 30
#: Names that a warning lists.
SHOWN = 10
#: Images a second that the networks of the recipe were seen to train on with one processor; two give 1.8 times that.
SPEED_OF_ONE = 20.0


@dataclass(frozen=True)
class Choice:
    """A value of the recipe, and a sentence that says why."""

    value: str
    why: str


@dataclass(frozen=True)
class Choices:
    """All that depends on the pictures."""

    is_conditional: bool
    resolution: Choice
    #: What the dataset is told about how pictures become squares of 256 levels, by its fields.
    pictures: dict[str, Choice]
    #: None where the set itself says which pictures are held out.
    held_out: Choice | None
    batch: Choice
    sampler: Choice
    steps: Choice
    num_steps: int
    #: The classes are grades of one thing.
    is_ordered: bool
    #: Generated images in a set for the scores.
    evaluation_images: int
    #: About how long the training takes.
    seconds: float
    warnings: tuple[str, ...]


def choose(survey: Survey) -> Choices:
    """The values for a first run over these pictures."""
    held_out = _held_out(survey) if survey.sides is None else None
    split = SplitSpec() if held_out is None else SplitSpec(held_out=float(held_out.value))
    train, unseen = survey.split_counts(split)
    num_train = sum(train)
    batch = BATCH if num_train >= BATCH else max(4, num_train // 2)
    shown = min(max(PASSES * num_train, FEWEST_SHOWN), MOST_SHOWN)
    num_steps = max(10, round(shown / batch / 10) * 10)
    processors = usable_processors()
    seconds = num_steps * batch / (SPEED_OF_ONE * processors**0.85)
    return Choices(
        is_conditional=len(survey.classes) > 1,
        resolution=Choice(str(RESOLUTION), _why_resolution(survey)),
        pictures=_pictures(survey),
        held_out=held_out,
        batch=Choice(str(batch), "as for the recipe that we know best" if batch == BATCH else "small, as the set is"),
        sampler=_sampler(survey),
        steps=Choice(
            str(num_steps),
            f"{num_steps * batch:,} images shown in all, each of the {num_train:,} to train on about "
            f"{num_steps * batch / num_train:.0f} times. About {_about(seconds)} on the {processors} processor"
            f"{'' if processors == 1 else 's'} of the machine that wrote this: an estimate, which "
            "`ganforge run RECIPE --dry-run` replaces by a measurement",
        ),
        num_steps=num_steps,
        is_ordered=_is_ordered(survey.classes),
        evaluation_images=min(300, max(50, sum(unseen))),
        seconds=seconds,
        warnings=_warnings(survey, train, unseen),
    )


def _is_ordered(classes: Sequence[str]) -> bool:
    """Whether each name begins with a number, one more than the name before: `0 no DR`, `1 mild`, ..."""
    numbers = [re.match(r"\d{1,3}(?!\d)", name) for name in classes]
    found = [int(number[0]) for number in numbers if number is not None]
    return len(found) == len(classes) > 1 and found == list(range(found[0], found[0] + len(found)))


def _held_out(survey: Survey) -> Choice:
    if survey.num_images < 100:
        return Choice("0.3", "more than the usual fifth, since scores on a handful of pictures say nothing")
    if survey.num_images > 5000:
        return Choice("0.1", "a tenth is plenty of so many pictures")
    return Choice("0.2", "a fifth: enough to measure with, and most are left to learn from")


def _why_resolution(survey: Survey) -> str:
    sizes = (
        f"all have a shorter side of {survey.side} pixels"
        if survey.smallest == survey.largest
        else f"their shorter sides are {survey.smallest} to {survey.largest} pixels, mostly about {survey.side}"
    )
    bundled = "that of the source that comes with ganforge"
    if survey.side < RESOLUTION:
        return f"{bundled}. The pictures are smaller ({sizes}) and will be enlarged"
    if survey.side < 2 * RESOLUTION:
        return f"{bundled}. More would show little, since {sizes}"
    return (
        f"{bundled}, and a first run should be short. The pictures would allow more ({sizes}); recipes/paper "
        "and recipes/sources begin with published networks of 128 to 1024 pixels, at many times the cost"
    )


def _pictures(survey: Survey) -> dict[str, Choice]:
    """`fit` and `window`, of a dataset that has them and was not told them by who recognised it."""
    wanted = {"fit": _fit(survey.outside_square), "window": _window(survey)}
    open_fields = type(survey.spec).model_fields.keys() - survey.spec.model_fields_set
    return {key: choice for key, choice in wanted.items() if choice is not None and key in open_fields}


def _fit(outside: float) -> Choice:
    share = f"{outside:.0%} of the area of a picture (the median) is outside its centred square"
    if outside > MOST_CROPPED:
        return Choice(
            "pad",
            f"{share}, and `crop` would throw that away: `pad` keeps the whole picture, with black edges. Where "
            "nothing that matters lies at the edges, `crop` shows the rest larger",
        )
    cut = f"{share} and is cut off" if outside >= 0.005 else "the pictures are square, or nearly so"
    return Choice("crop", f"{cut}. `pad` would keep all of a picture, with black edges")


def _window(survey: Survey) -> Choice | None:
    """The values that become black to white, where the pictures of 16 bits use fewer."""
    depth = survey.depth
    if depth is None or not 0 < depth.largest < 1 << 15:
        return None
    center, width = window_that_holds(depth.largest)
    looked = "one 16-bit picture" if depth.num_decoded == 1 else f"{depth.num_decoded} of the 16-bit pictures"
    return Choice(
        f"{{center: {center}, width: {width}}}",
        f"the largest value in {looked} is {depth.largest:,}, of 65,535 that there could be: 0 becomes black and "
        f"{width - 1:,} white, and greater values would be white as well",
    )


def _sampler(survey: Survey) -> Choice:
    most, fewest = max(survey.counts), min(survey.counts)
    if len(survey.classes) == 1:
        return Choice("natural", "there is one class")
    if most < UNBALANCED * fewest:
        return Choice("natural", f"the classes are about equally large ({fewest:,} to {most:,} images)")
    often = f"the largest class has {most / fewest:.1f} times the images of the smallest"
    if fewest >= MANY_IMAGES:
        return Choice("balanced", f"{often}, but even that has {fewest:,}: all classes are drawn equally often")
    return Choice(
        "square_root",
        f"{often}; rare classes are drawn more often than they are, but not so often that their {fewest:,} images "
        "are learnt by heart",
    )


def _warnings(survey: Survey, train: list[int], unseen: list[int]) -> tuple[str, ...]:
    found = []
    counted = list(zip(survey.classes, survey.counts, strict=True))
    few = [f"'{name}' ({count:,})" for name, count in counted if count < FEW_IMAGES]
    if few:
        found.append(f"a generator learns little from fewer than {FEW_IMAGES} pictures of a class: {_some(few)}.")
    if len(survey.classes) > MANY_CLASSES:
        found.append(
            f"there are {len(survey.classes):,} classes. Where folders stand for patients, sort the pictures into one "
            "folder for each class instead."
        )
    for counts, fate in ((unseen, "held out, so that there is none to measure with"), (train, "left to train on")):
        without = [f"'{name}'" for name, count in zip(survey.classes, counts, strict=True) if count == 0]
        if without:
            none = f"none is {fate} of {_some(without)}."
            found.append(
                f"all pictures of a class may be of patients of others, and stay with them: {none} Another split.seed "
                "may help."
                if survey.sides is None
                else f"by the split that comes with the pictures, {none}"
            )
    if 0 < survey.num_grey < survey.num_headers:
        found.append(
            f"{survey.num_grey:,} of {survey.num_headers:,} pictures are grey, the others in colour; a class that is "
            "grey in one place and in colour in another is learnt as two."
        )
    return tuple(found)


def _some(names: Sequence[str]) -> str:
    """The names, or the first of many and how many more there are."""
    rest = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def _about(seconds: float) -> str:
    """`20 minutes`, `3 hours`."""
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} minutes"
    return f"{seconds / 3600:.0f} hours"
