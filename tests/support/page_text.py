"""A page as a reader sees it."""

from __future__ import annotations

import re
from html import unescape


def words(html: str) -> str:
    """The text, with blanks in the place of markup and of line breaks."""
    body = re.sub(r"<(style|script).*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
