"""What commands return, shown: fields as one JSON object a line for programs, text and tables for people.

A command returns frozen dataclasses: one, a tuple of them, or one after another. `str` of one is its text.
"""

import dataclasses
import json
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What would command a terminal: a lock's texts are its own, and nobody has checked them."""


class Renderer:
    """Writes values to stdout and failures to where they belong."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def show(self, value: Any) -> int:
        """Show what a command returned; return its exit code."""
        if isinstance(value, tuple):
            self._show_all(value)
        elif value is not None:
            self._line(_json(value) if self._as_json else _harmless(str(value)))
        return int(getattr(value, "exit_code", 0))

    def fail(self, sentence: str, code: int) -> int:
        """Show a failure; return its exit code."""
        with suppress(OSError):  # where nothing can be written, the exit code has to do
            if self._as_json:
                self._line(json.dumps({"error": sentence, "exit_code": code}))
            else:
                sys.stderr.write(f"latchwire: {_harmless(sentence)}\n")
        return code

    def _show_all(self, values: Sequence[Any]) -> None:
        if self._as_json:
            for value in values:
                self._line(_json(value))
        elif values:
            _print_table(values)

    def _line(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _json(value: Any) -> str:
    return json.dumps(dataclasses.asdict(value), default=str)  # ASCII: no terminal's encoding can spoil it


def _print_table(values: Sequence[Any]) -> None:
    from rich.console import Console  # noqa: PLC0415  rich costs more than most commands
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    names = [field.name for field in dataclasses.fields(values[0])]
    table = Table(*(name.replace("_", " ") for name in names), box=None, pad_edge=False)
    for value in values:
        table.add_row(*(Text(_harmless(_cell(getattr(value, name)))) for name in names))  # Text: a cell holds no markup
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console.width = 1000  # a pipe has no edge
    console.print(table)
    sys.stdout.flush()


def _harmless(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _cell(value: Any) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, tuple):
        return ", ".join(map(_cell, value))
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
