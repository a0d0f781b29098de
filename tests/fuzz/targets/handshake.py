"""Hellos, handshakes and transport frames at both ends: nothing escapes, and no byte is written without a session."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache

from bridge.handshakes import _hello_response
from protocol.errors import AuthenticationError
from protocol.framing import Frame, Kind, encode_frame
from protocol.messages.hello import Mode
from protocol.noise import Handshake, public_key
from tests.firmware_sim.bench import Bench, Bridge, peer_of
from tests.protocol.handshakes import finish, pairing, session

from .seeds import prefixed, unprefixed

KINDS = list(Kind)
HEAD = 3
LONGEST = 6


def fuzz(data: bytes) -> None:
    """Take one byte that chooses an end, and the rest as parts for it."""
    if not data:
        return
    parts = unprefixed(data[1:])[:LONGEST]
    match data[0] % 3:
        case 0:
            _at_the_lock(parts)
        case 1:
            _at_the_bridge(pairing()[0], parts)
        case _:
            _at_the_bridge(session()[0], parts)


def _at_the_lock(parts: list[bytes]) -> None:
    bench = _bench()
    _begin_anew(bench)
    before = (bench.device.firmware.memory.ledger, bench.peers)
    for part in parts:
        if len(part) >= HEAD:
            answers = bench.feed(encode_frame(_frame(part)))
            assert len(answers) <= 1
    assert (bench.device.firmware.memory.ledger, bench.peers) == before


def _at_the_bridge(handshake: Handshake, parts: list[bytes]) -> None:
    """Let the bridge read whatever comes, in a hello's answer and in its handshake."""
    for part in parts:
        _hello_response(Frame(version=0, kind=Kind.HELLO_RESPONSE, counter=0, body=part))
    with suppress(AuthenticationError):
        handshake.write()
        for part in parts[:1]:
            handshake.read(part)


def _frame(part: bytes) -> Frame:
    """Read version, kind and counter, a byte each, and the body."""
    return Frame(version=part[0] % 3, kind=KINDS[part[1] % len(KINDS)], counter=part[2], body=part[HEAD:])


def _part(frame: Frame) -> bytes:
    return bytes([frame.version, KINDS.index(frame.kind), frame.counter]) + frame.body


@cache
def _bench() -> Bench:
    """A lock with one peer, whose random bytes are always the same: what was recorded fits again."""
    bench = Bench()
    peer_of(bench)
    bench.device._entropy = bytes
    return bench


def _begin_anew(bench: Bench) -> None:
    """Forget the link, and open the window once more."""
    bench.device.close(1)
    bench.wait(200)
    bench.open(1, connection=False)
    bench.hold_button()


def _recorded(act: Callable[[Bridge], None]) -> bytes:
    bench = _bench()
    _begin_anew(bench)
    bridge = Bridge(bench)
    bridge.lock_key = _lock_key()
    bench.passed.clear()
    bench.random.getrandbits = lambda _: 7  # type: ignore[method-assign]  # a counter of one byte
    act(bridge)
    return prefixed(_part(passed.frame) for passed in bench.passed if passed.to_lock)


@cache
def _lock_key() -> bytes:
    return public_key(_bench().device.firmware._links._private)


def seeds() -> list[bytes]:
    """Return real conversations of both modes, as the lock sees them and as the bridge does."""
    lock = [_recorded(Bridge.connect), _recorded(Bridge.prove), _recorded(_greet_only)]
    both = [finish(pairing())[1], finish(session())[1]]
    return [*(b"\x00" + parts for parts in lock), *(bytes([1 + end]) + prefixed([both[end]]) for end in range(2))]


def _greet_only(bridge: Bridge) -> None:
    bridge.greet(Mode.PAIR)
