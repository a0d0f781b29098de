"""The bench's own bridge, by frames: it keeps to the protocol where a test wants that, and nowhere else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TypeVar

from bridge.links import Link
from protocol.codec import decode_answer, encode_request, next_operation, parse
from protocol.errors import AuthenticationError, MalformedError
from protocol.framing import Frame, Kind
from protocol.label import pairing_key
from protocol.messages.clock import ClockGetRequest, ClockSetRequest
from protocol.messages.declaration import Refusal, Request, Response
from protocol.messages.device import InfoRequest, InfoResponse, PingRequest, PingResponse, StatusRequest, StatusResponse
from protocol.messages.hello import HELLO_REQUEST, HELLO_RESPONSE, HelloFlag, HelloRequest, HelloResponse, Mode
from protocol.messages.pairing import PairCommitRequest, PairCommitResponse
from protocol.messages.pins import (
    LastOperationRequest,
    LastOperationResponse,
    PinClearRequest,
    PinCreateRequest,
    PinCreateResponse,
    PinDeleteRequest,
    PinDeleteResponse,
)
from protocol.noise import Handshake, peer_id, public_key
from protocol.registry import BY_REQUEST
from protocol.session import hello_request, prologue
from protocol.version import MAX_VERSION, MIN_VERSION
from protocol.vocabulary import PinEntry, Status

from . import hints
from .errors import Nonconformant, NoRoom
from .hands import Hand, Hands
from .line import Ear, Line, Pace, Patience
from .overhearing import OpenSession, WatchedHands

R = TypeVar("R", bound=Response)

PAIRING_HOLD = 5.0
"""Seconds for which the button opens the window of the simulated lock (SPEC 4.6 leaves them to the lock)."""
RESET_HOLD = 10.0
"""Seconds for which it resets the simulated lock (SPEC 8.8)."""
REST = 3700
"""Seconds after which limits, lock-outs and a bolt that moves are over."""
NOON = 1_894_017_600
"""Monday 2030-01-07 12:00 UTC: what the lock's clock shows when a test begins."""


@dataclass(slots=True)
class Peer:
    """A bridge that the lock may know: its key, and the id of its last change."""

    private: bytes = field(repr=False)
    lock_key: bytes = b""
    operation: int = 0

    @property
    def id(self) -> int:
        """Its peer id (SPEC 4.5)."""
        return peer_id(public_key(self.private))


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """A hello that was answered."""

    request: Frame
    response: Frame
    lock: HelloResponse

    @property
    def mode(self) -> Mode:
        """What the hello has asked for."""
        asked: HelloRequest = parse(HELLO_REQUEST, self.request.body)
        return asked.mode

    @property
    def prologue(self) -> bytes:
        """What both sides hash into a handshake that follows (SPEC 4.3)."""
        return prologue(self.lock.chosen, self.request, self.response)


class Session:
    """An authenticated span on a line, with one peer."""

    def __init__(self, station: "Station", line: Line, ends: OpenSession, peer: Peer) -> None:
        self.station = station
        self.line = line
        self.ends = ends
        self.peer = peer
        line.opener = ends.opened

    async def ask(self, request: Request) -> Response | Refusal:
        """Return the answer to a request; raise Nonconformant for what is none."""
        return await self.ask_frame(request, self.ends.seal(encode_request(request)))

    async def ask_frame(self, request: Request, frame: Frame) -> Response | Refusal:
        """Send a frame that holds `request`, and return the answer to it."""
        body = await self.ask_body(frame)
        try:
            return decode_answer(BY_REQUEST[type(request)], body)
        except MalformedError as error:
            raise Nonconformant(f"The answer to {BY_REQUEST[type(request)].method} cannot be read: {error}.") from None

    async def ask_body(self, frame: Frame) -> bytes:
        """Send a sealed frame and return the opened body of the answer."""
        try:
            answer = await self.line.ask(frame)
        except Nonconformant as silence:
            raise Nonconformant(f"{silence}{hints.unopened(self.station.proven)}") from None
        return self.opened(answer)

    def opened(self, answer: Frame) -> bytes:
        """Return what an answer to the last request says; raise Nonconformant where it is none."""
        expected = Frame(version=self.ends.version, kind=Kind.TRANSPORT, counter=self.ends.last, body=b"")
        if (answer.kind, _head(answer)[1:]) == (Kind.REFUSED, _head(expected)[1:]):
            raise Nonconformant(f"The lock refused a frame of a session.{hints.no_session(self.station.proven)}")
        if _head(answer) != _head(expected):
            raise Nonconformant(f"A request was answered by {_named(answer)}, not by {_named(expected)} (4.7).")
        try:
            body = self.ends.open(answer)
        except AuthenticationError:
            told = "What the lock sent does not authenticate as the answer to the last request."
            raise Nonconformant(f"{told}{hints.unopened(self.station.proven)}") from None
        self.station.proven = max(self.station.proven, answer.counter)
        return body

    async def told(self, request: Request, kind: type[R]) -> R:
        """Return the answer to a request that has to succeed."""
        answer = await self.ask(request)
        if not isinstance(answer, kind):
            raise Nonconformant(f"{BY_REQUEST[type(request)].method} was answered {answer}, not OK.")
        return answer

    async def change(self, make: Callable[[int], Request], kind: type[R]) -> R:
        """Make a change under the next operation id, which has to succeed."""
        operation = next_operation(self.peer.operation)
        done = await self.told(make(operation), kind)
        self.peer.operation = operation
        return done

    async def try_change(self, make: Callable[[int], Request]) -> Response | Refusal:
        """Try a change under the next operation id; one that is refused uses up none."""
        operation = next_operation(self.peer.operation)
        answer = await self.ask(make(operation))
        if not isinstance(answer, Refusal):
            self.peer.operation = operation
        return answer

    async def create(self, entry: PinEntry) -> int:
        """Create a pin, and return its id."""
        create = partial(PinCreateRequest, entry=entry)
        return (await self.change(lambda operation: create(operation=operation), PinCreateResponse)).id

    async def delete(self, pin: int) -> None:
        """Delete a pin."""
        delete = partial(PinDeleteRequest, id=pin)
        await self.change(lambda operation: delete(operation=operation), PinDeleteResponse)

    async def status(self) -> StatusResponse:
        """Return how the lock is."""
        return await self.told(StatusRequest(), StatusResponse)

    async def info(self) -> InfoResponse:
        """Return what the lock is."""
        return await self.told(InfoRequest(), InfoResponse)


class Station:
    """One lock, its label, its hands, and the bench's peer at it. `connect` opens another link."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Link]],
        hands: Hands,
        secret: bytes,
        *,
        patience: Patience,
        random: Random,
        ear: Ear,
        single: bool = False,
        wire: bool = False,
    ) -> None:
        self.single = single
        """Whether one link at a time is all that this bench can have."""
        self.wire = wire
        """Whether that one never ends: a lock does not see a wire opened or closed (SPEC 9.1)."""
        self._connect = connect
        self.secret = secret
        """The label's."""
        self.window_hold = PAIRING_HOLD
        self.reset_hold = RESET_HOLD
        self._ear = ear
        self._lines: list[Line] = []
        self._pace = Pace()
        self.hands: Hands = WatchedHands(hands, ear)
        self.patience = patience
        self.random = random
        self.peer = self.new_peer()
        self.proven = -1
        """The highest counter of a frame of the lock that has authenticated, -1 for none."""
        self.alone = False
        """Whether the lock has said in this run that it kept no peer: all that it keeps are this bench's."""
        self.keep: Callable[[Peer], None] | None = None
        """Is told of the bench's own peer whenever it has paired."""

    def new_peer(self) -> Peer:
        """Return a bridge that the lock does not know."""
        return Peer(self.random.randbytes(32))

    async def connect(self) -> Line:
        """Open a link, or return a wire's one; `close` gives it back at the latest.

        Where there can be one alone, the one before is given back first.
        """
        if self.wire and self._lines and not self._lines[-1].closed:
            return self._lines[-1]
        if self.single:
            await self.close()
        return self.adopt(await self._connect())

    def adopt(self, link: Link) -> Line:
        """Take a link that a test has opened in its own way; `close` gives it back."""
        if not self.wire:  # each connection is a link of its own, and a wire is one for ever
            self._pace = Pace()
        line = Line(link, self.patience, self._ear, None if Hand.CLOCK in self.hands.able else self._pace)
        self._lines.append(line)
        return line

    def hello(self, mode: Mode, peer: Peer | None = None, *, lowest: int = MIN_VERSION,
              highest: int = MAX_VERSION) -> Frame:  # fmt: skip
        """Return a hello that was never sent before."""
        counter = self.random.getrandbits(32)
        return hello_request(mode, (peer or self.peer).id, counter, lowest=lowest, highest=highest)

    async def greet(self, line: Line, mode: Mode, peer: Peer | None = None) -> Greeting:
        """Say hello, and return what the lock says."""
        request = self.hello(mode, peer)
        response = await line.ask(request)
        return Greeting(request=request, response=response, lock=read_hello(response, request))

    def handshake(self, greeting: Greeting, peer: Peer, *, secret: bytes | None = None) -> Handshake:
        """Begin a handshake behind a hello: a session, or with the label's secret a pairing."""
        known = {"remote_static": peer.lock_key} if secret is None else {
            "psk": pairing_key(secret, greeting.lock.lock_id)
        }  # fmt: skip
        return Handshake(initiator=True, static=peer.private, ephemeral=self.random.randbytes(32),
                         prologue=greeting.prologue, **known)  # fmt: skip

    async def turn(self, line: Line, greeting: Greeting, handshake: Handshake, counter: int = 0) -> None:
        """Write one message of a handshake and read the lock's answer; raise Nonconformant where it is none."""
        message = Frame(version=greeting.lock.chosen, kind=Kind.HANDSHAKE, counter=counter, body=handshake.write())
        answer = await line.ask(message)
        if (answer.kind, _head(answer)[1:]) == (Kind.REFUSED, _head(message)[1:]):
            raise Nonconformant(hints.refused(greeting.lock, greeting.mode, counter))
        if _head(answer) != _head(message):
            asked = hints.sent(greeting.mode, counter)
            raise Nonconformant(f"The {asked} was answered by {_named(answer)}, not by {_named(message)}.")
        if handshake.finished:
            if answer.body:
                raise Nonconformant("The answer to the last handshake message is not empty.")
            return
        try:
            handshake.read(answer.body)
        except AuthenticationError:
            raise Nonconformant(hints.unreadable(greeting.mode, answer.body)) from None

    def session(self, line: Line, greeting: Greeting, handshake: Handshake, peer: Peer) -> Session:
        """Return the session that begins with the end of a handshake."""
        return Session(self, line, OpenSession(handshake.ciphers, greeting.lock.chosen), peer)

    async def open(self, peer: Peer | None = None, line: Line | None = None) -> Session:
        """Open a session as a peer that the lock knows, on a link of its own or on `line`."""
        peer, line = peer or self.peer, line or await self.connect()
        greeting = await self.greet(line, Mode.SESSION, peer)
        handshake = self.handshake(greeting, peer)
        await self.turn(line, greeting, handshake)
        session = self.session(line, greeting, handshake, peer)
        last = await session.told(LastOperationRequest(), LastOperationResponse)
        peer.operation = last.operation
        return session

    async def pair(self, peer: Peer | None = None, *, secret: bytes | None = None) -> Session:
        """Pair, up to the commit; the session that returns may do nothing else, and the next one makes it last.

        Raises NoRoom where the lock has no room, and may keep others than those of this bench.
        """
        peer, line = peer or self.peer, await self.connect()
        secret = self.secret if secret is None else secret
        greeting = await self.greet(line, Mode.PAIR, peer)
        if HelloFlag.PAIRED not in greeting.lock.flags:
            self.alone = True
        handshake = self.handshake(greeting, peer, secret=secret)
        await self.turn(line, greeting, handshake, 0)
        await self.turn(line, greeting, handshake, 1)
        peer.lock_key = handshake.remote_static
        session = self.session(line, greeting, handshake, peer)
        answer = await session.ask(PairCommitRequest())
        if answer == Refusal(status=Status.FULL) and self.alone:
            raise Nonconformant("The lock has no room for a peer, and keeps none but this bench's (4.6).")
        if answer == Refusal(status=Status.FULL):
            raise NoRoom(
                "The lock has no room for a peer. Probably other bridges, or benches whose key is lost, have its "
                "places: let those unpair, or reset the lock. If nobody else is paired with it, it keeps fewer than "
                "eight (4.6)."
            )
        if not isinstance(answer, PairCommitResponse):
            raise Nonconformant(f"commit_pairing was answered {answer}, not OK.")
        if self.keep and peer is self.peer:
            self.keep(peer)
        return session

    async def make_known(self, peer: Peer | None = None) -> Peer:
        """Open the window and pair for good."""
        await self.hands.hold_button(self.window_hold)
        return await self.become_known(peer)

    async def become_known(self, peer: Peer | None = None) -> Peer:
        """Pair for good while the window is open."""
        peer = peer or self.peer
        await (await self.pair(peer)).line.close()
        session = await self.open(peer)
        await session.told(PingRequest(payload=b""), PingResponse)
        await session.line.close()
        return peer

    async def begin(self) -> Session:
        """Begin a test: no pins, a trusted clock that shows NOON in UTC, a bolt at rest; the session stays open."""
        if Hand.CLOCK in self.hands.able:
            await self.hands.advance(REST)
        session = await self.open()
        await session.change(lambda operation: PinClearRequest(operation=operation), Response)
        await session.told(ClockSetRequest(time=NOON, force=True, zone="UTC", rule="UTC0"), Response)
        await session.told(ClockGetRequest(), Response)
        return session

    async def close(self) -> None:
        """Give all links back."""
        lines, self._lines = self._lines, []
        for line in lines:
            await line.close()

    def require_links(self) -> None:
        """Skip a test of several links where there can be but one."""
        if self.single:
            import pytest  # noqa: PLC0415  a replay does without

            pytest.skip("This bench has one link to the lock at a time: a wire, or one Bluetooth adapter.")


def _head(frame: Frame) -> tuple[Kind, int, int]:
    return frame.kind, frame.version, frame.counter


def _named(frame: Frame) -> str:
    return f"{frame.kind.name} of version {frame.version} and counter {frame.counter}"


def read_hello(response: Frame, request: Frame) -> HelloResponse:
    """Return what a hello response says; raise Nonconformant where it is none to `request`."""
    if (response.kind, response.version, response.counter) != (Kind.HELLO_RESPONSE, 0, request.counter):
        raise Nonconformant(f"A hello was answered by {response.kind.name} with another version or counter.")
    try:
        told: HelloResponse = parse(HELLO_RESPONSE, response.body)
    except MalformedError as error:
        raise Nonconformant(f"The hello response cannot be read: {error}.") from None
    return told
