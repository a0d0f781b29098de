"""What an observer is told while a bridge asks a simulated lock, in virtual time."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bridge.client import LockClient
from bridge.config import Settings
from bridge.engine import Engine
from bridge.errors import Unreachable
from bridge.http.metrics import Metrics
from bridge.journal import COMMAND_LINE
from bridge.links import MemoryHub, open_link
from bridge.records import LockRecord, PairingState
from bridge.store.folder import StateFolder
from tests.bridge.http.test_health import Samples, told
from tests.together.door import Door, open_door, pin
from tests.together.links import Dead, Losing, Whole
from tests.virtual_time import run


class Watched:
    """A door, and an engine that metrics observe."""

    def __init__(self, door: Door, folder: Path) -> None:
        self.door = door
        self.metrics = Metrics()
        self.engine = Engine(
            Settings(state_dir=folder),
            StateFolder.open(folder),
            door.keys,
            command="latchwire serve",
            hub=door.hub,
            now=door.now,
            observer=self.metrics,
        )
        self.record = LockRecord(
            id=1,
            name="front",
            target="memory:front",
            wire_id=door.known.wire_id,
            public_key=door.known.public_key,
            state=PairingState.PAIRED,
            zone="UTC",
            version=1,
        )

    async def ping(self) -> None:
        await self.engine.read(self.record, LockClient.ping, b"?")

    @property
    def counted(self) -> Samples:
        return told(self.metrics)

    @property
    def lock(self) -> tuple[str]:
        return (f"{self.record.wire_id:08X}",)


def watched(test: Callable[[Watched], Awaitable[None]], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def opened_and_closed() -> None:
        door = await open_door(slots=5)

        async def open_double(target: str, hub: MemoryHub | None) -> Whole:
            door.links.append(door.wrap(await open_link(target, hub)))
            return door.links[-1]

        monkeypatch.setattr("bridge.engine.open_link", open_double)
        at = Watched(door, folder)
        try:
            await test(at)
        finally:
            await at.engine.close()

    run(opened_and_closed())


def test_every_exchange_is_counted_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(at: Watched) -> None:
        await at.ping()
        counted = at.counted
        assert counted["latchwire_exchange_seconds_count", ("hello", "answered")] == 1
        assert counted["latchwire_exchange_seconds_count", ("handshake", "answered")] == 1
        assert counted["latchwire_exchange_seconds_count", ("transport", "answered")] == 2  # the clock, and the ping
        assert counted["latchwire_retries_total", ()] == counted["latchwire_timeouts_total", ()] == 0

    watched(test, tmp_path, monkeypatch)


def test_what_a_lossy_link_costs_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(at: Watched) -> None:
        at.door.wrap = lambda link: Losing(link, requests={0}, answers={1})
        await at.ping()
        assert at.counted["latchwire_retries_total", ()] == 2

    watched(test, tmp_path, monkeypatch)


def test_a_lock_that_does_not_answer_in_time_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(at: Watched) -> None:
        at.door.wrap = Dead
        with pytest.raises(Unreachable):
            await at.ping()
        counted = at.counted
        assert counted["latchwire_timeouts_total", ()] == 1
        assert counted["latchwire_exchange_seconds_count", ("hello", "silent")] >= 1
        assert counted["latchwire_exchange_seconds_count", ("hello", "cut_off")] == 1

    watched(test, tmp_path, monkeypatch)


def test_slots_and_clock_are_told_by_what_is_asked_anyway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(at: Watched) -> None:
        at.door.ahead = 90
        await at.engine.change(at.record, COMMAND_LINE, LockClient.create_pin, pin("97531"))
        assert at.counted["latchwire_clock_skew_seconds", at.lock] == pytest.approx(-90, abs=1)
        for ask in (LockClient.info, LockClient.status):
            await at.engine.read(at.record, ask)
        assert at.counted["latchwire_free_slots", at.lock] == 4
        assert at.counted["latchwire_clock_skew_seconds", at.lock] == pytest.approx(0, abs=1)  # it was corrected

    watched(test, tmp_path, monkeypatch)
