"""A lock at an outlet, for tests of power: a simulated lock on a real pty that is dead while a file says `off`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from bridge.links import Link, open_link
from firmware_sim.control import serve_control
from firmware_sim.device import GEOMETRY
from firmware_sim.flash import NorFlash
from firmware_sim.ports.pty import serve_pty
from firmware_sim.simulator import Simulator
from hil.bench.presence import Presence
from hil.hands import Hands
from hil.line import Deaf, Patience
from hil.station import Station


class OutletLock(Simulator):
    """A lock whose power is what the outlet's file says when bytes come; it starts anew when power is back."""

    def __init__(self, outlet: Path) -> None:
        super().__init__(NorFlash(GEOMETRY), slots=3)
        self._outlet = outlet
        self._dead = False
        self.starts = 0

    def receive(self, number: int, data: bytes) -> None:
        """Hear bytes, where there is power."""
        dead, self._dead = self._dead, self._outlet.read_text().strip() == "off"
        if dead and not self._dead:
            self.starts += 1
            self.power_cycle()
        if not self._dead:
            super().receive(number, data)


class Bench:
    """A lock at an outlet in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outlet = folder / "outlet"
        self.outlet.write_text("on")
        self.place = f"serial:{folder / 'lock0'}"
        self.lock = OutletLock(self.outlet)
        self.presence = Presence(self._connect, single=True, answer=0.1)

    async def _connect(self) -> Link:
        return await open_link(self.place)

    def station(self, hands: Hands) -> Station:
        """Return a station at the lock with these hands."""
        return Station(
            self.presence.connect, hands, self.lock.device.factory.secret, patience=Patience(answer=2.0, quiet=0.05),
            random=Random(1), ear=Deaf(), single=True, wire=True,  # noqa: S311
        )  # fmt: skip


@asynccontextmanager
async def bench_in(folder: Path) -> AsyncIterator[Bench]:
    """Run a lock at an outlet in `folder`."""
    bench = Bench(folder)
    with serve_pty(bench.lock, folder / "lock0"):
        async with serve_control(bench.lock, folder / "ctl"):
            yield bench
    bench.lock.stop()


def script(path: Path, text: str, *, shell: str = "/bin/sh") -> str:
    """Write a program that can be run, and return how a bench file beside it names it."""
    path.write_text(f"#!{shell}\n{text}\n")
    path.chmod(0o700)
    return f"./{path.name}"


def python(path: Path, text: str) -> str:
    """Write a program in Python."""
    return script(path, text, shell=sys.executable)
