"""What a model's source says about its fields in `#:` comments, for those who see the fields and not the source."""

from __future__ import annotations

import inspect
import re
from functools import cache

from pydantic import BaseModel

_FIELD = re.compile(r"    ([A-Za-z_]\w*)\s*:")
_REMARK = re.compile(r"    #: ?(.*)")


@cache
def remarks(model: type[BaseModel]) -> dict[str, str]:
    """Field -> the comment above it, in one line; fields without one are left out.

    Comments of a base class count where the class itself has none. A class without source, as one made in a notebook
    may be, has no comments.
    """
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found |= _own(base)
    return {name: text for name, text in found.items() if name in model.model_fields}


def _own(model: type[BaseModel]) -> dict[str, str]:
    try:
        lines = inspect.getsource(model).splitlines()
    except (OSError, TypeError):
        return {}
    found, open_lines = {}, list[str]()
    for line in lines:
        if remark := _REMARK.match(line):
            open_lines.append(remark[1])
        elif (field := _FIELD.match(line)) and open_lines:
            found[field[1]] = " ".join(open_lines)
            open_lines = []
        elif line.strip():
            open_lines = []
    return found
