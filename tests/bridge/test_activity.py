"""What is read of an audit is stored once, whoever dies or comes in between; what was lost is shown."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.activity import Activity, ActivityEntry, Item, Reading, read_on
from bridge.audit import Gap, Replaced
from bridge.errors import NotRegistered, Refused
from bridge.states import by_contact
from bridge.store.folder import StateFolder
from bridge.store.registry import Registry
from protocol.messages.audit import AuditReadResponse
from protocol.vocabulary import AuditEvent, AuditRecord, Cause, ClockState
from tests.bridge.registries import BACK, FRONT, NOW, Ending, query, run

PAGE = 3
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
START = int(NOW.timestamp()) - 1000


class Ring:
    """A lock's audit: numbered records, a page's worth at a time, of which `keep` are left."""

    def __init__(self, keep: int = 100) -> None:
        self.keep = keep
        self.records: list[AuditRecord] = []
        self.lost: set[int] = set()
        self.asked: list[int] = []

    def happen(self, *times: int, clock: ClockState = ClockState.TRUSTED) -> None:
        """Let something happen, so many seconds after START."""
        for time in times:
            self.records.append(
                AuditRecord(
                    sequence=len(self.records) + 1,
                    time=START + time,
                    clock=clock,
                    event=AuditEvent.UNLOCK,
                    cause=Cause.REQUEST,
                    detail=255,
                    pin_id=0xFFFF,
                    peer_id=0xFFFFFFFF,
                )
            )

    async def read_audit(self, after: int) -> AuditReadResponse:
        self.asked.append(after)
        kept = [record for record in self.records[-self.keep :] if record.sequence not in self.lost]
        return AuditReadResponse(
            first=kept[0].sequence if kept else 0,
            last=len(self.records),
            records=tuple(record for record in kept if record.sequence > after)[:PAGE],
        )


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder.open(tmp_path / "state")

    async def add(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)

    run(folder, add)
    return folder


async def read(ring: Ring, activity: Activity, lock_id: int = FRONT.id) -> None:
    await read_on(ring.read_audit, activity, lock_id, lambda: NOW)


async def stored(activity: Activity, lock_id: int = FRONT.id) -> list[ActivityEntry]:
    """Return everything that is stored, oldest first."""
    return list(reversed(await activity.entries(lock_id, 1000, None)))


def numbers(items: list[Item]) -> list[int | tuple[int, int] | None]:
    """Return what tells items apart: a record's number, a gap's two, None where the flash was replaced."""
    return [
        item.sequence if isinstance(item, AuditRecord) else (item.first, item.last) if isinstance(item, Gap) else None
        for item in items
    ]


def in_registry(folder: StateFolder, test: Callable[[Activity], Awaitable[None]]) -> None:
    run(folder, lambda registry: test(registry.activity))


def test_records_come_back_as_the_lock_told_them_and_the_cursor_is_behind_the_last(folder: StateFolder) -> None:
    async def test(activity: Activity) -> None:
        ring = Ring()
        ring.happen(*range(8))
        await read(ring, activity)
        assert [entry.item for entry in await stored(activity)] == ring.records
        assert await activity.reading(FRONT.id) == Reading(life=1, cursor=8, ended=NOW)
        assert ring.asked == [0, 3, 6]
        await read(ring, activity)
        assert ring.asked == [0, 3, 6, 8]
        assert len(await stored(activity)) == 8

    in_registry(folder, test)


def test_each_lock_has_its_own_cursor_and_its_own_entries(folder: StateFolder) -> None:
    async def test(activity: Activity) -> None:
        front, back = Ring(), Ring()
        front.happen(1, 2)
        back.happen(3)
        await read(front, activity)
        await read(back, activity, BACK.id)
        assert numbers([entry.item for entry in await stored(activity)]) == [1, 2]
        assert [(entry.lock_id, entry.item) for entry in await stored(activity, BACK.id)] == [(BACK.id, *back.records)]

    in_registry(folder, test)


def test_what_the_ring_has_overwritten_is_a_gap_where_it_was(folder: StateFolder) -> None:
    async def test(activity: Activity) -> None:
        ring = Ring(keep=4)
        ring.happen(*range(6))
        await read(ring, activity)
        ring.happen(*range(10, 20))
        ring.lost = {14, 16}
        await read(ring, activity)
        items = [entry.item for entry in await stored(activity)]
        assert numbers(items) == [(1, 2), 3, 4, 5, 6, (7, 12), 13, (14, 14), 15, (16, 16)]
        assert (await activity.reading(FRONT.id)).cursor == 16

    in_registry(folder, test)


def test_another_flash_is_shown_and_read_from_its_start(folder: StateFolder) -> None:
    async def test(activity: Activity) -> None:
        old, new = Ring(), Ring()
        old.happen(*range(5))
        new.happen(*range(100, 104))
        await read(old, activity)
        await read(new, activity)
        items = [entry.item for entry in await stored(activity)]
        assert items == [*old.records, Replaced(), *new.records]
        assert await activity.reading(FRONT.id) == Reading(life=2, cursor=4, ended=NOW)

    in_registry(folder, test)


def test_no_two_entries_have_one_date_and_clients_that_read_milliseconds_see_their_order(folder: StateFolder) -> None:
    async def test(activity: Activity) -> None:
        ring = Ring()
        ring.happen(5, 5, 5)
        await read(ring, activity)
        ring.happen(5, 6)
        await read(ring, activity)
        dates = [entry.date - datetime.fromtimestamp(START + 5, UTC) for entry in await stored(activity)]
        assert dates == [0 * SECOND, MILLISECOND, 2 * MILLISECOND, 3 * MILLISECOND, SECOND]

    in_registry(folder, test)


def test_a_clock_that_was_set_back_gives_no_date_twice(folder: StateFolder) -> None:
    async def test(activity: Activity) -> None:
        ring = Ring()
        ring.happen(5, 9, 5, 5)
        await read(ring, activity)
        assert numbers([entry.item for entry in await stored(activity)]) == [1, 3, 4, 2]
        assert len({entry.date for entry in await stored(activity)}) == 4

    in_registry(folder, test)


@pytest.mark.parametrize(("time", "dated"), [(0, 7.001), (8, 8), (5000, 1000)])
def test_a_record_of_a_clock_without_trust_is_dated_neither_in_the_future_nor_before_the_one_before_it(
    folder: StateFolder, time: int, dated: float
) -> None:
    async def test(activity: Activity) -> None:
        ring = Ring()
        ring.happen(7)
        ring.happen(time, clock=ClockState.UNTRUSTED)
        await read(ring, activity)
        newest = (await stored(activity))[-1]
        assert newest.date == datetime.fromtimestamp(START, UTC) + timedelta(seconds=dated)
        assert newest.item == ring.records[1]

    in_registry(folder, test)


def test_a_record_of_a_clock_without_trust_follows_even_one_that_is_dated_in_the_future(folder: StateFolder) -> None:
    async def test(activity: Activity) -> None:
        ring = Ring()
        ring.happen(5000)
        ring.happen(0, clock=ClockState.UNTRUSTED)
        await read(ring, activity)
        assert numbers([entry.item for entry in await stored(activity)]) == [1, 2]

    in_registry(folder, test)


@pytest.mark.parametrize("lost", [{1}, {1, 2}])
def test_a_gap_before_everything_is_dated_as_what_follows_it(folder: StateFolder, lost: set[int]) -> None:
    async def test(activity: Activity) -> None:
        ring = Ring()
        ring.happen(7, 7)
        ring.lost = lost
        await read(ring, activity)
        first = (await stored(activity))[0]
        assert numbers([first.item]) == [(1, len(lost))]
        assert first.date == (NOW if len(lost) == 2 else datetime.fromtimestamp(START + 7, UTC))

    in_registry(folder, test)


def test_pages_by_date_tell_everything_once(folder: StateFolder) -> None:
    async def test(activity: Activity) -> None:
        ring = Ring(keep=40)
        ring.happen(*(number // 4 for number in range(50)))
        await read(ring, activity)
        found: list[ActivityEntry] = []
        while page := await activity.entries(FRONT.id, 7, found[-1].date if found else None):
            found += page
        assert numbers([entry.item for entry in found]) == [*range(50, 10, -1), (1, 10)]

    in_registry(folder, test)


@pytest.mark.parametrize("kept", [1, 7, 8, 21, 22])
def test_the_newest_entries_are_kept_and_pages_end_where_they_end(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr("bridge.store.activity.KEPT", kept)

    async def test(activity: Activity) -> None:
        front, back = Ring(keep=14), Ring()
        front.happen(*range(10))
        back.happen(*range(3))
        await read(front, activity)
        await read(back, activity, BACK.id)
        front.happen(*range(10, 30))
        await read(front, activity)
        found: list[ActivityEntry] = []
        while page := await activity.entries(FRONT.id, 5, found[-1].date if found else None):
            found += page
        everything = [*range(30, 16, -1), (11, 16), *range(10, 0, -1)]
        assert numbers([entry.item for entry in found]) == everything[:kept]
        assert len(await stored(activity, BACK.id)) == min(kept, 3)
        assert (await activity.reading(FRONT.id)).cursor == 30
        front.happen(30)
        await read(front, activity)
        assert numbers([entry.item for entry in await stored(activity)]) == [*everything[: kept - 1][::-1], 31]

    in_registry(folder, test)


def test_an_entry_of_a_clock_that_was_set_back_is_as_old_as_it_says(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.store.activity.KEPT", 2)

    async def test(activity: Activity) -> None:
        ring = Ring()
        ring.happen(5, 9, 1, 10)
        await read(ring, activity)
        assert numbers([entry.item for entry in await stored(activity)]) == [2, 4]

    in_registry(folder, test)


def test_readers_at_once_store_each_record_once(folder: StateFolder) -> None:
    async def scenario() -> None:
        ring = Ring()
        ring.happen(*range(20))
        registries = await asyncio.gather(*(Registry.open(folder) for _ in range(4)))
        await asyncio.gather(*(read(ring, registry.activity) for registry in registries))
        assert [entry.item for entry in await stored(registries[0].activity)] == ring.records
        for registry in registries:
            await registry.close()

    asyncio.run(scenario())


def remove_locks(folder: StateFolder) -> None:
    with closing(sqlite3.connect(folder.database)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM locks")


def test_of_two_readers_that_read_the_same_the_slower_one_stores_nothing(folder: StateFolder) -> None:
    async def test(activity: Activity) -> None:
        ring = Ring()
        ring.happen(1, 2)
        faster, slower = Reading(cursor=2), Reading(cursor=1)
        assert await activity.append(FRONT.id, Reading(), faster, ring.records, NOW)
        for before in (Reading(), Reading(cursor=1), Reading(life=2, cursor=2)):
            assert not await activity.append(FRONT.id, before, slower, ring.records[:1], NOW)
        assert await activity.reading(FRONT.id) == faster
        assert [entry.item for entry in await stored(activity)] == ring.records

    in_registry(folder, test)


class Killed(Exception):
    """The process has died here: what was not committed is gone."""


def die() -> None:
    raise Killed


def test_a_bridge_that_dies_at_any_statement_doubles_nothing_and_loses_nothing(folder: StateFolder) -> None:
    ring = Ring(keep=4)
    ring.happen(*range(6))
    deaths = 0

    async def scenario() -> bool:
        registry = await Registry.open(folder)
        Ending(registry, deaths, die)
        try:
            await read(ring, registry.activity)
        except Killed:
            return False
        finally:
            await registry.close()
        return True

    async def after(activity: Activity) -> None:
        so_far = numbers([entry.item for entry in await stored(activity)])
        assert so_far == [(1, 2), 3, 4, 5, 6][: len(so_far)]
        reading = await activity.reading(FRONT.id)
        assert reading.cursor == (0, 2, 3, 4, 5, 6)[len(so_far)]
        await read(ring, activity)
        assert numbers([entry.item for entry in await stored(activity)]) == [(1, 2), 3, 4, 5, 6]

    while not asyncio.run(scenario()):
        in_registry(folder, after)
        query(folder, "DELETE FROM activity")
        query(folder, "DELETE FROM readings")
        deaths += 1
    assert deaths > 10


def test_a_reading_that_is_cancelled_at_any_statement_keeps_nobody_from_the_registry(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.store.database._BUSY_TIMEOUT_MS", 100)
    ring = Ring()
    ring.happen(1, 2)

    async def cancelled_at(nth: int, registry: Registry, other: Registry) -> bool:
        reading = asyncio.ensure_future(read(ring, registry.activity))
        Ending(registry, nth, reading.cancel)
        await asyncio.wait([reading])
        await other.states.renew(FRONT.id, by_contact(reached=nth % 2 == 0))
        query(folder, "DELETE FROM activity")
        query(folder, "DELETE FROM readings")
        return reading.cancelled()

    async def scenario() -> int:
        registry, other = await Registry.open(folder), await Registry.open(folder)
        cancellations = 0
        while await cancelled_at(cancellations, registry, other):
            cancellations += 1
        await registry.close()
        await other.close()
        return cancellations

    assert asyncio.run(scenario()) > 5


def test_entries_go_with_their_lock_and_none_are_stored_for_one_that_is_gone(folder: StateFolder) -> None:
    async def test(activity: Activity) -> None:
        ring = Ring()
        ring.happen(1)
        await read(ring, activity)
        remove_locks(folder)
        assert await stored(activity) == []
        assert await activity.reading(FRONT.id) == Reading()
        with pytest.raises(NotRegistered):
            await read(ring, activity)

    in_registry(folder, test)


def test_an_audit_that_does_not_go_on_stores_nothing_of_it(folder: StateFolder) -> None:
    async def test(activity: Activity) -> None:
        ring = Ring()
        ring.happen(1, 2)
        ring.records[1] = replace(ring.records[1], sequence=1)
        with pytest.raises(Refused):
            await read(ring, activity)
        assert await stored(activity) == []

    in_registry(folder, test)
