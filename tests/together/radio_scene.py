"""A bridge with a real registry, stock bleak and a lock on the air; what happens to the radio, and what is so after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge.client import LockClient
from bridge.engine import Engine
from bridge.errors import BridgeError
from bridge.journal import COMMAND_LINE
from bridge.links import MemoryHub, open_link
from bridge.pairing import PairingWish
from bridge.records import LockRecord
from hil.bluetooth.bench import RadioBench
from tests.benchmarks.locks import bridge
from tests.together.door import pin
from tests.together.links import Whole

PINS = [pin(digits, alias) for digits, alias in (("97531", "first"), ("86420", "cut"), ("13579", "last"))]


@dataclass(slots=True, kw_only=True)
class Scene:
    """A paired bridge at a lock on the air."""

    bench: RadioBench
    engine: Engine
    lock: LockRecord
    links: list[Whole] = field(default_factory=list)
    """Every link that was opened, each of which keeps what was written on it."""

    async def create(self, number: int) -> int:
        """Create one of PINS and return its id."""
        return (await self.engine.change(self.lock, COMMAND_LINE, LockClient.create_pin, PINS[number])).id

    async def create_at_last(self, number: int) -> int:
        """Ask for a pin as often as a patient person does; return its id."""
        for _ in range(5):
            try:
                return await self.create(number)
            except BridgeError:
                await asyncio.sleep(0.1)
        return await self.create(number)

    async def get_ready(self) -> int:
        """Have a session open and no pin but the first; return how many links have been opened so far."""
        await self.engine.change(self.lock, COMMAND_LINE, LockClient.clear_pins)
        await self.create(0)
        return len(self.links)

    async def aliases(self) -> list[str]:
        """Return what the lock holds."""
        listed = await self.engine.read(self.lock, LockClient.list_pins)
        return [each.alias for each in listed.pins]

    async def list_version(self) -> int:
        """Return how often the lock's list has moved."""
        return (await self.engine.read(self.lock, LockClient.status)).list_version

    @property
    def link(self) -> Whole:
        """The newest link."""
        return self.links[-1]


@asynccontextmanager
async def at_scene(
    state: Path, bench: RadioBench, target: str, label: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    """Yield a scene at the lock behind `target`."""
    links: list[Whole] = []

    async def open_watched(target: str, hub: MemoryHub | None) -> Whole:
        links.append(Whole(await open_link(target, hub)))
        return links[-1]

    monkeypatch.setattr("bridge.engine.open_link", open_watched)
    async with bridge(state) as (service, engine):
        lock = await service.pair(PairingWish(target=target, name="front", zone="UTC", id=1), label)
        scene = Scene(bench=bench, engine=engine, lock=lock, links=links)
        yield scene
