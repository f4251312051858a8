"""What is known of a set of images when it is checked, and how a thing that is found is told."""

# N images

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ganforge.data.check.look import Look


@dataclass(frozen=True)
class Finding:
    """One thing: an error makes a training wrong, a warning may."""

    #: Short name for programs, such as "two_classes".
    what: str
    is_error: bool
    text: str
    advice: str = ""
    #: Which images it is about, one line for each case. They name files: they stay on this machine.
    items: tuple[str, ...] = ()
    #: Numbers of images to look at, where looking helps.
    images: tuple[int, ...] = ()
    #: The items in fewer lines, where one can stand for many.
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Set:
    """N images by name; sides: "train", "held_out" or "unused", as a run would split them, and "" where unusable."""

    names: Sequence[str]
    labels: Sequence[int]
    groups: Sequence[str]
    sides: Sequence[str]
    looks: Sequence[Look]
    classes: Sequence[str]
    resolution: int

    def __len__(self) -> int:
        return len(self.names)

    def usable(self) -> list[int]:
        return [i for i, look in enumerate(self.looks) if not look.reason]

    def described(self, i: int) -> str:
        return f"{self.names[i]} ({self.classes[self.labels[i]]})"

    def knows_patients(self) -> bool:
        """Whether any image has a patient that is more than its own name."""
        return any(group != name for group, name in zip(self.groups, self.names, strict=True))

    def are_parted(self, images: Iterable[int]) -> bool:
        """Whether some train and others are held out."""
        return {"train", "held_out"} <= {self.sides[i] for i in images}

    def num_classes_of(self, images: Iterable[int]) -> int:
        return len({self.labels[i] for i in images})

    def num_groups_of(self, images: Iterable[int]) -> int:
        return len({self.groups[i] for i in images})
