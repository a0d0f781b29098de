"""Bolt and audit (SPEC 5.6, 7.15, 7.16, 8.3, 8.5)."""

import pytest

from hil.conformance.moments import DIGITS, verdict
from hil.hands import Hands
from hil.station import Session, Station
from protocol.codec import next_operation
from protocol.messages.audit import AuditReadRequest, AuditReadResponse
from protocol.messages.bolt import BoltOperateRequest, BoltOperateResponse
from protocol.messages.declaration import Refusal
from protocol.messages.pins import PinDeleteRequest, PinDeleteResponse
from protocol.vocabulary import AuditEvent, AuditRecord, BoltAction, BoltState, Capability, PinEntry, Status

GUEST = PinEntry(digits=DIGITS, alias="guest")
LEAST_RECORDS = 32


async def audit(session: Session, after: int = 0) -> list[AuditRecord]:
    """Return the lock's audit records behind a number."""
    found: list[AuditRecord] = []
    while True:
        page = await session.told(AuditReadRequest(after=after), AuditReadResponse)
        found += page.records
        if not page.records or page.records[-1].sequence == page.last:
            return found
        after = page.records[-1].sequence


async def newest(session: Session) -> int:
    """Return the number of the newest record."""
    return (await session.told(AuditReadRequest(after=0xFFFFFFFF), AuditReadResponse)).last


async def require_bolt(session: Session) -> None:
    """Skip a test of a motor where there is none."""
    if Capability.BOLT not in (await session.info()).capabilities:
        pytest.skip("This lock has no bolt that a request moves.")


async def operate(session: Session, action: BoltAction) -> BoltOperateResponse | Refusal:
    """Ask for a movement under the next operation id."""
    answer = await session.try_change(lambda operation: BoltOperateRequest(operation=operation, action=action))
    assert isinstance(answer, BoltOperateResponse | Refusal)
    return answer


@pytest.mark.req("LW-056", "LW-058")
async def test_a_request_draws_the_bolt_and_throws_it_and_each_is_recorded(session: Session, clock: Hands) -> None:
    await require_bolt(session)
    before = await newest(session)
    assert await operate(session, BoltAction.UNLOCK) == BoltOperateResponse(bolt=BoltState.UNLOCKING)
    await clock.advance(60)
    assert (await session.status()).bolt is BoltState.UNLOCKED
    assert await operate(session, BoltAction.LOCK) == BoltOperateResponse(bolt=BoltState.LOCKING)
    await clock.advance(60)
    assert (await session.status()).bolt is BoltState.LOCKED
    events = [record.event for record in await audit(session, before)]
    assert events == [AuditEvent.UNLOCK, AuditEvent.LOCK]


@pytest.mark.req("LW-059")
async def test_a_repeated_operation_moves_nothing(lock: Station, session: Session, clock: Hands) -> None:
    await require_bolt(session)
    asked = BoltOperateRequest(operation=next_operation(session.peer.operation), action=BoltAction.UNLOCK)
    first = await session.told(asked, BoltOperateResponse)
    session.peer.operation = asked.operation
    await clock.advance(60)
    await operate(session, BoltAction.LOCK)
    await clock.advance(60)
    before = await newest(session)
    last = BoltOperateRequest(operation=session.peer.operation, action=BoltAction.LOCK)
    later = await lock.open()
    assert await later.told(last, BoltOperateResponse) == BoltOperateResponse(bolt=BoltState.LOCKING)
    assert (await later.status()).bolt is BoltState.LOCKED
    assert await newest(later) == before
    assert first == BoltOperateResponse(bolt=BoltState.UNLOCKING)


@pytest.mark.req("LW-059")
async def test_a_repeated_unlock_leaves_a_bolt_that_was_thrown_since_as_it_is(
    lock: Station, session: Session, clock: Hands, keypad: Hands
) -> None:
    await require_bolt(session)
    asked = BoltOperateRequest(operation=next_operation(session.peer.operation), action=BoltAction.LOCK)
    await session.told(asked, BoltOperateResponse)
    await session.line.close()
    later = await lock.open()
    created = await later.create(GUEST)
    assert created
    assert verdict(await keypad.enter(DIGITS)) == "granted"
    assert (await later.status()).bolt is BoltState.UNLOCKING
    await clock.advance(600)


@pytest.mark.req("LW-061")
async def test_a_bolt_that_moves_is_busy(session: Session, clock: Hands) -> None:
    await require_bolt(session)
    await operate(session, BoltAction.UNLOCK)
    assert await operate(session, BoltAction.LOCK) == Refusal(status=Status.BUSY)
    await clock.advance(60)
    await operate(session, BoltAction.LOCK)
    await clock.advance(60)


@pytest.mark.req("LW-056")
async def test_an_entry_that_is_granted_draws_the_bolt_and_one_that_is_denied_does_not(
    session: Session, keypad: Hands, clock: Hands
) -> None:
    await session.create(GUEST)
    await keypad.enter("86420")
    assert (await session.status()).bolt is BoltState.LOCKED
    await keypad.enter(DIGITS)
    assert (await session.status()).bolt is BoltState.UNLOCKING
    await clock.advance(600)  # the hold is the lock's choice
    assert (await session.status()).bolt is BoltState.LOCKED


@pytest.mark.req("LW-062", "LW-065")
async def test_what_happens_is_recorded_with_numbers_that_go_up_by_one_and_no_digits(
    session: Session, keypad: Hands
) -> None:
    before = await newest(session)
    created = await session.create(GUEST)
    await keypad.enter(DIGITS)
    await keypad.enter("86420")
    await session.change(lambda operation: PinDeleteRequest(operation=operation, id=created), PinDeleteResponse)
    records = await audit(session, before)
    assert [record.sequence for record in records] == list(range(before + 1, before + 5))
    told = [(record.event, record.pin_id) for record in records]
    assert told == [
        (AuditEvent.PIN_CREATED, created),
        (AuditEvent.ENTRY_GRANTED, created),
        (AuditEvent.ENTRY_DENIED, 0),
        (AuditEvent.PIN_DELETED, created),
    ]


@pytest.mark.req("LW-062", "LW-063", "LW-064")
async def test_the_newest_records_and_their_numbers_outlive_a_loss_of_power(
    lock: Station, session: Session, power: Hands
) -> None:
    for _ in range(LEAST_RECORDS):
        created = await session.create(GUEST)
        await session.change(
            lambda operation, pin=created: PinDeleteRequest(operation=operation, id=pin),  # type: ignore[misc]
            PinDeleteResponse,
        )
    records = await audit(session)
    assert len(records) >= LEAST_RECORDS
    await power.power_cycle()
    later = await lock.open()
    kept = await audit(later, records[-LEAST_RECORDS - 1].sequence)
    assert kept[:LEAST_RECORDS] == records[-LEAST_RECORDS:]
    new = kept[LEAST_RECORDS:]
    assert AuditEvent.POWER_ON in [record.event for record in new]
    assert [record.sequence for record in new] == [records[-1].sequence + number for number in range(1, len(new) + 1)]
