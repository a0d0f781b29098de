"""How far long work has come: one line on stderr, rewritten, and only where a person watches."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_CLEAR = "\r\x1b[K"


class Progress:
    """Tells of one piece of work."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = sys.stderr.isatty()

    def tell(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        if self._shown:
            sys.stderr.write(f"{_CLEAR}{self._what}: {done} of {total}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Tell how `what` goes on, and leave nothing of it on the screen."""
    telling = Progress(what)
    try:
        yield telling
    finally:
        telling.clear()
