"""Sessions: what makes one, what ends one, and that nothing else does."""

from dataclasses import replace

import pytest

from protocol.framing import Frame, Kind
from protocol.messages.hello import Mode
from tests.firmware_sim.bench import Bench, Bridge, RefusedByLock, is_refusal, peer_of, transport, twin

DAY = 24 * 3600


def test_a_session_is_displaced_only_once_another_has_authenticated() -> None:
    bench = Bench()
    old = peer_of(bench)
    new = twin(old, 1)
    new.shake()
    assert old.is_served()
    new.shake()
    garbage = transport()
    assert bench.send(garbage) is None
    assert old.is_served()
    assert new.is_served()
    frame = old.session.seal(b"\x02")
    assert bench.send(frame) is None


def test_a_session_that_nobody_has_used_yet_is_silent_to_everything_but_its_first_request() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bench.power_cycle()
    bridge.shake()
    for counter in (0, 1):
        assert bench.send(transport(counter)) is None
    first, second = (bridge.session.seal(b"\x02") for _ in range(2))
    assert bench.send(second) is None
    assert bench.send(first) is not None


def test_a_new_session_of_a_peer_ends_its_old_one_on_another_link() -> None:
    bench = Bench()
    bench.open(2)
    old = peer_of(bench)
    new = twin(old, 2)
    new.shake()
    assert old.is_served()
    assert new.is_served()
    with pytest.raises(RefusedByLock):
        old.is_served()
    assert new.is_served()


def test_sessions_of_two_peers_live_side_by_side() -> None:
    bench = Bench()
    bench.open(2)
    first, second = peer_of(bench), peer_of(bench, 2, link=2)
    for _ in range(3):
        assert first.is_served()
        assert second.is_served()


def test_a_stranger_who_floods_the_link_leaves_its_live_session_served() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    stranger = Bridge(bench, 2)
    stranger.lock_key = bridge.lock_key
    for round_ in range(40):
        for mode in Mode:
            bench.send(stranger.hello(mode))
            for counter in range(3):
                bench.send(Frame(version=1, kind=Kind.HANDSHAKE, counter=counter, body=bench.random.randbytes(48)))
        bench.send(transport(round_))
        bench.wait(round_ % 5)  # for some rounds the limits stop the stranger, in others they do not
        bench.feed(bench.random.randbytes(300))
        assert bridge.is_served()


def test_a_spent_session_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.session.MAX_REQUESTS", 3)
    bench = Bench()
    bridge = peer_of(bench)
    assert [bridge.is_served() for _ in range(2)] == [True, True]
    assert is_refusal(bench.send(transport(3)), transport(3))
    bridge.connect()


def test_a_session_ends_after_a_day() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bench.wait(DAY - 1)
    assert bridge.is_served()
    bench.wait(1)
    with pytest.raises(RefusedByLock):
        bridge.is_served()
    bridge.connect()


def test_a_session_of_another_version_number_is_ignored() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    frame = bridge.session.seal(b"\x02")
    assert bench.send(replace(frame, version=0)) is None
    assert bench.send(frame) is not None


def test_a_repeated_request_gets_the_identical_answer_and_the_one_before_silence() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    frames = [bridge.session.seal(b"\x02") for _ in range(3)]
    answers = [bench.send(frame) for frame in frames]
    assert [bench.send(frames[-1]) for _ in range(3)] == [answers[-1]] * 3
    assert [bench.send(frame) for frame in frames[:-1]] == [None, None]
