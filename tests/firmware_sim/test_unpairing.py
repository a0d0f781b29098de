"""Unpairing: the peer is refused from its answer on, on every link and after any loss of power; pins stay."""

import pytest

from protocol.framing import Kind
from protocol.messages.declaration import Refusal
from protocol.messages.device import PingRequest
from protocol.messages.hello import Mode
from protocol.messages.pairing import UnpairRequest, UnpairResponse
from protocol.messages.pins import PinGetRequest, PinListRequest
from protocol.vocabulary import Status
from tests.firmware_sim.bench import ANNA, Bench, RefusedByLock, is_refusal, peer_of, twin


def test_an_unpaired_peer_is_refused_at_once_and_after_a_loss_of_power() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    assert bridge.ask(UnpairRequest()) == UnpairResponse()
    for _ in range(2):
        with pytest.raises(RefusedByLock):
            bridge.ask(PinGetRequest(id=1))
        with pytest.raises(RefusedByLock):
            bridge.connect()
        bench.power_cycle()
    assert bench.peers == []
    assert bench.opens(ANNA.digits)


def test_an_unpairing_ends_what_the_peer_has_on_other_links() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    for link in (2, 3):
        bench.open(link, connection=False)
    candidate, attempt = twin(bridge, 2), twin(bridge, 3)
    candidate.shake()
    greeting = attempt.greet(Mode.SESSION)
    assert bridge.ask(UnpairRequest()) == UnpairResponse()
    with pytest.raises(RefusedByLock):
        candidate.ask(PinGetRequest(id=1))
    with pytest.raises(RefusedByLock):
        attempt.turn(attempt.reunion(greeting), 0)


def test_a_handshake_of_an_unpaired_peer_is_not_answered_again() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bench.open(2, connection=False)
    twin(bridge, 2).shake()
    message = [passed.frame for passed in bench.passed if passed.to_lock and passed.frame.kind is Kind.HANDSHAKE][-1]
    assert not is_refusal(bench.send(message, 2), message)
    bridge.ask(UnpairRequest())
    assert is_refusal(bench.send(message, 2), message)


def test_unpairing_one_peer_leaves_the_others() -> None:
    bench = Bench()
    bench.open(2, connection=False)
    first, second = peer_of(bench), peer_of(bench, 2, link=2)
    assert first.ask(UnpairRequest()) == UnpairResponse()
    assert second.is_served()
    assert bench.peers == [second.peer_id]
    bench.power_cycle()
    second.link = 1
    second.connect()


def test_an_unpaired_bridge_pairs_again_as_a_new_peer() -> None:
    bench = Bench()
    peer_of(bench).ask(UnpairRequest())
    bridge = peer_of(bench)
    assert bridge.ask(PinListRequest(after=0, list_version=0)) != Refusal(status=Status.DENIED)
    assert bench.peers == [bridge.peer_id]


def test_a_repeated_unpairing_frame_is_refused() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.ask(PingRequest(payload=b""))
    assert bridge.ask(UnpairRequest()) == UnpairResponse()
    frame = next(passed.frame for passed in reversed(bench.passed) if passed.to_lock)
    assert is_refusal(bench.send(frame), frame)
