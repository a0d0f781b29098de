"""What the lock tells of itself, and every body that it cannot read or may not perform."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.events import FrameArrived
from firmware_sim.requests import MAX_FRAME
from protocol.codec import encode_request
from protocol.framing import Frame, Kind
from protocol.messages.audit import AuditReadRequest
from protocol.messages.bolt import BoltOperateRequest
from protocol.messages.clock import ClockGetRequest, ClockSetRequest
from protocol.messages.declaration import Refusal, Request
from protocol.messages.device import (
    InfoRequest,
    InfoResponse,
    PingRequest,
    PingResponse,
    StatusRequest,
    StatusResponse,
)
from protocol.messages.pairing import PairCommitRequest, UnpairRequest
from protocol.messages.pins import (
    LastOperationRequest,
    PinClearRequest,
    PinCreateRequest,
    PinDeleteRequest,
    PinGetRequest,
    PinListRequest,
    PinUpdateRequest,
)
from protocol.registry import BY_REQUEST, MESSAGES
from protocol.vocabulary import BoltAction, BoltState, Capability, ClockState, DoorState, Rule, Status
from tests.firmware_sim.bench import ANNA, BOB, Bench, Bridge, peer_of

DENIED = Refusal(status=Status.DENIED)
MALFORMED = bytes([Status.INVALID, Rule.MALFORMED])

REQUESTS: list[Request] = [
    InfoRequest(),
    StatusRequest(),
    PingRequest(payload=b"ping"),
    ClockGetRequest(),
    ClockSetRequest(time=1_800_000_000, force=False, zone="UTC", rule="UTC0"),
    PinCreateRequest(operation=2, entry=BOB),
    PinGetRequest(id=1),
    PinUpdateRequest(operation=2, id=1, entry=BOB),
    PinDeleteRequest(operation=2, id=1),
    PinListRequest(after=0, list_version=0),
    PinClearRequest(operation=2),
    LastOperationRequest(),
    PairCommitRequest(),
    BoltOperateRequest(operation=2, action=BoltAction.UNLOCK),
    AuditReadRequest(after=0),
    UnpairRequest(),
]
every_request = pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)


def lock() -> tuple[Bench, Bridge]:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    return bench, bridge


def test_there_is_a_request_here_for_every_message() -> None:
    assert {type(request) for request in REQUESTS} == {message.request for message in MESSAGES.values()}
    assert len(REQUESTS) == len(MESSAGES)
    assert REQUESTS[-1] == UnpairRequest()  # it ends the session


# --- what the lock tells ---


def test_info_tells_what_the_lock_is() -> None:
    bench, bridge = lock()
    factory = bench.device.factory
    assert bridge.ask(InfoRequest()) == InfoResponse(
        lock_id=factory.lock_id,
        min_version=1,
        max_version=1,
        model="Latchwire Simulated Keypad",
        serial=f"SIM-{factory.lock_id:08X}",
        firmware_version="0.1.0",
        capacity=3,
        max_frame=MAX_FRAME,
        capabilities=Capability.SCHEDULE
        | Capability.CLOCK
        | Capability.BOLT
        | Capability.BATTERY_LEVEL
        | Capability.LATCH,
    )


def test_status_tells_how_the_lock_is() -> None:
    bench, bridge = lock()
    bench.wait(7)
    expected = StatusResponse(
        list_version=2,
        used=1,
        clock=ClockState.UNTRUSTED,
        time=7,
        battery=100,
        bolt=BoltState.LOCKED,
        door=DoorState.UNKNOWN,
        jammed=False,
    )
    assert bridge.ask(StatusRequest()) == expected
    bench.enter(ANNA.digits)
    assert bridge.told(StatusRequest(), StatusResponse).bolt is BoltState.UNLOCKING


@pytest.mark.parametrize("payload", [b"", b"\x00", bytes(range(227))])
def test_a_ping_comes_back(payload: bytes) -> None:
    _, bridge = lock()
    assert bridge.ask(PingRequest(payload=payload)) == PingResponse(payload=payload)


def test_no_answer_before_info_needs_more_than_the_first_frame_limit() -> None:
    bench, bridge = lock()
    for request in (*REQUESTS[:-1], PingRequest(payload=bytes(227))):
        bridge.ask(request)
    assert max(len(passed.frame.signed()) + 2 for passed in bench.passed) == 256


# --- what it cannot read ---


def test_an_unknown_opcode_is_unsupported() -> None:
    _, bridge = lock()
    for opcode in set(range(256)) - set(MESSAGES):
        for rest in (b"", b"\x01\x02"):
            assert bridge.exchange(bytes([opcode]) + rest) == bytes([opcode, Status.UNSUPPORTED])
    assert bridge.is_served()


def test_an_empty_request_is_answered_under_opcode_zero() -> None:
    _, bridge = lock()
    assert bridge.exchange(b"") == bytes([0, Status.UNSUPPORTED])


@every_request
def test_a_request_with_a_byte_too_few_or_too_many_is_malformed_and_changes_nothing(request_: Request) -> None:
    bench, bridge = lock()
    body = encode_request(request_)
    before, trusted = bench.bytes(), bench.device.clock.trusted
    for wrong in [body + b"\x00", *(body[:cut] for cut in range(1, len(body)))]:
        assert bridge.exchange(wrong) == body[:1] + MALFORMED
    assert (bench.bytes(), bench.device.clock.trusted, bench.peers) == (before, trusted, [bridge.peer_id])


@pytest.mark.parametrize(
    ("request_", "at", "value"),
    [
        (ClockSetRequest(time=1, force=False, zone="UTC", rule="UTC0"), 5, 2),  # force is 0 or 1
        (ClockSetRequest(time=1, force=False, zone="UTC", rule="UTC0"), 7, 0x80),  # a zone is ASCII
        (PinCreateRequest(operation=2, entry=BOB), 6, 0xB2),  # digits are ASCII
        (PinCreateRequest(operation=2, entry=BOB), 12, 0xFF),  # an alias is UTF-8
        (PinCreateRequest(operation=2, entry=BOB), 15, 7),  # enabled is 0 or 1
    ],
)
def test_a_value_that_its_field_does_not_take_is_malformed(request_: Request, at: int, value: int) -> None:
    bench, bridge = lock()
    body = bytearray(encode_request(request_))
    before = bench.bytes()
    body[at] = value
    assert bridge.exchange(bytes(body)) == bytes(body[:1]) + MALFORMED
    assert (bench.bytes(), bench.device.clock.trusted) == (before, False)


@given(opcode=st.sampled_from(sorted(MESSAGES)) | st.integers(0, 255), rest=st.binary(max_size=120))
@settings(max_examples=150, deadline=None)
def test_whatever_an_authenticated_peer_says_is_answered(opcode: int, rest: bytes) -> None:
    _, bridge = lock()
    answer = bridge.exchange(bytes([opcode]) + rest)
    assert answer[0] == opcode
    assert answer[1] in Status.__members__.values()
    if opcode != BY_REQUEST[UnpairRequest].opcode:
        assert bridge.is_served()


# --- what it may not perform ---


@every_request
def test_a_pairing_session_may_only_commit(request_: Request) -> None:
    bench, _ = lock()
    bench.hold_button()
    newcomer = Bridge(bench, 2)
    newcomer.prove()
    before = bench.bytes()
    if isinstance(request_, PairCommitRequest):
        assert newcomer.ask(request_) != DENIED
    else:
        assert newcomer.ask(request_) == DENIED
    assert (bench.bytes(), bench.device.clock.trusted) == (before, False)


def test_no_other_session_may_commit() -> None:
    bench, bridge = lock()
    bench.hold_button()
    assert bridge.ask(PairCommitRequest()) == DENIED
    assert bench.window_open


def test_a_request_that_cannot_be_read_is_told_so_in_a_pairing_session_too() -> None:
    bench = Bench()
    bench.hold_button()
    bridge = Bridge(bench)
    bridge.prove()
    assert bridge.exchange(b"\x7f") == bytes([0x7F, Status.UNSUPPORTED])
    assert bridge.exchange(b"\x20\x00") == b"\x20" + MALFORMED


def test_a_recorded_event_shows_no_random_bytes() -> None:
    event = FrameArrived(
        link=1, frame=Frame(version=0, kind=Kind.HELLO_REQUEST, counter=1, body=b""), entropy=b"canary"
    )
    assert "canary" not in repr(event)
