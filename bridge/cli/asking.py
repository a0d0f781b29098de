"""What only the person at the terminal can say: secrets, which are never shown, and a yes to what destroys.

It is read without a thread: an interpreter that ends would wait for one that reads, and Ctrl-C for the return key.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getpass

from bridge.errors import UsageError


def ask(prompt: str) -> str:
    """Return what was typed; raise UsageError where the input ended instead, KeyboardInterrupt at Ctrl-C."""
    try:
        with _interruptible():
            return getpass(prompt)
    except EOFError:
        raise UsageError("The input ended before anything was typed. Try again.") from None


def confirm(question: str) -> None:
    """Return once the person has answered yes; raise UsageError for anything else, or where nobody is here."""
    if not sys.stdin.isatty():
        raise UsageError("Nobody is here to confirm that. Add --yes, and it is done without a question.")
    with _interruptible():
        sys.stderr.write(f"{question} Type yes to go on: ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
    if answer.strip().lower() != "yes":
        raise UsageError("That was no yes: nothing was done.")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end what blocks; asyncio's own handler would only note it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
