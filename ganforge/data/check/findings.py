"""What is wrong with a set of images, or may be: one rule each, over the looks of all its files."""

# N images

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from ganforge.data.alike import ADVICE, alike_classes
from ganforge.data.check.doubles import THRESHOLD, equal
from ganforge.data.check.finding import Finding, Set
from ganforge.data.check.look import BLACK, WHITE
from ganforge.data.patients import PATIENT
from ganforge.data.reasons import faults, ways_out
from ganforge.errors import one_line

#: Share of one kind in a class, against its share in the others, from which the kind tells the class.
TELLING = 0.8
#: Images that share the start of a name, up to which it may be a patient.
_MOST_OF_A_PATIENT = 20
#: Files of a group of doubles that a line names.
_SHOWN_OF_A_GROUP = 4


def bad_files(images: Set, most: float | None) -> list[Finding]:
    """Files that can't be used; an error unless a quarantine takes a share of `most`."""
    bad = [i for i, look in enumerate(images.looks) if look.reason]
    if not bad:
        return []
    is_error = most is None or len(bad) > most * len(images)
    found = faults((images.names[i], images.looks[i].reason) for i in bad)
    advice = "Replace these files or take them out of the set"
    advice += "; `bad_images.policy=quarantine` leaves few out of a run." if 10 * len(bad) <= len(images) else "."
    text = f"{_images(len(bad))} can't be used"
    items = tuple(f"{images.names[i]} {images.looks[i].reason}" for i in bad)
    lines = tuple(line for fault in found for line in fault.lines())
    advice = "\n".join([*ways_out(found), *([advice] if is_error else [])])
    return [Finding("bad_files", is_error, text, advice, items, lines=lines)]


def doubles(images: Set) -> list[Finding]:
    """The same pixels more than once, whatever the files; of uniform pictures that says nothing."""
    groups = equal([look.pixels if look.fingerprint else "" for look in images.looks])
    two_classes = [group for group in groups if images.num_classes_of(group) > 1]
    parted = [group for group in groups if images.are_parted(group)]
    two_patients = [group for group in groups if images.num_groups_of(group) > 1 and group not in two_classes + parted]
    rest = [group for group in groups if group not in two_classes + parted + two_patients]
    return [
        *_groups("two_classes", True, images, two_classes, "in two classes", "One of the labels is wrong."),
        *_groups(
            "train_and_held_out",
            True,
            images,
            parted,
            "trained on and held out",
            "Scores on held-out images would be too good. Keep one of each, or give all of them the same patient.",
        ),
        *_groups(
            "two_patients",
            False,
            images,
            two_patients,
            "of two patients",
            "Another split may train on one and hold the other out. Keep one of each.",
        ),
        *_groups("twice", False, images, rest, "more than once", "It counts as often as it is there."),
    ]


def near_doubles(images: Set, groups: Sequence[Sequence[int]]) -> list[Finding]:
    """Pictures that differ by little more than how they were saved; first the groups that do most harm."""
    if not groups:
        return []
    classes = sum(images.num_classes_of(group) > 1 for group in groups)
    parted = sum(images.are_parted(group) for group in groups)
    ordered = sorted(groups, key=lambda group: (images.num_classes_of(group) < 2, not images.are_parted(group)))
    return [
        Finding(
            "nearly_equal",
            False,
            f"{_number(sum(map(len, groups)), 'file')} in {_number(len(groups), 'group')} of nearly the same picture "
            f"(correlation from {THRESHOLD}); of the groups {classes:,} in two classes, {parted:,} trained on and held "
            "out",
            "Look at them: it may be one picture with two labels, or one that is filed twice.",
            tuple(", ".join(map(images.described, group)) for group in ordered),
            tuple(i for group in ordered for i in group[:_SHOWN_OF_A_GROUP]),
            tuple(_some(images, group) for group in ordered),
        )
    ]


def classes(images: Set, held_out: float) -> list[Finding]:
    """Classes with too few images or patients to train or to measure."""
    usable = images.usable()
    found = []
    for label, name in enumerate(images.classes):
        members = [i for i in usable if images.labels[i] == label]
        train = sum(images.sides[i] == "train" for i in members)
        patients = images.num_groups_of(members)
        if not members:
            found.append(Finding("empty_class", True, f"class '{name}' has no image that can be used"))
        elif not train:
            found.append(Finding("nothing_to_train", True, f"class '{name}' has no image to train on"))
        elif len(members) == 1:
            found.append(
                Finding("one_image", False, f"class '{name}' has a single image, which will be learnt by heart")
            )
        elif held_out and not any(images.sides[i] == "held_out" for i in members):
            text = (
                f"class '{name}' has no held-out image ({_number(patients, 'patient')}), so nothing of it is measured"
            )
            found.append(Finding("nothing_held_out", False, text))
    return found


def alike(images: Set) -> list[Finding]:
    """Classes that may be one, written in two ways."""
    return [Finding("alike_classes", False, text, ADVICE) for text in alike_classes(images.classes)]


def patients(images: Set) -> list[Finding]:
    """Whether file names say more of patients than the set uses."""
    if images.knows_patients() or not images.usable():
        return []
    stems = [PurePosixPath(images.names[i]).stem for i in images.usable()]
    same = re.sub(r"\d+$", "", _common_start(stems))
    for mark in ("_", "-"):
        starts = Counter(stem.removeprefix(same).split(mark)[0] for stem in stems if mark in stem.removeprefix(same))
        shared = sum(count for count in starts.values() if 2 <= count <= _MOST_OF_A_PATIENT)
        if shared > 0.3 * len(stems) and len(starts) > 0.02 * len(stems):
            text = (
                f"each image counts as a patient of its own, but {shared:,} share the start of their name with another"
            )
            pattern = one_line(f"{same}{PATIENT}{mark}*")
            advice = f"If that is the patient, say so: data.patient='{pattern}'; else patients are on both sides."
            return [Finding("patients_in_names", False, text, advice)]
    text = "each image counts as a patient of its own: where patients have several, say which with `patient`"
    return [Finding("no_patients", False, text)]


def _common_start(texts: Sequence[str]) -> str:
    first, last = min(texts, default=""), max(texts, default="")
    return first[: next((i for i, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), len(first))]


def small(images: Set) -> list[Finding]:
    """Pictures that are enlarged."""
    some = [i for i in images.usable() if images.looks[i].source_side < images.resolution]
    if not some:
        return []
    smallest = min(images.looks[i].source_side for i in some)
    text = (
        f"{_images(len(some))} ({_share(some, images)}) smaller than {images.resolution} pixels and enlarged; "
        f"the smallest has {smallest}"
    )
    return [Finding("enlarged", False, text, items=tuple(images.names[i] for i in some), images=tuple(some))]


def extreme_brightness(images: Set) -> list[Finding]:
    """Pictures without a picture."""
    found = []
    for what, is_it in (("black", lambda level: level < BLACK), ("white", lambda level: level > WHITE)):
        some = [i for i in images.usable() if is_it(images.looks[i].brightness)]
        if some:
            text = f"{_images(len(some))} ({_share(some, images)}) nearly {what}"
            advice = "Look at them; pictures of 16 bits or DICOM files may need a `window`."
            found.append(Finding(f"nearly_{what}", False, text, advice, _names(images, some), tuple(some)))
    return found


def uniform(images: Set) -> list[Finding]:
    """Pictures of one level, or that change so slowly that there is nothing in them; black and white ones aside."""
    some = [
        i for i in images.usable() if not images.looks[i].fingerprint and BLACK <= images.looks[i].brightness <= WHITE
    ]
    if not some:
        return []
    text = f"{_images(len(some))} ({_share(some, images)}) nearly uniform: no edge, no texture"
    advice = "Look at them; they may be failed exposures, or pictures of 16 bits whose `window` is too wide."
    return [Finding("uniform", False, text, advice, _names(images, some), tuple(some))]


def misnamed(images: Set) -> list[Finding]:
    """Suffixes that say something else than the content, by which files are read."""
    some = [i for i in images.usable() if images.looks[i].is_misnamed]
    items = tuple(f"{images.names[i]} is {images.looks[i].format}" for i in some)
    return [Finding("suffix", False, f"{_images(len(some))} with a wrong suffix", "", items)] if some else []


def telling_kinds(images: Set) -> list[Finding]:
    """A kind of file or a size by which a class can be told: what is learnt may be the camera and not the disease."""
    usable = images.usable()
    by_class = [[i for i in usable if images.labels[i] == label] for label in range(len(images.classes))]
    aspects = (
        ("files of one kind", [f"{look.format} {look.mode}" for look in images.looks]),
        ("one size", [f"{look.width} x {look.height}" for look in images.looks]),
    )
    found = []
    for aspect, values in aspects:
        for label, members in enumerate(by_class):
            others = [i for i in usable if images.labels[i] != label]
            if len(members) < 5 or len(others) < 5:
                continue
            value, count = Counter(values[i] for i in members).most_common(1)[0]
            elsewhere = sum(values[i] == value for i in others) / len(others)
            if count / len(members) >= TELLING and elsewhere <= 1 - TELLING:
                text = (
                    f"{aspect} ({value}): {count / len(members):.0%} of class '{images.classes[label]}', but "
                    f"{elsewhere:.0%} of the others"
                )
                advice = (
                    "A generator may learn what the camera or the hospital did to a class, and take it for the class."
                )
                found.append(Finding("telling", False, text, advice))
    return found


def windows(images: Set, has_window: bool) -> list[Finding]:
    """DICOM files whose levels come from each picture's own extremes, and pictures that no window changes."""
    if has_window:
        untouched = [i for i in images.usable() if not images.looks[i].takes_window]
        is_shallow = all(images.looks[i].bits <= 8 for i in untouched)
        what = "of 8 bits" if is_shallow else "of 8 bits or of several channels"
        text = f"{_images(len(untouched))} ({_share(untouched, images)}) {what}, whose levels stay as they are"
        advice = "`window` is for deeper grey pictures and DICOM files; where there are none, remove it."
        return [Finding("window_unused", False, text, advice, _names(images, untouched))] if untouched else []
    some = [i for i in images.usable() if not images.looks[i].has_window]
    if not some:
        return []
    text = f"{_images(len(some))} in DICOM files that don't say which values are black and white"
    return [Finding("no_window", False, text, "Each is stretched by itself; a `window` gives all the same.")]


def _groups(what: str, is_error: bool, images: Set, groups: list[list[int]], text: str, advice: str) -> list[Finding]:
    if not groups:
        return []
    items = tuple(", ".join(map(images.described, group)) for group in groups)
    lines = tuple(_some(images, group) for group in groups)
    head = f"{sum(map(len, groups)):,} files show {_number(len(groups), 'picture')}: the same pixels {text}"
    return [Finding(what, is_error, head, advice, items, tuple(i for group in groups for i in group), lines)]


def _some(images: Set, group: Sequence[int]) -> str:
    """The first files of a group, and how many more there are."""
    rest = len(group) - _SHOWN_OF_A_GROUP
    shown = ", ".join(map(images.described, group[:_SHOWN_OF_A_GROUP]))
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def _names(images: Set, some: Sequence[int]) -> tuple[str, ...]:
    return tuple(images.names[i] for i in some)


def _share(some: Sequence[int], images: Set) -> str:
    return f"{len(some) / max(1, len(images.usable())):.1%}"


def _images(number: int) -> str:
    return _number(number, "image")


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"
