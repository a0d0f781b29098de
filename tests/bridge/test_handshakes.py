"""The bridge's side of hello and handshakes, with a real lock at the far end whose answers a test may exchange."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bridge.errors import AckTimeout, LinkLost, NotPaired, PairingRefused, Unreachable, VersionMismatch
from bridge.handshakes import greet, open_session, pair, require_lock
from bridge.store.keys import BridgeKeys
from bridge.wire import Wire
from protocol.codec import build, parse
from protocol.exchange import Retry
from protocol.framing import Frame, Kind, encode_frame
from protocol.messages.hello import HELLO_RESPONSE, Mode
from protocol.noise import peer_id, public_key
from protocol.session import BridgeSession
from tests.bridge.lines import Line, Luck
from tests.firmware_sim.bench import Bench, peer_of
from tests.virtual_time import run

KEYS = BridgeKeys(static_private=bytes(range(32)), hmac_key=bytes(32))
PEER_ID = peer_id(public_key(KEYS.static_private))

Twist = Callable[[Frame], Frame]


def untouched(frame: Frame) -> Frame:
    return frame


def refused(frame: Frame) -> Frame:
    return replace(frame, kind=Kind.REFUSED, body=b"")


class Door(Line):
    """A line to a lock whose window is open; `twists` replace its answers, the first one first."""

    def __init__(self, *twists: Twist) -> None:
        super().__init__()
        self.bench = Bench()
        self.bench.hold_button()
        self.wire = Wire(self, Retry(), Luck(0))
        self._twists = list(twists)

    async def write(self, data: bytes) -> None:
        await super().write(data)
        for answer in self.bench.feed(data):
            twist = self._twists.pop(0) if self._twists else untouched
            self.say(encode_frame(twist(answer)))

    async def pair(self) -> tuple[BridgeSession, bytes]:
        greeting = await greet(self.wire, Mode.PAIR, PEER_ID)
        return await pair(self.wire, greeting, KEYS, self.bench.device.factory.secret)

    async def open_session(self) -> BridgeSession:
        greeting = await greet(self.wire, Mode.SESSION, PEER_ID)
        return await open_session(self.wire, greeting, KEYS, public_key(bytes(32)))


def at(door: Door, act: Callable[[Door], Awaitable[object]]) -> None:
    async def main() -> None:
        await act(door)

    run(main())


def hello(door: Door) -> Awaitable[object]:
    return greet(door.wire, Mode.SESSION, PEER_ID)


def test_a_pairing_ends_with_the_locks_key_and_a_session() -> None:
    async def act(door: Door) -> None:
        session, key = await door.pair()
        assert key == public_key(door.bench.device.firmware._links._private)
        assert not session.spent

    at(Door(), act)


def test_a_refused_hello_is_no_lock_to_be_reached_for_now() -> None:
    with pytest.raises(Unreachable, match="too many hellos"):
        at(Door(refused), hello)


def test_a_lock_that_chose_a_version_of_its_own_is_told_apart() -> None:
    def newer(frame: Frame) -> Frame:
        response = replace(parse(HELLO_RESPONSE, frame.body), chosen=9, lowest=9, highest=9)
        return replace(frame, body=build(HELLO_RESPONSE, response))

    with pytest.raises(VersionMismatch, match="versions 9 to 9"):
        at(Door(newer), hello)


@pytest.mark.parametrize(
    "stranger",
    [
        lambda frame: replace(frame, kind=Kind.HANDSHAKE),
        lambda frame: replace(frame, version=1),
        lambda frame: replace(frame, body=frame.body[:-1]),
    ],
    ids=["another kind", "another version", "cut short"],
)
def test_what_is_no_hello_response_is_waited_out(stranger: Twist) -> None:
    door = Door(*[stranger] * 3)
    with pytest.raises(AckTimeout):
        at(door, hello)
    assert len(door.written) == 3


def test_a_stranger_before_the_hello_response_costs_a_transmission_and_no_more() -> None:
    door = Door(lambda frame: replace(frame, version=1))
    at(door, hello)
    assert len(door.written) == 2


def test_a_broken_line_is_a_lost_link() -> None:
    door = Door()
    door.broken = True
    with pytest.raises(LinkLost, match="was lost"):
        at(door, hello)


def test_a_lock_that_does_not_know_the_bridge_is_not_paired() -> None:
    with pytest.raises(NotPaired):
        at(Door(), Door.open_session)


def test_a_lock_that_knows_the_bridge_opens_a_session() -> None:
    async def act(door: Door) -> None:
        known = peer_of(door.bench)
        keys = BridgeKeys(static_private=known.private, hmac_key=bytes(32))
        greeting = await greet(door.wire, Mode.SESSION, known.peer_id)
        session = await open_session(door.wire, greeting, keys, known.lock_key)
        assert not session.spent

    at(Door(), act)


@pytest.mark.parametrize(
    "twists",
    [
        (untouched, refused),
        (untouched, untouched, lambda frame: replace(frame, body=b"more")),
        (untouched, untouched, untouched, refused),
        (untouched, lambda frame: replace(frame, body=bytes(len(frame.body)))),
    ],
    ids=["refused at once", "a body in the last answer", "the proof refused", "a forged handshake"],
)
def test_a_pairing_that_is_not_proven_is_refused_in_one_sentence(twists: tuple[Twist, ...]) -> None:
    with pytest.raises(PairingRefused, match=r"^The lock refused to pair: the label is not this lock's"):
        at(Door(*twists), Door.pair)


def test_another_lock_than_the_one_that_was_looked_for_is_none() -> None:
    require_lock(0x0A0B0C0D, 0x0A0B0C0D)
    with pytest.raises(Unreachable, match="Another lock answers here: 0A0B0C0E, not 0A0B0C0D"):
        require_lock(0x0A0B0C0E, 0x0A0B0C0D)


def test_the_counter_of_a_hello_is_drawn() -> None:
    async def act(door: Door) -> None:
        greeting = await greet(door.wire, Mode.SESSION, PEER_ID, entropy=lambda size: bytes(range(9, 9 + size)))
        assert greeting.request.counter == 0x090A0B0C

    at(Door(), act)
