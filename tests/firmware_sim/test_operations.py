"""Exactly once: a repeated operation gets its recorded answer in any later session and has no second effect."""

from collections.abc import Callable

import pytest

from firmware_sim.records import OPERATION_KEYS, Operation
from protocol.codec import encode_request, fingerprint
from protocol.messages.declaration import Change, Refusal
from protocol.messages.device import PingRequest
from protocol.messages.pairing import UnpairRequest, UnpairResponse
from protocol.messages.pins import (
    LastOperationRequest,
    LastOperationResponse,
    PinClearRequest,
    PinCreateRequest,
    PinCreateResponse,
    PinDeleteRequest,
    PinUpdateRequest,
)
from protocol.vocabulary import PinEntry, Rule, Status
from tests.firmware_sim.bench import ANNA, BOB, CARL, Bench, Bridge, RefusedByLock, peer_of

CONFLICT = Refusal(status=Status.CONFLICT)
STALE = Refusal(status=Status.STALE)
NONE_YET = LastOperationResponse(operation=0, fingerprint=bytes(8), response=b"")

CHANGES: list[Change] = [
    PinCreateRequest(operation=3, entry=CARL),
    PinUpdateRequest(operation=3, id=1, entry=CARL),
    PinDeleteRequest(operation=3, id=1),
    PinClearRequest(operation=3),
]
every_change = pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)


def same_session(_bridge: Bridge) -> None:
    """Nothing happens."""


def new_session(bridge: Bridge) -> None:
    bridge.connect()


def power_cycle(bridge: Bridge) -> None:
    bridge.bench.power_cycle()
    bridge.connect()


between = pytest.mark.parametrize("happens", [same_session, new_session, power_cycle])


def lock() -> tuple[Bench, Bridge]:
    """A lock with two pins, made by operations 1 and 2."""
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    bridge.created(BOB)
    return bench, bridge


@every_change
@between
def test_a_repeated_change_gets_its_recorded_answer_and_has_one_effect(
    change: Change, happens: Callable[[Bridge], None]
) -> None:
    bench, bridge = lock()
    body = encode_request(change)
    answer = bridge.exchange(body)
    assert answer[1] == Status.OK
    pins, version = bridge.listed(), bench.list_version
    happens(bridge)
    for _ in range(2):
        assert bridge.exchange(body) == answer
    assert (bridge.listed(), bench.list_version) == (pins, version)


@every_change
@between
def test_another_body_under_the_last_id_is_a_conflict(change: Change, happens: Callable[[Bridge], None]) -> None:
    bench, bridge = lock()
    bridge.ask(change)
    happens(bridge)
    before = bench.bytes()
    for other in [*CHANGES, PinCreateRequest(operation=3, entry=ANNA), PinDeleteRequest(operation=3, id=2)]:
        if other != change:
            assert bridge.ask(other) == CONFLICT
    assert bench.bytes() == before


@pytest.mark.parametrize("operation", [0, 1, 4, 5, 0xFFFFFFFF])
def test_every_id_but_the_last_and_the_next_is_stale(operation: int) -> None:
    bench, bridge = lock()
    before = bench.bytes()
    assert bridge.ask(PinCreateRequest(operation=operation, entry=CARL)) == STALE
    assert bench.bytes() == before
    assert bridge.ask(PinCreateRequest(operation=3, entry=CARL)) == PinCreateResponse(id=3, list_version=4)


@pytest.mark.parametrize("operation", [0, 2, 0xFFFFFFFF])
def test_the_first_operation_of_a_peer_is_one(operation: int) -> None:
    bridge = peer_of(Bench())
    assert bridge.ask(PinCreateRequest(operation=operation, entry=ANNA)) == STALE
    assert bridge.ask(PinCreateRequest(operation=1, entry=ANNA)) == PinCreateResponse(id=1, list_version=2)


def test_one_follows_the_largest_id() -> None:
    bench, bridge = lock()
    memory = bench.device.firmware.memory
    last = memory.get(OPERATION_KEYS[0], Operation)
    assert last is not None
    worn = Operation(operation=0xFFFFFFFF, fingerprint=last.fingerprint, response=last.response)
    memory.stage(OPERATION_KEYS[0], worn)
    memory.commit()
    assert bridge.ask(PinCreateRequest(operation=0, entry=CARL)) == STALE
    assert bridge.ask(PinDeleteRequest(operation=1, id=1)) != STALE
    assert bridge.ask(PinDeleteRequest(operation=0xFFFFFFFF, id=2)) == STALE


def test_a_refusal_is_not_recorded_and_its_id_stays_free() -> None:
    bench, bridge = lock()
    before = bench.bytes()
    refusals = [
        (PinCreateRequest(operation=3, entry=ANNA), Refusal(status=Status.EXISTS)),
        (PinDeleteRequest(operation=3, id=9), Refusal(status=Status.NOT_FOUND)),
        (
            PinUpdateRequest(operation=3, id=1, entry=PinEntry(digits="12345", alias="Eve")),
            Refusal(status=Status.INVALID, rule=Rule.DIGITS_SEQUENCE),
        ),
    ]
    for request, refusal in refusals * 2:
        assert bridge.ask(request) == refusal
    assert bench.bytes() == before
    assert bridge.told(LastOperationRequest(), LastOperationResponse).operation == 2
    assert bridge.ask(PinDeleteRequest(operation=3, id=1)) != STALE


def test_a_refusal_is_judged_anew_each_time() -> None:
    _, bridge = lock()
    bridge.created(CARL)
    again = PinCreateRequest(operation=4, entry=PinEntry(digits="24680", alias="Eve"))
    assert bridge.ask(again) == Refusal(status=Status.FULL)
    bridge.delete(1)
    assert bridge.ask(again) == CONFLICT
    assert bridge.create(PinEntry(digits="24680", alias="Eve")) == PinCreateResponse(id=4, list_version=6)


def test_the_last_operation_is_told_with_its_fingerprint_and_its_answer() -> None:
    bench, bridge = lock()
    body = encode_request(PinCreateRequest(operation=3, entry=CARL))
    answer = bridge.exchange(body)
    for _ in range(2):
        told = bridge.told(LastOperationRequest(), LastOperationResponse)
        assert told == LastOperationResponse(operation=3, fingerprint=fingerprint(body), response=answer)
        power_cycle(bridge)
    assert b"0246813" not in answer
    assert bench.list_version == 4


def test_requests_that_change_no_pin_are_no_operations() -> None:
    bridge = peer_of(Bench())
    assert bridge.ask(LastOperationRequest()) == NONE_YET
    bridge.ask(PingRequest(payload=b""))
    bridge.listed()
    assert bridge.ask(LastOperationRequest()) == NONE_YET


def test_each_peer_counts_its_own_operations() -> None:
    bench, first = lock()
    bench.open(2, connection=False)
    second = peer_of(bench, 2, link=2)
    assert second.ask(LastOperationRequest()) == NONE_YET
    third_pin = PinCreateRequest(operation=1, entry=CARL)
    assert second.ask(third_pin) == PinCreateResponse(id=3, list_version=4)
    assert first.delete(3) == first.ask(PinDeleteRequest(operation=3, id=3))
    assert second.ask(third_pin) == PinCreateResponse(id=3, list_version=4)
    assert [pin.id for pin in first.listed()] == [1, 2]
    assert first.told(LastOperationRequest(), LastOperationResponse).operation == 3
    assert second.told(LastOperationRequest(), LastOperationResponse).operation == 1


def test_the_same_body_of_two_peers_is_two_operations() -> None:
    bench = Bench()
    bench.open(2, connection=False)
    first, second = peer_of(bench), peer_of(bench, 2, link=2)
    assert first.ask(PinClearRequest(operation=1)) != second.ask(PinClearRequest(operation=1))
    assert bench.list_version == 3


def test_unpairing_forgets_the_operations_of_that_peer_alone() -> None:
    bench, first = lock()
    bench.open(2, connection=False)
    second = peer_of(bench, 2, link=2)
    second.delete(2)
    assert first.ask(UnpairRequest()) == UnpairResponse()
    newcomer = peer_of(bench, 3)
    assert newcomer.ask(LastOperationRequest()) == NONE_YET
    newcomer.ask(UnpairRequest())
    again = peer_of(bench)
    assert again.ask(LastOperationRequest()) == NONE_YET
    assert again.ask(PinDeleteRequest(operation=3, id=1)) == STALE
    assert again.created(CARL) == 3
    assert second.told(LastOperationRequest(), LastOperationResponse).operation == 1


def next_change(bridge: Bridge) -> None:
    bridge.created(CARL)


def unpairing(bridge: Bridge) -> None:
    assert bridge.ask(UnpairRequest()) == UnpairResponse()


def reset(bridge: Bridge) -> None:
    bridge.bench.hold_button(10)


@pytest.mark.parametrize("happens", [next_change, unpairing, reset])
def test_the_mark_of_a_change_stays_in_flash_until_the_next_change_an_unpairing_or_a_reset(
    happens: Callable[[Bridge], None],
) -> None:
    bench, bridge = lock()
    bench.open(2, connection=False)
    other = peer_of(bench, 2, link=2)
    mark = fingerprint(encode_request(PinCreateRequest(operation=2, entry=BOB)))
    other.delete(2)
    bench.power_cycle()
    bridge.connect()
    assert (mark in bench.bytes(), BOB.digits.encode() in bench.bytes()) == (True, False)
    happens(bridge)
    assert mark not in bench.bytes()


def test_pairing_again_keeps_the_last_operation() -> None:
    bench, _ = lock()
    assert peer_of(bench).told(LastOperationRequest(), LastOperationResponse).operation == 2


def test_an_operation_of_a_session_that_was_lost_is_found_by_the_next_one() -> None:
    bench, bridge = lock()
    body = encode_request(PinDeleteRequest(operation=3, id=1))
    lost = bridge.send(bridge.session.seal(body))
    assert lost is not None
    bench.power_cycle()
    with pytest.raises(RefusedByLock):
        bridge.exchange(body)
    bridge.connect()
    assert bridge.told(LastOperationRequest(), LastOperationResponse).fingerprint == fingerprint(body)
    assert bridge.exchange(body)[1] == Status.OK
