"""The help of a verb, in words of its own."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


class Verb(TyperCommand):
    """A verb whose arguments are called what they are; typer adds their types in Python, such as `<list[Path]>`."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The arguments, and the options below them. Both are of the click inside typer, which has no public types."""
        for kind, title in (("argument", "Arguments"), ("option", "Options")):
            params = [param for param in self.get_params(ctx) if param.param_type_name == kind]
            records = [record for param in params if (record := param.get_help_record(ctx)) is not None]
            if records:
                with formatter.section(title):
                    # options are left as they are: <auto|cpu|cuda> are words to choose from
                    formatter.write_dl(
                        [(name.partition(" <")[0] if kind == "argument" else name, text) for name, text in records]
                    )
