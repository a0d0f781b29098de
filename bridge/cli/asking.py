"""Secrets, asked of the person at the terminal; they are never shown."""

from getpass import getpass

from bridge.errors import UsageError


def ask(prompt: str) -> str:
    """Return what was typed; raise UsageError where the input ended instead."""
    try:
        return getpass(prompt)
    except EOFError:
        raise UsageError("The input ended before anything was typed. Try again.") from None
