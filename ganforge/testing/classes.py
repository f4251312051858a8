"""Conformance of parameters that have a row for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganforge.testing.specs import expect

if TYPE_CHECKING:
    from torch import nn


def check_class_rows(kind: str, module: nn.Module, num_classes: int | None) -> None:
    """What a module names in `class_rows` must be parameters of it with a row for each class.

    By these names `pretrained.classes` fits a source that has other classes. num_classes: of the component; None: it
    doesn't say.
    """
    for owner in module.modules():
        names = getattr(owner, "class_rows", ())
        expect(not isinstance(names, str), f"{kind}: `class_rows` must be a tuple of names, not {names!r}.")
        parameters = dict(owner.named_parameters(remove_duplicate=False))
        for name in names:
            expect(
                name in parameters,
                f"{kind}: `class_rows` names '{name}', which is no parameter of its {type(owner).__name__}; "
                f"that has: {', '.join(parameters) or 'none'}.",
            )
            expect(num_classes is not None, f"{kind}: has `class_rows`, but no `num_classes` or `num_logits`.")
            num_rows = len(parameters[name]) if parameters[name].dim() else 0
            expect(
                num_rows == num_classes,
                f"{kind}: `class_rows` names '{name}', which has {num_rows} rows for {num_classes} classes.",
            )
