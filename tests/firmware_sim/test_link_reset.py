"""A link that begins anew: what it has led to is forgotten, and nothing that limits it is."""

import pytest

from protocol.framing import Kind, encode_frame
from protocol.messages.hello import Mode
from tests.firmware_sim.bench import Bench, Bridge, RefusedByLock, hellos, peer_of, transport


def test_a_reset_forgets_session_candidate_attempt_and_half_a_frame() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bench.reset()
    with pytest.raises(RefusedByLock):
        bridge.is_served()
    bridge.shake()
    bench.reset()
    with pytest.raises(RefusedByLock):
        bridge.is_served()
    handshake = bridge.reunion(bridge.greet(Mode.SESSION))
    bench.reset()
    with pytest.raises(RefusedByLock):
        bridge.turn(handshake, 0)
    request = bridge.hello(Mode.SESSION)
    assert bench.feed(encode_frame(request)[:10]) == []
    bench.reset()
    assert bench.feed(encode_frame(request)[10:]) == []


def test_after_a_reset_an_identical_hello_is_a_new_one() -> None:
    bench = Bench()
    request = Bridge(bench).hello(Mode.SESSION)
    first = bench.send(request)
    assert bench.send(request) == first
    bench.reset()
    again = bench.send(request)
    assert again is not None
    assert again.kind is Kind.HELLO_RESPONSE
    assert again != first


def test_a_reset_is_for_one_link_alone() -> None:
    bench = Bench()
    bench.open(2)
    here, there = peer_of(bench), peer_of(bench, 2, link=2)
    bench.reset()
    assert there.is_served()
    with pytest.raises(RefusedByLock):
        here.is_served()


def test_a_reset_gives_no_hello_and_no_refusal_back() -> None:
    bench = Bench()
    assert hellos(Bridge(bench), 5) == [True] * 5
    refused = [bench.send(transport(counter)) for counter in range(10)]
    assert None not in refused
    bench.reset()
    assert bench.send(Bridge(bench).hello(Mode.SESSION)) is None
    bench.wait(10)
    assert hellos(Bridge(bench), 6) == [True] * 5 + [False]


def test_a_reset_does_not_move_the_end_of_the_ten_seconds_before_the_first_session() -> None:
    bench = Bench()
    bench.open(2)
    bench.wait(9)
    bench.reset(2)
    bench.wait(1)
    bench.wake()
    assert bench.closed == [2]


def test_after_a_session_a_reset_begins_the_ten_seconds_anew() -> None:
    bench = Bench()
    bench.open(2)
    bridge = peer_of(bench, link=2)
    bench.wait(3600)
    bench.reset(2)
    assert bench.device.wake_ns == bench.now_ns + 10_000_000_000
    bench.wait(9)
    bench.reset(2)
    bench.wait(0.9)
    bench.wake()
    assert bench.closed == []
    bridge.connect()
    bench.wait(60)
    bench.wake()
    assert bench.closed == []
    bench.reset(2)
    bench.wait(10)
    bench.wake()
    assert bench.closed == [2]


def test_a_wire_that_begins_anew_has_no_end_and_a_link_that_is_gone_is_none() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bench.reset()
    bench.reset(9)
    bench.wait(60)
    bench.wake()
    assert bench.closed == []
    bridge.connect()
