"""The person at the bench, who is asked on the terminal where no other hand can do it."""

import asyncio
import os
from contextlib import suppress

from ..errors import BenchFault

TERMINAL = "/dev/tty"
"""pytest takes stdin and stdout for itself; the terminal stays."""
PATIENCE = 300.0
"""Seconds that a person may take."""


class Operator:
    """Somebody at the terminal."""

    async def ask(self, what: str) -> None:
        """Say what is to be done and wait for Enter; raise BenchFault where nobody does it in time."""
        try:
            terminal = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY)
        except OSError:
            raise BenchFault(
                f"There is no terminal to ask the operator at: {what}. Run pytest at a terminal."
            ) from None
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        try:
            os.write(terminal, f"\n{what}, then press Enter: ".encode())
            loop.add_reader(terminal, done.set)
            async with asyncio.timeout(PATIENCE):
                await done.wait()
            os.read(terminal, 4096)
        except TimeoutError:
            raise BenchFault(f"Nobody has pressed Enter within {PATIENCE:g} s: {what}.") from None
        finally:
            with suppress(OSError):
                loop.remove_reader(terminal)
            os.close(terminal)
