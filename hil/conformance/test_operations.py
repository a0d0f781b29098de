"""Operations: each change exactly once (SPEC 6.5)."""

import pytest

from hil.hands import Hands
from hil.station import Session, Station
from protocol.codec import encode_request, fingerprint, next_operation
from protocol.messages.declaration import Refusal
from protocol.messages.pins import (
    LastOperationRequest,
    LastOperationResponse,
    PinCreateRequest,
    PinCreateResponse,
    PinDeleteRequest,
)
from protocol.vocabulary import PinEntry, Status

ANNA = PinEntry(digits="97531", alias="Anna")
BOB = PinEntry(digits="86420", alias="Bob")


@pytest.mark.req("LW-039", "LW-040")
async def test_a_repeated_operation_gets_the_recorded_answer_and_has_one_effect(
    lock: Station, session: Session
) -> None:
    asked = PinCreateRequest(operation=next_operation(session.peer.operation), entry=ANNA)
    first = await session.told(asked, PinCreateResponse)
    assert await session.told(asked, PinCreateResponse) == first
    later = await lock.open()
    assert await later.told(asked, PinCreateResponse) == first
    assert (await later.status()).used == 1


@pytest.mark.req("LW-040", "LW-043")
async def test_the_recorded_answer_outlives_a_loss_of_power(lock: Station, session: Session, power: Hands) -> None:
    asked = PinCreateRequest(operation=next_operation(session.peer.operation), entry=ANNA)
    first = await session.told(asked, PinCreateResponse)
    await power.power_cycle()
    later = await lock.open()
    assert (await later.status()).used == 1  # before it is asked again
    assert await later.told(asked, PinCreateResponse) == first
    status = await later.status()
    assert (status.used, status.list_version) == (1, first.list_version)


@pytest.mark.req("LW-041")
async def test_other_bodies_and_other_ids_are_refused(session: Session) -> None:
    operation = next_operation(session.peer.operation)
    await session.told(PinCreateRequest(operation=operation, entry=ANNA), PinCreateResponse)
    conflict, stale = Refusal(status=Status.CONFLICT), Refusal(status=Status.STALE)
    assert await session.ask(PinCreateRequest(operation=operation, entry=BOB)) == conflict
    assert await session.ask(PinDeleteRequest(operation=operation, id=1)) == conflict
    skipped = next_operation(next_operation(operation))
    assert await session.ask(PinCreateRequest(operation=skipped, entry=BOB)) == stale
    assert await session.ask(PinCreateRequest(operation=0, entry=BOB)) == stale
    assert (await session.status()).used == 1


@pytest.mark.req("LW-042")
async def test_a_refusal_is_not_recorded_and_its_id_is_still_the_next(session: Session) -> None:
    await session.create(ANNA)
    recorded = await session.told(LastOperationRequest(), LastOperationResponse)
    operation = next_operation(session.peer.operation)
    again = PinCreateRequest(operation=operation, entry=ANNA)
    assert await session.ask(again) == Refusal(status=Status.EXISTS)
    assert await session.told(LastOperationRequest(), LastOperationResponse) == recorded
    assert isinstance(await session.ask(PinCreateRequest(operation=operation, entry=BOB)), PinCreateResponse)


@pytest.mark.req("LW-039")
async def test_the_last_operation_is_told_with_its_fingerprint_and_its_answer(session: Session) -> None:
    asked = PinCreateRequest(operation=next_operation(session.peer.operation), entry=ANNA)
    made = await session.told(asked, PinCreateResponse)
    told = await session.told(LastOperationRequest(), LastOperationResponse)
    assert (told.operation, told.fingerprint) == (asked.operation, fingerprint(encode_request(asked)))
    answer = bytes([0x10, 0]) + made.id.to_bytes(2, "big") + made.list_version.to_bytes(4, "big")
    assert told.response == answer
