"""One table of a bench file, read key by key: what is wrong in it is said with its name and key."""

import difflib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..errors import BenchFault


class Table:
    """The table that is called `name`, such as [target.power]; programs and paths in it are relative to `folder`."""

    def __init__(self, name: str, values: Mapping[str, Any], folder: Path) -> None:
        self._name = name
        self._values = values
        self._folder = folder

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def only(self, *known: str) -> None:
        """Raise BenchFault where there is a key that is not among `known`."""
        for key in self._values:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                self.wrong(key, f"there is no such key{f', did you mean {near[0]}' if near else ''}; there are "
                                f"{', '.join(known)}")  # fmt: skip

    def choice(self, key: str, known: Sequence[str]) -> str:
        """Return which of `known` is chosen."""
        value = self._values.get(key)
        if value not in known:
            self.wrong(key, f"give one of {', '.join(known)}")
        return str(value)

    def text(self, key: str) -> str:
        """Return a text that is not empty."""
        value = self._values.get(key)
        if not isinstance(value, str) or not value:
            self.wrong(key, "give a text in quotes")
        return value

    def number(self, key: str, default: float, *, highest: float) -> float:
        """Return a number above 0, `default` where there is none."""
        value = self._values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= highest:
            self.wrong(key, f"give a number above 0, up to {highest:g}")
        return float(value)

    def whole(self, key: str, default: int | None, *, lowest: int, highest: int) -> int:
        """Return a whole number, `default` where there is none."""
        value = self._values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            self.wrong(key, f"give a whole number from {lowest} to {highest}")
        return value

    def path(self, key: str) -> Path:
        """Return a path."""
        return self._folder / self.text(key)

    def octets(self, key: str) -> bytes:
        """Return bytes that are written in hexadecimal."""
        try:
            data = bytes.fromhex(self.text(key))
        except ValueError:
            data = b""
        if not data:
            self.wrong(key, 'give bytes in hexadecimal, such as "A00101A2"')
        return data

    def command(self, key: str) -> tuple[str, ...]:
        """Return a program that can be run, with its arguments."""
        words = self._values.get(key)
        if not isinstance(words, list) or not words or not all(isinstance(word, str) and word for word in words):
            self.wrong(key, 'give a program and its arguments, such as ["./relay.py", "on"]')
        return self.found(key, tuple(words))

    def found(self, key: str, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return `words` with the path of the program that they begin with."""
        return (self._program(key, words[0]), *words[1:])

    def wrong(self, key: str, sentence: str) -> NoReturn:
        """Raise BenchFault about a key."""
        raise BenchFault(f"{self._name} {key}: {sentence}.")

    def _program(self, key: str, name: str) -> str:
        if os.sep not in name:
            found = shutil.which(name)
            return found or self.wrong(key, f"there is no program {name} on PATH: install it, or give a path to it")
        path = (self._folder / name).absolute()
        if not path.is_file():
            self.wrong(key, f"there is no program at {path}")
        if not os.access(path, os.X_OK):
            self.wrong(key, f"{path} may not be run: try `chmod +x {path}`")
        return str(path)
