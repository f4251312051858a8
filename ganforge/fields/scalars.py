"""What plain (unquoted) text means, after the core schema of YAML 1.2.2, section 10.3.2."""

from __future__ import annotations

import json
import math
import re
from typing import Any

Scalar = str | int | float | bool | None

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# 4000: Python refuses to convert integers of more than 4300 digits, so that longer ones stay text.
_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}|0o[0-7]{1,4000}|0x[0-9a-fA-F]{1,4000}")
_TOO_LONG = re.compile(r"[-+]?[0-9]{4001,}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def scalar(text: str) -> Scalar:
    """The value of plain text: `1e-4` is a float, `010` is ten, `no` and `2024-01-01` are text."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _FLOAT.fullmatch(text) and not _TOO_LONG.fullmatch(text):
        return float(text)
    return float(text.replace(".", "", 1)) if _NOT_FINITE.fullmatch(text) else text


def shown(value: Any) -> str:
    """The value on one line, as an override takes it: text in quotes only where it needs them."""
    if isinstance(value, str):
        is_plain = value.isprintable() and value.strip() == value and value[:1] not in {"[", "{", '"', "'"}
        return value if is_plain and scalar(value) == value else quoted(value)
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return json.dumps(value, ensure_ascii=False)


def quoted(text: str) -> str:
    """Text in double quotes, as JSON writes it, with the escapes of YAML for what JSON leaves invisible."""
    written = json.dumps(text, ensure_ascii=False)
    return "".join(character if character.isprintable() else f"\\U{ord(character):08x}" for character in written)
