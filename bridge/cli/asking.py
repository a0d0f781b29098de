"""What is asked of the person at the terminal: secrets, which are never shown, and a yes."""

import asyncio
import sys
from getpass import getpass

from bridge.errors import UsageError


def ask(prompt: str) -> str:
    """Return what was typed; raise UsageError where the input ended instead."""
    try:
        return getpass(prompt)
    except EOFError:
        raise UsageError("The input ended before anything was typed. Try again.") from None


async def require_yes(question: str) -> None:
    """Return when a person has said yes; raise UsageError otherwise, or where nobody is here to say it."""
    if not sys.stdin.isatty():
        raise UsageError("Nothing was changed: nobody is here to say yes. Look at what it would do, and give --yes.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    answer = await asyncio.to_thread(sys.stdin.readline)
    if answer.strip().lower() not in ("y", "yes"):
        raise UsageError("Nothing was changed, for you did not say yes.")
