"""The pairing window, pending and kept peers, and everybody else refused without a reason."""

import pytest

from firmware_sim.records import PEER_KEYS, Peer
from protocol.framing import Frame, Kind
from protocol.messages.declaration import Refusal
from protocol.messages.hello import HelloFlag, Mode
from protocol.messages.pairing import PairCommitRequest, PairCommitResponse, UnpairRequest, UnpairResponse
from protocol.vocabulary import Status
from tests.firmware_sim.bench import ANNA, Bench, Bridge, RefusedByLock, is_refusal, peer_of

HANDSHAKES_A_WINDOW = 10
MAX_PEERS = 8
WRONG_LABEL = bytes(range(16))


def test_a_lock_from_the_factory_lets_nobody_pair() -> None:
    bench = Bench()
    greeting = Bridge(bench).greet(Mode.PAIR)
    assert greeting.lock.flags == HelloFlag(0)
    with pytest.raises(RefusedByLock):
        Bridge(bench).pair()


@pytest.mark.parametrize("seconds", [0, 4.999, -5, float("nan")])
def test_a_shorter_press_of_the_button_opens_no_window(seconds: float) -> None:
    bench = Bench()
    bench.hold_button(seconds)
    with pytest.raises(RefusedByLock):
        Bridge(bench).pair()


def test_nothing_but_the_button_opens_the_window() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    bench.enter(ANNA.digits)
    bridge.ask(UnpairRequest())
    bench.power_cycle()
    with pytest.raises(RefusedByLock):
        Bridge(bench, 2).pair()


def test_the_window_is_open_for_two_minutes() -> None:
    bench = Bench()
    bench.hold_button(5)
    bench.wait(119.9)
    Bridge(bench, 1).pair()
    bench.wait(0.1)
    with pytest.raises(RefusedByLock):
        Bridge(bench, 2).pair()


def test_the_hello_tells_whether_the_window_is_open_and_whether_anybody_is_paired() -> None:
    bench = Bench()
    bridge = Bridge(bench)
    bench.hold_button()
    assert bridge.greet(Mode.SESSION).lock.flags == HelloFlag.PAIRING_OPEN
    bridge.pair()
    assert bridge.greet(Mode.SESSION).lock.flags == HelloFlag.PAIRING_OPEN
    bridge.connect()
    assert bridge.greet(Mode.SESSION).lock.flags == HelloFlag.PAIRED


def test_a_success_closes_the_window_and_a_commit_alone_does_not() -> None:
    bench = Bench()
    bench.hold_button()
    first = Bridge(bench)
    first.pair()
    assert (bench.window_open, bench.peers) == (True, [])
    first.shake()
    assert (bench.window_open, bench.peers) == (True, [])
    assert first.is_served()
    assert (bench.window_open, bench.peers) == (False, [first.peer_id])
    with pytest.raises(RefusedByLock):
        Bridge(bench, 2).pair()


def test_a_lock_that_loses_power_closes_its_window() -> None:
    bench = Bench()
    bench.hold_button()
    bench.power_cycle()
    with pytest.raises(RefusedByLock):
        Bridge(bench).pair()


def test_the_tenth_handshake_closes_the_window_and_may_run_to_its_end() -> None:
    bench = Bench()
    bench.hold_button()
    for number in range(HANDSHAKES_A_WINDOW - 1):
        with pytest.raises(RefusedByLock):
            Bridge(bench).prove(WRONG_LABEL)
        bench.wait(5)  # not too many hellos at once
        assert bench.window_open, number
    tenth, eleventh = Bridge(bench, 10), Bridge(bench, 11)
    tenth.pair()
    assert not bench.window_open
    with pytest.raises(RefusedByLock):
        eleventh.pair()
    tenth.connect()


def test_a_first_message_that_is_garbage_counts_as_a_handshake() -> None:
    bench = Bench()
    bench.hold_button()
    for _ in range(HANDSHAKES_A_WINDOW):
        Bridge(bench).greet(Mode.PAIR)
        bench.send(Frame(version=1, kind=Kind.HANDSHAKE, counter=0, body=bytes(48)))
        bench.wait(5)
    assert not bench.window_open


def test_a_repeated_first_message_counts_once() -> None:
    bench = Bench()
    bench.hold_button()
    bridge = Bridge(bench)
    handshake = bridge.pairing(bridge.greet(Mode.PAIR))
    message = Frame(version=1, kind=Kind.HANDSHAKE, counter=0, body=handshake.write())
    answer = bench.send(message)
    assert answer is not None
    for _ in range(2 * HANDSHAKES_A_WINDOW):
        assert bench.send(message) == answer
    assert bench.window_open


def test_the_button_starts_the_window_anew() -> None:
    bench = Bench()
    bench.hold_button()
    for _ in range(HANDSHAKES_A_WINDOW):
        with pytest.raises(RefusedByLock):
            Bridge(bench).prove(WRONG_LABEL)
        bench.wait(5)
    bench.hold_button()
    bench.wait(119)
    Bridge(bench).pair()


def test_a_wrong_label_is_refused_at_the_third_message_just_as_a_closed_window_is_at_the_first() -> None:
    bench = Bench()
    bridge = Bridge(bench)
    closed = bridge.pairing(bridge.greet(Mode.PAIR))
    first = Frame(version=1, kind=Kind.HANDSHAKE, counter=0, body=closed.write())
    refused_at_once = bench.send(first)
    bench.hold_button()
    wrong = bridge.pairing(bridge.greet(Mode.PAIR), WRONG_LABEL)
    bridge.turn(wrong, 0)
    third = Frame(version=1, kind=Kind.HANDSHAKE, counter=1, body=wrong.write())
    refused_later = bench.send(third)
    assert is_refusal(refused_at_once, first)
    assert is_refusal(refused_later, third)
    assert refused_later is not None
    assert len(refused_later.body) == 0
    assert (bench.window_open, bench.peers) == (True, [])


def test_only_the_label_of_this_very_lock_pairs() -> None:
    locks = [Bench(seed=seed) for seed in range(3)]
    secrets = [bench.device.factory.secret for bench in locks]
    assert len(set(secrets)) == 3
    locks[0].hold_button()
    with pytest.raises(RefusedByLock):
        Bridge(locks[0]).prove(secrets[1])
    Bridge(locks[0]).prove(secrets[0])


# --- pending peers ---


def pending(bench: Bench, number: int = 1) -> Bridge:
    bench.hold_button()
    bridge = Bridge(bench, number)
    bridge.pair()
    return bridge


def test_a_pending_peer_dies_after_a_minute() -> None:
    bench = Bench()
    bridge = pending(bench)
    bench.open(2, connection=False)
    bridge.link = 2
    bench.wait(59.9)
    bridge.shake()
    bench.wait(0.1)
    with pytest.raises(RefusedByLock):
        bridge.is_served()
    with pytest.raises(RefusedByLock):
        bridge.connect()
    assert bench.peers == []


def test_a_pending_peer_that_is_quick_enough_is_kept_for_good() -> None:
    bench = Bench()
    bridge = pending(bench)
    bench.wait(59.9)
    bridge.connect()
    bench.wait(3600)
    assert bridge.is_served()
    bench.power_cycle()
    bridge.connect()


def test_a_pending_peer_dies_with_the_power() -> None:
    bench = Bench()
    bridge = pending(bench)
    bench.power_cycle()
    with pytest.raises(RefusedByLock):
        bridge.connect()


def test_a_commit_that_is_repeated_starts_the_minute_anew() -> None:
    bench = Bench()
    bridge = pending(bench)
    bench.wait(50)
    assert bridge.ask(PairCommitRequest()) == PairCommitResponse(peer_id=bridge.peer_id)
    bench.wait(50)
    bridge.connect()


def test_there_is_one_pending_peer_the_last() -> None:
    bench = Bench()
    first, second = pending(bench, 1), pending(bench, 2)
    with pytest.raises(RefusedByLock):
        first.connect()
    second.connect()
    assert bench.peers == [second.peer_id]


def test_a_request_that_cannot_be_read_confirms_nobody() -> None:
    bench = Bench()
    bridge = pending(bench)
    bridge.shake()
    assert bridge.exchange(b"\x7f") == bytes([0x7F, Status.UNSUPPORTED])
    assert bench.peers == []
    assert bridge.is_served()
    assert bench.peers == [bridge.peer_id]


def test_a_pairing_whose_commit_was_never_answered_is_finished_by_the_next_try() -> None:
    bench = Bench()
    bench.hold_button()
    bridge = Bridge(bench)
    bridge.prove()
    assert bridge.ask(PairCommitRequest()) == PairCommitResponse(peer_id=bridge.peer_id)  # let this be lost
    bridge.pair()
    bridge.connect()
    assert bench.peers == [bridge.peer_id]


# --- kept peers ---


def test_eight_peers_are_kept_and_the_ninth_is_told_that_the_lock_is_full() -> None:
    bench = Bench()
    peers = [peer_of(bench, number) for number in range(1, MAX_PEERS + 1)]
    assert bench.peers == [bridge.peer_id for bridge in peers]
    bench.hold_button()
    ninth = Bridge(bench, 9)
    ninth.prove()
    assert ninth.ask(PairCommitRequest()) == Refusal(status=Status.FULL)
    with pytest.raises(RefusedByLock):
        ninth.connect()
    peers[3].connect()
    assert peers[3].ask(UnpairRequest()) == UnpairResponse()
    bench.wait(10)
    peer_of(bench, 9)
    bench.power_cycle()
    for bridge in (*peers[:3], *peers[4:]):
        bench.wait(10)
        bridge.connect()


def test_a_full_lock_pairs_again_with_a_peer_that_it_has() -> None:
    bench = Bench()
    for number in range(1, MAX_PEERS + 1):
        peer_of(bench, number)
    peer_of(bench, 5)
    assert len(bench.peers) == MAX_PEERS


def test_the_same_key_pairs_again_and_stays_one_peer() -> None:
    bench = Bench()
    first, again = peer_of(bench), peer_of(bench)
    assert bench.peers == [first.peer_id]
    assert first.lock_key == again.lock_key
    assert not bench.window_open


def test_another_key_with_the_id_of_a_peer_is_refused() -> None:
    bench = Bench()
    bridge = Bridge(bench)
    memory = bench.device.firmware.memory
    memory.stage(PEER_KEYS[0], Peer(peer_id=bridge.peer_id, public_key=bytes(32)))
    memory.commit()
    bench.hold_button()
    bridge.prove()
    assert bridge.ask(PairCommitRequest()) == Refusal(status=Status.EXISTS)


def test_whoever_is_no_peer_is_answered_a_hello_and_refused_at_the_handshake() -> None:
    bench = Bench()
    peer = peer_of(bench)
    stranger = Bridge(bench, 2)
    stranger.lock_key = peer.lock_key
    greeting = stranger.greet(Mode.SESSION)
    assert greeting.lock.chosen == 1
    with pytest.raises(RefusedByLock):
        stranger.turn(stranger.reunion(greeting), 0)
    assert peer.is_served()


def test_a_stranger_with_the_id_of_a_peer_is_refused_alike() -> None:
    bench = Bench()
    peer = peer_of(bench)
    stranger = Bridge(bench, 2)
    stranger.lock_key, stranger.peer_id = peer.lock_key, peer.peer_id
    with pytest.raises(RefusedByLock):
        stranger.shake()
