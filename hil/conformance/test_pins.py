"""Pins: create, get, update, delete, list and clear (SPEC 5.1, 7.6 to 7.11)."""

from itertools import pairwise

import pytest

from hil.hands import Hands
from hil.station import Session, Station
from protocol.messages.declaration import Refusal
from protocol.messages.pins import (
    PinClearRequest,
    PinClearResponse,
    PinCreateRequest,
    PinDeleteRequest,
    PinDeleteResponse,
    PinGetRequest,
    PinGetResponse,
    PinListRequest,
    PinListResponse,
    PinUpdateRequest,
    PinUpdateResponse,
)
from protocol.vocabulary import PinEntry, PinSummary, Schedule, Status, Weekdays, Window

ANNA = PinEntry(digits="97531", alias="Anna")
BOB = PinEntry(digits="86420", alias="Bob")
LIMITED = PinEntry(
    digits="00731",
    alias="Zoë",
    enabled=False,
    schedule=Schedule(valid_from=1_900_000_000, windows=(Window(weekdays=Weekdays(31), start=480, end=960),)),
)


async def listed(session: Session) -> tuple[PinSummary, ...]:
    """Return what the lock lists, page by page."""
    found: tuple[PinSummary, ...] = ()
    after = version = 0
    while True:
        page = await session.told(PinListRequest(after=after, list_version=version), PinListResponse)
        found += page.pins
        if not page.more:
            return found
        after, version = page.pins[-1].id, page.list_version


def numbered(number: int) -> PinEntry:
    """Return the pin of this number: digits and alias are its own."""
    return PinEntry(digits=f"{number:05}972"[-8:], alias=f"guest {number}")


@pytest.mark.req("LW-034")
async def test_digits_are_told_by_get_pin_alone(session: Session) -> None:
    created = await session.create(LIMITED)
    told = await session.told(PinGetRequest(id=created), PinGetResponse)
    assert told.entry == LIMITED
    summary = PinSummary(id=created, alias=LIMITED.alias, enabled=False, schedule=LIMITED.schedule)
    assert await listed(session) == (summary,)


@pytest.mark.req("LW-046")
async def test_each_change_of_pins_moves_the_list_version_by_one(session: Session) -> None:
    versions = [(await session.status()).list_version]
    created = await session.create(ANNA)
    versions.append((await session.status()).list_version)
    await session.change(
        lambda operation: PinUpdateRequest(operation=operation, id=created, entry=BOB), PinUpdateResponse
    )
    versions.append((await session.status()).list_version)
    await session.change(lambda operation: PinDeleteRequest(operation=operation, id=created), PinDeleteResponse)
    versions.append((await session.status()).list_version)
    await session.change(lambda operation: PinClearRequest(operation=operation), PinClearResponse)
    versions.append((await session.status()).list_version)
    assert [later - earlier for earlier, later in pairwise(versions)] == [1, 1, 1, 1]


@pytest.mark.req("LW-047")
async def test_an_id_is_never_given_again_to_another_pin(session: Session) -> None:
    first = await session.create(ANNA)
    await session.change(lambda operation: PinDeleteRequest(operation=operation, id=first), PinDeleteResponse)
    second = await session.create(ANNA)
    await session.change(lambda operation: PinClearRequest(operation=operation), PinClearResponse)
    assert (second, await session.create(BOB)) == (first % 65535 + 1, second % 65535 + 1)


@pytest.mark.req("LW-048")
async def test_digits_of_another_pin_are_refused_and_its_own_are_not(session: Session) -> None:
    anna, bob = await session.create(ANNA), await session.create(BOB)
    again = PinEntry(digits=ANNA.digits, alias="again")
    refused = await session.try_change(lambda operation: PinCreateRequest(operation=operation, entry=again))
    assert refused == Refusal(status=Status.EXISTS)
    refused = await session.try_change(lambda operation: PinUpdateRequest(operation=operation, id=bob, entry=again))
    assert refused == Refusal(status=Status.EXISTS)
    await session.change(
        lambda operation: PinUpdateRequest(operation=operation, id=anna, entry=again), PinUpdateResponse
    )
    assert (await session.told(PinGetRequest(id=anna), PinGetResponse)).entry == again


@pytest.mark.req("LW-035", "LW-037")
async def test_the_lock_holds_as_many_pins_as_it_says_and_then_refuses_and_stays_as_it_was(session: Session) -> None:
    capacity = (await session.info()).capacity
    for number in range(capacity):
        await session.create(numbered(number))
    before = await session.status()
    assert before.used == capacity
    full = await session.try_change(lambda operation: PinCreateRequest(operation=operation, entry=numbered(capacity)))
    assert full == Refusal(status=Status.FULL)
    exists = await session.try_change(lambda operation: PinCreateRequest(operation=operation, entry=numbered(0)))
    assert exists == Refusal(status=Status.EXISTS)  # which comes first (7.6)
    after = await session.status()
    assert (after.list_version, after.used) == (before.list_version, before.used)
    assert [pin.alias for pin in await listed(session)] == [numbered(number).alias for number in range(capacity)]


@pytest.mark.req("LW-050")
async def test_a_page_of_another_list_version_is_changed(session: Session) -> None:
    await session.create(ANNA)
    version = (await session.told(PinListRequest(after=0, list_version=0), PinListResponse)).list_version
    await session.create(BOB)
    assert await session.ask(PinListRequest(after=0, list_version=version)) == Refusal(status=Status.CHANGED)


@pytest.mark.req("LW-045")
async def test_what_is_not_there_is_not_found(session: Session) -> None:
    created = await session.create(ANNA)
    nobody = created % 65535 + 1
    not_found = Refusal(status=Status.NOT_FOUND)
    assert await session.ask(PinGetRequest(id=nobody)) == not_found
    assert await session.try_change(lambda operation: PinDeleteRequest(operation=operation, id=nobody)) == not_found
    update = await session.try_change(lambda operation: PinUpdateRequest(operation=operation, id=nobody, entry=BOB))
    assert update == not_found


@pytest.mark.req("LW-046", "LW-049")
async def test_what_was_acknowledged_is_there_after_a_loss_of_power(
    lock: Station, session: Session, power: Hands
) -> None:
    created = await session.create(ANNA)
    await session.change(
        lambda operation: PinUpdateRequest(operation=operation, id=created, entry=LIMITED), PinUpdateResponse
    )
    version = (await session.status()).list_version
    await power.power_cycle()
    anew = await lock.open()
    assert (await anew.told(PinGetRequest(id=created), PinGetResponse)).entry == LIMITED
    assert (await anew.status()).list_version == version
