"""A simulated lock that nobody knows yet, and bridges that try to pair with it; each try is a process of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.links import Link, MemoryHub, open_link
from bridge.pairing import PairingWish
from bridge.records import LockRecord
from bridge.service import Service, open_service
from firmware_sim.device import GEOMETRY
from firmware_sim.flash import NorFlash
from firmware_sim.simulator import Simulator
from hil.bench.inprocess import InProcessLock
from protocol.framing import Frame
from protocol.label import format_label
from tests.together.links import Whole, frames_of

WISH = PairingWish(target="memory:front", name="front", zone="Europe/Warsaw")


class Workshop:
    """Locks by name, and the folder of a bridge; `wrap` makes a double of each link, and the links are kept."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(state_dir=folder)
        self.ack_timeout = 0.3
        self.hub = MemoryHub()
        self.locks: dict[str, Simulator] = {}
        self.wrap: Callable[[Link], Whole] = Whole
        self.links: list[Whole] = []
        self.add_lock("front")

    def add_lock(self, name: str) -> Simulator:
        """Put up another lock, its pairing window open."""
        lock = self.locks[name] = Simulator(NorFlash(GEOMETRY), slots=5)
        lock.hold_button(5)
        self.hub.ends[name] = InProcessLock(lock)
        return lock

    def hurry(self) -> None:
        """Let bridges wait less, for a test that loses frames on purpose in real time; a busy machine needs room."""
        self.ack_timeout = 0.1
        self.settings = replace(self.settings, deadline=0.5)

    @property
    def label(self) -> str:
        """The label of the front lock."""
        return format_label(self.locks["front"].device.factory.secret)

    @property
    def peers(self) -> int:
        """How many bridges the front lock keeps."""
        return len(self.locks["front"].device.firmware.pairing.peers())

    @property
    def sent(self) -> list[Frame]:
        """What was sent on the last link."""
        return frames_of(self.links[-1].written)

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Service]:
        """Run a bridge from its start to its end."""
        async with open_service(self.settings, command="latchwire pair", hub=self.hub) as service:
            yield service

    async def pair(self, wish: PairingWish = WISH, label: str | None = None) -> LockRecord:
        """Pair in a process of its own."""
        async with self.process() as service:
            return await service.pair(wish, self.label if label is None else label)

    async def records(self) -> tuple[LockRecord, ...]:
        """Return what is registered."""
        async with self.process() as service:
            return await service.locks()

    async def open_double(self, target: str, hub: MemoryHub | None) -> Whole:
        """Open a link, and have it go through the double."""
        link = self.wrap(await open_link(target, hub))
        link.ack_timeout = self.ack_timeout
        self.links.append(link)
        return link

    def stop(self) -> None:
        """Stop the locks."""
        for lock in self.locks.values():
            lock.stop()


@asynccontextmanager
async def workshop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workshop]:
    """Yield a fresh workshop, through whose doubles all bridges connect."""
    made = Workshop(folder)
    monkeypatch.setattr("bridge.engine.open_link", made.open_double)
    monkeypatch.setattr("bridge.sessions._PAUSE", 0.01)
    try:
        yield made
    finally:
        made.stop()
