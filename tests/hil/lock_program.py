"""A simulated lock as a program of a user's: on stdin and stdout, or on a pty that it makes; it can be broken.

`python -m tests.hil.lock_program --flash FILE [--serial PATH] [--control PATH] [--tells N] [--trouble KIND --after N]`
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path

from firmware_sim import links, requests
from firmware_sim.control import serve_control
from firmware_sim.device import GEOMETRY, Device
from firmware_sim.flash import ImageFlash
from firmware_sim.ports.pty import serve_pty
from firmware_sim.simulator import Simulator, Wire
from protocol.label import format_label
from protocol.vocabulary import Capability

ROOT = Path(__file__).parents[2]
PROGRAM = f"{sys.executable} -m tests.hil.lock_program"
SLOTS = 20
LAST_WORDS = "the watchdog bit"


def new_lock(folder: Path, name: str = "lock") -> tuple[Path, Path]:
    """Make a lock that is new from the factory; return its flash and the file of its label."""
    flash, label = folder / f"{name}.flash", folder / f"{name}.label"
    with closing(ImageFlash(flash, GEOMETRY)) as image:
        made = Device(image, slots=SLOTS, epoch=0, now=time.monotonic_ns, entropy=os.urandom)
        label.write_text(format_label(made.factory.secret) + "\n")
    return flash, label


class StdioWire:
    """Stdin and stdout as a wire."""

    def send(self, data: bytes) -> None:
        os.write(sys.stdout.fileno(), data)

    def hang_up(self) -> None:
        """Do nothing: a wire has no end."""


class Troubled(Simulator):
    """A lock that has a trouble behind so many pieces of bytes."""

    trouble: Callable[[int], None] | None = None
    after = 0

    def receive(self, number: int, data: bytes) -> None:
        self.after -= 1
        if self.trouble and self.after < 0:
            self.trouble(number)
        else:
            super().receive(number, data)

    def wire(self, number: int) -> Wire:
        return self._attached[number].wire

    def be_silent(self, number: int) -> None:
        """Say nothing any more."""

    def babble(self, number: int) -> None:
        """Say what is no frame."""
        self.wire(number).send(b"\x00Latch v1.2 ready\r\n\x00")

    def restart(self, number: int) -> None:
        """Start anew, once."""
        self.trouble = None
        self.power_cycle()
        super().receive(number, b"")

    def end(self, number: int) -> None:
        """End with some last words."""
        del number
        sys.stderr.write(f"{LAST_WORDS}\n")
        sys.stderr.flush()
        os._exit(3)


TROUBLES = {
    "silence": Troubled.be_silent,
    "babble": Troubled.babble,
    "restart": Troubled.restart,
    "end": Troubled.end,
}


async def run(options: argparse.Namespace) -> None:
    """Be a lock until stdin ends."""
    ended = asyncio.Event()
    async with AsyncExitStack() as stack:
        lock = Troubled(stack.enter_context(closing(ImageFlash(options.flash, GEOMETRY))), slots=SLOTS)
        stack.callback(lock.stop)
        if options.trouble:
            lock.after, lock.trouble = options.after, partial(TROUBLES[options.trouble], lock)
        if options.pairing_open:
            lock.hold_button(5)
        if options.control:
            await stack.enter_async_context(serve_control(lock, options.control))
        if options.serial:
            stack.enter_context(serve_pty(lock, options.serial))
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            number = 0
        else:
            number = lock.attach(StdioWire(), connection=False)

        def take() -> None:
            data = os.read(sys.stdin.fileno(), 4096)
            if not data:
                asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
                ended.set()
            elif number:
                lock.receive(number, data)

        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), take)
        await ended.wait()


def main() -> None:
    """Read the options, and be the lock."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--flash", type=Path, required=True)
    parser.add_argument("--serial", type=Path)
    parser.add_argument("--control", type=Path)
    parser.add_argument("--tells", type=int, default=int(requests.CAPABILITIES))
    parser.add_argument("--pairing-open", action="store_true")
    parser.add_argument("--hasty", action="store_true", help="take as many hellos as come")
    parser.add_argument("--trouble", choices=TROUBLES)
    parser.add_argument("--after", type=int, default=0)
    options = parser.parse_args()
    if options.hasty:
        links.HANDSHAKES = 1000
    requests.CAPABILITIES = Capability(options.tells)
    asyncio.run(run(options))


if __name__ == "__main__":
    main()
