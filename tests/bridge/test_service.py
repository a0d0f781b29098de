"""The use cases that need no lock: what is refused before one is asked, tokens, and a state that is not safe."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.errors import DamagedState, NotPaired, NotRegistered, RuleBroken, Unreachable, UnsafeState
from bridge.journal import COMMAND_LINE
from bridge.records import LockRecord, PairingState, Scope
from bridge.service import Service, open_service
from bridge.store.folder import StateFolder
from bridge.store.keys import load_or_create
from bridge.store.registry import Registry
from protocol.vocabulary import PinEntry, Rule, Schedule, Weekdays, Window

FRONT = LockRecord(
    id=123,
    name="front",
    target="memory:nobody",
    wire_id=1,
    public_key=bytes(32),
    state=PairingState.PAIRED,
    zone="UTC",
    version=1,
)

Test = Callable[[Service], Awaitable[None]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Test], None]:
    """Run a test with a service that knows one lock, which is not there."""

    async def opened(test: Test) -> None:
        settings = Settings(state_dir=tmp_path / "state")
        folder = StateFolder.open(settings.state_dir)
        load_or_create(folder)
        registry = await Registry.open(folder)
        await registry.add_lock(FRONT)
        await registry.close()
        async with open_service(settings, command="latchwire test") as service:
            await test(service)

    return lambda test: asyncio.run(opened(test))


Run = Callable[[Test], None]

BROKEN = [
    (PinEntry(digits="1234", alias="a"), Rule.DIGITS_LENGTH),
    (PinEntry(digits="12345", alias="a"), Rule.DIGITS_SEQUENCE),
    (PinEntry(digits="97531", alias=""), Rule.ALIAS_LENGTH),
    (
        PinEntry(digits="97531", alias="a", schedule=Schedule(windows=(Window(weekdays=Weekdays(0), start=0, end=1),))),
        Rule.WINDOW_WEEKDAYS,
    ),
]


def test_a_broken_rule_is_told_without_the_digits_and_before_the_lock_is_asked(run: Run) -> None:
    async def test(service: Service) -> None:
        for entry, rule in BROKEN:
            with pytest.raises(RuleBroken) as failure:
                await service.create_pin(FRONT, entry, COMMAND_LINE)
            assert failure.value.rule is rule
            assert entry.digits not in str(failure.value)

    run(test)


def test_a_bridge_is_ready_as_long_as_its_keys_and_its_registry_are_there(run: Run, tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state")

    async def test(service: Service) -> None:
        await service.require_ready()
        kept = folder.key_file.read_bytes()
        folder.key_file.unlink()
        with pytest.raises(DamagedState, match="cannot be used"):
            await service.require_ready()
        load_or_create(folder)
        with pytest.raises(DamagedState, match=r"holds other keys .* Start it anew"):
            await service.require_ready()
        folder.key_file.write_bytes(kept)
        await service.require_ready()
        with closing(sqlite3.connect(folder.database)) as connection, connection:
            connection.execute("DROP TABLE grants")
            connection.execute("DROP TABLE locks")
        with pytest.raises(DamagedState, match="cannot be read or written"):
            await service.require_ready()

    run(test)


def test_a_lock_that_is_not_there_is_unreachable_for_changes_and_reads(run: Run) -> None:
    async def test(service: Service) -> None:
        with pytest.raises(Unreachable):
            await service.create_pin(FRONT, PinEntry(digits="97531", alias="a"), COMMAND_LINE)
        with pytest.raises(Unreachable):
            await service.list_pins(FRONT)

    run(test)


def test_locks_are_found_by_number_and_by_what_people_call_them(run: Run) -> None:
    async def test(service: Service) -> None:
        assert await service.locks() == (FRONT,)
        assert await service.lock(123) == FRONT
        assert await service.find_lock("front") == await service.find_lock("123") == FRONT
        for unknown in (service.lock(1), service.find_lock("back")):
            with pytest.raises(NotRegistered):
                await unknown

    run(test)


def test_a_token_allows_what_it_was_made_for_until_it_expires(run: Run) -> None:
    async def test(service: Service) -> None:
        scopes = frozenset({Scope.DEVICE_READ})
        grant = await service.authenticate(await service.create_token(scopes=scopes, locks=["front", "123"]))
        assert grant is not None
        assert (grant.scopes, grant.locks) == (scopes, frozenset({123}))
        past = datetime(2020, 1, 1, tzinfo=UTC)
        expired = await service.create_token(scopes=scopes, locks=["front"], expires=past)
        assert await service.authenticate(expired) is None
        assert await service.authenticate("no token") is None
        with pytest.raises(NotRegistered):
            await service.create_token(scopes=scopes, locks=["back"])

    run(test)


def test_a_state_that_others_may_read_starts_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)

    async def scenario() -> None:
        async with open_service(Settings(state_dir=folder), command="latchwire test"):
            raise AssertionError

    with pytest.raises(UnsafeState):
        asyncio.run(scenario())
    assert list(folder.iterdir()) == []


def test_whatever_fails_inside_the_service_is_closed_behind_it(run: Run) -> None:
    async def test(service: Service) -> None:
        del service
        raise NotPaired("Only a test.")

    with pytest.raises(NotPaired, match="Only a test"):
        run(test)
