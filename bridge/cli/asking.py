"""What only the person at the terminal can say: secrets, which are never shown, and a yes to what destroys."""

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


async def confirm(question: str) -> None:
    """Return once the person has answered yes; raise UsageError for anything else, or where nobody is here."""
    if not sys.stdin.isatty():
        raise UsageError("Nobody is here to confirm that. Add --yes, and it is done without a question.")
    sys.stderr.write(f"{question} Type yes to go on: ")
    sys.stderr.flush()
    answer = await asyncio.to_thread(sys.stdin.readline)
    if answer.strip().lower() != "yes":
        raise UsageError("That was no yes: nothing was done.")
