"""Links, hellos and handshakes: what the lock counts, what it caches and what it closes."""

from dataclasses import replace

import pytest

from firmware_sim.events import LinkClosed, Woken
from protocol.codec import build, parse
from protocol.framing import Frame, Kind, encode_frame
from protocol.messages.device import PingRequest, PingResponse
from protocol.messages.hello import HELLO_REQUEST, HELLO_RESPONSE, HelloRequest, HelloResponse, Mode
from protocol.session import hello_frame
from tests.firmware_sim.bench import (
    Bench,
    Bridge,
    Greeting,
    RefusedByLock,
    hellos,
    is_refusal,
    peer_of,
    transport,
    twin,
)

DAY = 24 * 3600
SWEEP = DAY * 1_000_000_000
LOW_ORDER_POINT = bytes(32)


def handshake_frame(body: bytes = bytes(48), *, counter: int = 0, version: int = 1) -> Frame:
    return Frame(version=version, kind=Kind.HANDSHAKE, counter=counter, body=body)


# --- hellos ---


def test_a_hello_is_answered_with_the_lock_and_fresh_random_bytes() -> None:
    bench = Bench()
    first, second = (Bridge(bench).greet(Mode.SESSION).lock for _ in range(2))
    assert (first.chosen, first.lowest, first.highest, first.lock_id) == (1, 1, 1, bench.device.factory.lock_id)
    assert first.random != second.random
    assert len(first.random) == 16


def test_an_identical_hello_gets_the_identical_response_for_ten_seconds() -> None:
    bench = Bench()
    request = Bridge(bench).hello(Mode.SESSION)
    response = bench.send(request)
    bench.wait(9.9)
    for _ in range(20):
        assert bench.send(request) == response
    bench.wait(0.1)
    later = bench.send(request)
    assert later is not None
    assert later.kind is Kind.HELLO_RESPONSE
    assert later != response


@pytest.mark.parametrize(
    ("lowest", "highest", "chosen"),
    [(1, 1, 1), (0, 255, 1), (1, 9, 1), (2, 3, 0), (0, 0, 0), (2, 1, 0), (255, 0, 0)],
)
def test_the_lock_chooses_the_highest_common_version_and_zero_where_there_is_none(
    lowest: int, highest: int, chosen: int
) -> None:
    bench = Bench()
    answer = bench.send(Bridge(bench).hello(Mode.PAIR, lowest=lowest, highest=highest))
    assert answer is not None
    told: HelloResponse = parse(HELLO_RESPONSE, answer.body)
    assert (told.chosen, told.lowest, told.highest) == (chosen, 1, 1)


@pytest.mark.parametrize("version", [0, 1])
def test_without_a_common_version_there_is_no_handshake(version: int) -> None:
    bench = Bench()
    bench.hold_button()
    bridge = Bridge(bench)
    request = bridge.hello(Mode.PAIR, lowest=2, highest=3)
    response = bench.send(request)
    assert response is not None
    lock: HelloResponse = parse(HELLO_RESPONSE, response.body)
    handshake = bridge.pairing(Greeting(request=request, response=response, lock=replace(lock, chosen=version)))
    message = handshake_frame(handshake.write(), version=version)
    assert is_refusal(bench.send(message), message)
    assert bench.window_open


def hello_body(mode: int = 2) -> bytes:
    return build(HELLO_REQUEST, HelloRequest(lowest=1, highest=1, mode=Mode.SESSION, peer_id=7))[:2] + bytes(
        [mode, 0, 0, 0, 7]
    )


@pytest.mark.parametrize(
    "body", [b"", hello_body()[:-1], hello_body() + b"\x00", hello_body(0), hello_body(3), bytes(200)]
)
def test_a_hello_that_cannot_be_read_is_refused(body: bytes) -> None:
    frame = hello_frame(Kind.HELLO_REQUEST, 5, body)
    assert is_refusal(Bench().send(frame), frame)


def test_a_hello_has_header_version_zero() -> None:
    frame = replace(hello_frame(Kind.HELLO_REQUEST, 5, hello_body()), version=1)
    assert is_refusal(Bench().send(frame), frame)


def test_five_hellos_in_ten_seconds_are_answered_on_a_link() -> None:
    bench = Bench()
    bench.open(2)
    assert hellos(Bridge(bench), 7) == [True] * 5 + [False] * 2
    assert hellos(Bridge(bench, link=2), 7) == [True] * 5 + [False] * 2
    bench.wait(9.9)
    assert hellos(Bridge(bench), 1) == [False]
    bench.wait(0.1)
    assert hellos(Bridge(bench), 6) == [True] * 5 + [False]


def test_hellos_that_lead_to_a_session_are_not_counted() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    for _ in range(20):
        bridge.connect()
    assert hellos(bridge, 6) == [True] * 5 + [False]


def test_a_session_takes_its_own_hello_off_the_count_and_not_a_later_one() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bench.wait(20)
    bridge.shake()
    bench.wait(5)
    assert hellos(bridge, 3) == [True] * 3
    assert bridge.is_served()  # its hello was said five seconds before the three
    bench.wait(5)
    assert hellos(bridge, 3) == [True, True, False]


def test_a_candidate_that_waits_for_a_day_is_gone() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bench.power_cycle()
    bridge.shake()
    bench.wait(DAY)
    with pytest.raises(RefusedByLock):
        bridge.is_served()


def test_a_handshake_that_is_not_used_is_counted() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    for _ in range(5):
        bridge.shake()
    with pytest.raises(RefusedByLock):
        bridge.shake()


# --- refusals ---


def test_ten_refusals_in_ten_seconds_leave_a_link_and_then_silence() -> None:
    bench = Bench()
    bench.open(2)
    for link in (1, 2):
        frames = [transport(counter) for counter in range(12)]
        assert [is_refusal(bench.send(frame, link), frame) for frame in frames] == [True] * 10 + [False] * 2
    assert bench.send(transport()) is None
    bench.wait(10)
    assert is_refusal(bench.send(transport()), transport())


@pytest.mark.parametrize("kind", [Kind.HELLO_RESPONSE, Kind.REFUSED])
def test_what_only_a_lock_says_is_met_with_silence(kind: Kind) -> None:
    bench = Bench()
    bridge = peer_of(bench)
    for body in (b"", bytes(32)):
        assert bench.send(Frame(version=0, kind=kind, counter=1, body=body)) is None
    assert bridge.is_served()


@pytest.mark.parametrize("version", [2, 255])
def test_frames_of_a_later_version_are_damage_and_met_with_silence(version: int) -> None:
    bench = Bench()
    bridge = peer_of(bench)
    for frame in (transport(version=version), handshake_frame(version=version), bridge.hello(Mode.PAIR)):
        assert bench.feed(encode_frame(replace(frame, version=version))) == []
    assert bridge.is_served()


# --- handshakes ---


def test_a_handshake_without_a_hello_is_refused() -> None:
    assert is_refusal(Bench().send(handshake_frame()), handshake_frame())


def test_a_handshake_message_that_is_repeated_gets_the_identical_answer() -> None:
    bench = Bench()
    bench.hold_button()
    bridge = Bridge(bench)
    handshake = bridge.pairing(bridge.greet(Mode.PAIR))
    for counter in (0, 1):
        message = handshake_frame(handshake.write(), counter=counter)
        answer = bench.send(message)
        assert answer is not None
        assert [bench.send(message) for _ in range(3)] == [answer] * 3
        if not handshake.finished:
            handshake.read(answer.body)


def test_an_earlier_handshake_message_is_refused_and_ends_nothing() -> None:
    bench = Bench()
    bench.hold_button()
    bridge = Bridge(bench)
    handshake = bridge.pairing(bridge.greet(Mode.PAIR))
    first = handshake_frame(handshake.write())
    answer = bench.send(first)
    assert answer is not None
    handshake.read(answer.body)
    third = handshake_frame(handshake.write(), counter=1)
    assert bench.send(third) == replace(third, body=b"")
    assert is_refusal(bench.send(first), first)
    assert bench.send(third) == replace(third, body=b"")


def test_a_handshake_must_follow_its_hello_within_ten_seconds() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    for seconds, refused in ((9.9, False), (10, True)):
        greeting = bridge.greet(Mode.SESSION)
        message = handshake_frame(bridge.reunion(greeting).write())
        bench.wait(seconds)
        assert is_refusal(bench.send(message), message) is refused


@pytest.mark.parametrize("wrong", [handshake_frame(counter=1), handshake_frame(version=0)])
def test_a_handshake_of_another_version_or_counter_is_refused_and_the_attempt_lives_on(wrong: Frame) -> None:
    bench = Bench()
    bridge = peer_of(bench)
    handshake = bridge.reunion(bridge.greet(Mode.SESSION))
    assert is_refusal(bench.send(wrong), wrong)
    bridge.turn(handshake, 0)


def test_a_handshake_that_does_not_authenticate_ends_its_attempt() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    handshake = bridge.reunion(bridge.greet(Mode.SESSION))
    assert is_refusal(bench.send(handshake_frame()), handshake_frame())
    with pytest.raises(RefusedByLock):
        bridge.turn(handshake, 0)


def test_a_low_order_point_is_refused_like_anything_else() -> None:
    bench = Bench()
    bench.hold_button()
    bridge = Bridge(bench)
    handshake = bridge.pairing(bridge.greet(Mode.PAIR))
    handshake._state.e.public_bytes = LOW_ORDER_POINT  # else an honest message: the lock meets the point as it answers
    message = handshake_frame(handshake.write())
    assert is_refusal(bench.send(message), message)
    bridge.pair()


def test_an_edited_hello_lets_no_handshake_finish() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    greeting = bridge.greet(Mode.SESSION)
    edited = replace(greeting, response=replace(greeting.response, counter=greeting.response.counter ^ 1))
    with pytest.raises(RefusedByLock):
        bridge.turn(bridge.reunion(edited), 0)


# --- links ---


def test_three_links_are_taken_and_a_fourth_is_closed_at_once() -> None:
    bench = Bench()
    bench.open(2)
    bench.open(3)
    assert bench.closed == []
    bench.open(4)
    assert bench.closed == [4]
    assert bench.feed(encode_frame(transport()), 4) == []
    bench.happen(LinkClosed(link=2))
    bench.open(5)
    assert bench.closed == [4]
    Bridge(bench, link=5).greet(Mode.SESSION)


def test_a_link_that_is_closed_takes_its_session_with_it() -> None:
    bench = Bench()
    bench.open(2)
    bridge = peer_of(bench, link=2)
    bench.device.close(2)
    assert bench.feed(encode_frame(transport()), 2) == []
    bench.open(2)
    with pytest.raises(RefusedByLock):
        bridge.is_served()


def test_a_connection_without_a_session_is_closed_after_ten_seconds() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bench.open(2)
    bench.wait(5)
    bench.open(3)
    twin(bridge, 3).shake()
    for seconds, closed in ((4.9, []), (0.1, [2]), (4.9, [2]), (0.1, [2, 3])):
        assert bench.device.wake_ns is not None
        assert bench.device.wake_ns < SWEEP
        bench.wait(seconds)
        bench.happen(Woken())
        assert bench.closed == closed
    assert bench.device.wake_ns == SWEEP


def test_a_connection_with_a_session_and_a_silent_wire_stay() -> None:
    bench = Bench()
    bench.open(2)
    bridge = peer_of(bench, link=2)
    bench.open(3, connection=False)
    bench.wait(DAY - 1)
    bench.happen(Woken())
    assert bench.closed == []
    assert bridge.ask(PingRequest(payload=b"x")) == PingResponse(payload=b"x")


def test_the_lock_asks_to_be_woken_when_the_next_connection_is_due() -> None:
    bench = Bench()
    assert bench.device.wake_ns == SWEEP
    bench.wait(1)
    bench.open(2)
    bench.wait(1)
    bench.open(3)
    assert bench.device.wake_ns == 11_000_000_000
