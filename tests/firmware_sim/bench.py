"""A lock on a bench, and bridges written against `protocol` alone; time passes only when a test says so."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from firmware_sim.device import GEOMETRY, Device
from firmware_sim.events import ButtonHeld, ClockMoved, DigitsEntered, Event, Woken
from firmware_sim.flash import Flash, NorFlash
from firmware_sim.keypad import Decision
from protocol.codec import decode_answer, encode_request, parse
from protocol.framing import Frame, FrameDecoder, Kind, encode_frame
from protocol.label import pairing_key
from protocol.messages.declaration import Change, Refusal, Request, Response
from protocol.messages.device import PingRequest, PingResponse
from protocol.messages.hello import HELLO_RESPONSE, HelloResponse, Mode
from protocol.messages.pairing import PairCommitRequest, PairCommitResponse
from protocol.messages.pins import (
    PinClearRequest,
    PinCreateRequest,
    PinCreateResponse,
    PinDeleteRequest,
    PinListRequest,
    PinListResponse,
    PinUpdateRequest,
)
from protocol.noise import Handshake, peer_id, public_key
from protocol.registry import BY_REQUEST
from protocol.session import BridgeSession, hello_request, prologue
from protocol.vocabulary import PinEntry, PinSummary

T = TypeVar("T", bound=Response)

ANNA = PinEntry(digits="97531", alias="Anna")
BOB = PinEntry(digits="86420", alias="Bob")
CARL = PinEntry(digits="0246813", alias="Carl")
DORA = PinEntry(digits="550011", alias="Dora")


class RefusedByLock(Exception):
    """The lock answered a frame with the generic refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A frame that went over a link, and which way."""

    link: int
    to_lock: bool
    frame: Frame


class Bench:
    """A lock with a wire at link 1. `passed` is all that travelled, `closed` are the links that the lock closed."""

    def __init__(self, *, slots: int = 3, flash: Flash | None = None, seed: int = 0, now_ns: int = 0) -> None:
        self.now_ns = now_ns
        self.random = Random(seed)  # noqa: S311  a test has to repeat itself
        self.passed: list[Passed] = []
        self.closed: list[int] = []
        self.flash = NorFlash(GEOMETRY) if flash is None else flash
        self.device = Device(self.flash, slots=slots, epoch=0, now=lambda: self.now_ns, entropy=self.random.randbytes)
        self.open(1, connection=False)

    def wait(self, seconds: float) -> None:
        """Let time pass; the lock sees it at its next event."""
        self.now_ns += round(seconds * 1_000_000_000)

    def open(self, link: int, *, connection: bool = True) -> None:
        """Connect something to the lock."""
        self.closed += [output.link for output in self.device.open(link, connection=connection).outputs]

    def reset(self, link: int = 1) -> None:
        """Let whoever is at a link begin anew."""
        self.closed += [output.link for output in self.device.reset(link).outputs]

    def feed(self, data: bytes, link: int = 1) -> list[Frame]:
        """Put bytes on a link and return the frames that the lock answers on it."""
        answers = b""
        for output in self.device.receive(link, data).outputs:
            if output.data is None:
                self.closed.append(output.link)
            else:
                assert output.link == link
                answers += output.data
        frames = FrameDecoder().feed(answers)
        assert all(isinstance(frame, Frame) for frame in frames)
        return [frame for frame in frames if isinstance(frame, Frame)]

    def send(self, frame: Frame, link: int = 1) -> Frame | None:
        """Put one frame on a link and return the lock's answer, None where it is silent."""
        answers = self.feed(encode_frame(frame), link)
        assert len(answers) <= 1
        self.passed.append(Passed(link=link, to_lock=True, frame=frame))
        self.passed += [Passed(link=link, to_lock=False, frame=answer) for answer in answers]
        return answers[0] if answers else None

    def happen(self, event: Event) -> None:
        """Let something happen that has no answer."""
        self.closed += [output.link for output in self.device.happen(event).outputs if output.data is None]

    def wake(self) -> None:
        """Wake the lock."""
        self.happen(Woken())

    def hold_button(self, seconds: float = 5) -> None:
        """Hold the button inside the door."""
        self.happen(ButtonHeld(seconds=seconds))

    def enter(self, digits: str) -> Decision:
        """Type at the keypad."""
        decided = self.device.happen(DigitsEntered(digits=digits)).decided
        assert decided is not None
        return decided.decision

    def opens(self, digits: str) -> bool:
        """Whether the keypad grants an entry."""
        return self.enter(digits).granted

    def show(self, epoch: int | None) -> None:
        """Move the hands of the lock's clock, or let it lose the time."""
        self.happen(ClockMoved(epoch=epoch))

    def power_cycle(self) -> None:
        """Take the lock's battery out and put it back; its wire stays."""
        self.device.power_cycle()
        self.open(1, connection=False)

    def bytes(self) -> bytes:
        """Return the whole flash."""
        return self.flash.read(0, self.flash.geometry.size)

    @property
    def list_version(self) -> int:
        """The list version as the lock has it in memory."""
        return self.device.firmware.memory.ledger.list_version

    @property
    def peers(self) -> list[int]:
        """The ids of the peers that the lock keeps."""
        return [peer.peer_id for peer in self.device.firmware.pairing.peers().values()]

    @property
    def window_open(self) -> bool:
        """Whether the lock would let somebody pair now."""
        return self.device.firmware.pairing.window_open(self.now_ns)


def is_refusal(answer: Frame | None, to: Frame) -> bool:
    """Whether `answer` is the one generic refusal of `to`."""
    return answer == Frame(version=to.version, kind=Kind.REFUSED, counter=to.counter, body=b"")


def transport(counter: int = 0, *, version: int = 1) -> Frame:
    """Return a transport frame that no session takes."""
    return Frame(version=version, kind=Kind.TRANSPORT, counter=counter, body=bytes(20))


def taken(answer: Frame | None, to: Frame) -> Frame:
    """Return the answer to `to`; raise RefusedByLock where it is the refusal."""
    if is_refusal(answer, to):
        raise RefusedByLock
    assert answer is not None, "the lock is silent"
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """A hello that was answered."""

    request: Frame
    response: Frame
    lock: HelloResponse


class Bridge:
    """One bridge at one link; `number` makes its key. `operation` is the id of its last change that succeeded."""

    def __init__(self, bench: Bench, number: int = 1, *, link: int = 1) -> None:
        self.bench = bench
        self.number = number
        self.link = link
        self.private = bytes([number]) * 32
        self.peer_id = peer_id(public_key(self.private))
        self.lock_key = b""
        self.operation = 0
        self._session: BridgeSession | None = None

    @property
    def session(self) -> BridgeSession:
        """The bridge's end of its session."""
        assert self._session is not None, "no session was opened"
        return self._session

    def send(self, frame: Frame) -> Frame | None:
        """Put one frame on this bridge's link."""
        return self.bench.send(frame, self.link)

    def hello(self, mode: Mode, *, lowest: int = 1, highest: int = 1) -> Frame:
        """Return a hello with a counter of its own."""
        return hello_request(mode, self.peer_id, self.bench.random.getrandbits(32), lowest=lowest, highest=highest)

    def greet(self, mode: Mode) -> Greeting:
        """Say hello."""
        request = self.hello(mode)
        response = taken(self.send(request), request)
        assert (response.kind, response.counter) == (Kind.HELLO_RESPONSE, request.counter)
        return Greeting(request=request, response=response, lock=parse(HELLO_RESPONSE, response.body))

    def pairing(self, greeting: Greeting, secret: bytes | None = None) -> Handshake:
        """Return the bridge's end of a pairing, with the lock's own label unless another secret is given."""
        secret = self.bench.device.factory.secret if secret is None else secret
        return Handshake(
            initiator=True,
            static=self.private,
            ephemeral=self.bench.random.randbytes(32),
            prologue=prologue(greeting.lock.chosen, greeting.request, greeting.response),
            psk=pairing_key(secret, greeting.lock.lock_id),
        )

    def reunion(self, greeting: Greeting) -> Handshake:
        """Return the bridge's end of a session's handshake."""
        return Handshake(
            initiator=True,
            static=self.private,
            ephemeral=self.bench.random.randbytes(32),
            prologue=prologue(greeting.lock.chosen, greeting.request, greeting.response),
            remote_static=self.lock_key,
        )

    def turn(self, handshake: Handshake, counter: int) -> None:
        """Send a handshake's next message and read the answer."""
        message = Frame(version=1, kind=Kind.HANDSHAKE, counter=counter, body=handshake.write())
        answer = taken(self.send(message), message)
        assert (answer.version, answer.kind, answer.counter) == (1, Kind.HANDSHAKE, counter)
        if handshake.finished:
            assert answer.body == b""
        else:
            handshake.read(answer.body)

    def begin(self, handshake: Handshake) -> None:
        """Take the session that a finished handshake has made."""
        self.lock_key = handshake.remote_static
        self._session = BridgeSession(handshake.ciphers, 1)

    def prove(self, secret: bytes | None = None) -> None:
        """Run a pairing's handshake, so that this bridge has a session that may only commit."""
        handshake = self.pairing(self.greet(Mode.PAIR), secret)
        self.turn(handshake, 0)
        self.turn(handshake, 1)
        self.begin(handshake)

    def pair(self) -> None:
        """Become a pending peer."""
        self.prove()
        assert self.ask(PairCommitRequest()) == PairCommitResponse(peer_id=self.peer_id)

    def shake(self) -> None:
        """Run a session's handshake; the lock knows nothing of it before a frame has authenticated."""
        handshake = self.reunion(self.greet(Mode.SESSION))
        self.turn(handshake, 0)
        self.begin(handshake)

    def connect(self) -> None:
        """Open a session and use it once."""
        self.shake()
        assert self.is_served()

    def is_served(self) -> bool:
        """Whether the lock answers a ping in this bridge's session."""
        return self.ask(PingRequest(payload=b"there?")) == PingResponse(payload=b"there?")

    def exchange(self, body: bytes) -> bytes:
        """Send the bytes of a request and return those of the answer."""
        frame = self.session.seal(body)
        return self.session.open(taken(self.send(frame), frame))

    def ask(self, request: Request) -> Response | Refusal:
        """Send a request and return what the lock answers."""
        return decode_answer(BY_REQUEST[type(request)], self.exchange(encode_request(request)))

    def told(self, request: Request, kind: type[T]) -> T:
        """Send a request that the lock grants, and return its response."""
        answer = self.ask(request)
        assert isinstance(answer, kind), answer
        return answer

    def change(self, make: Callable[[int], Change]) -> Response | Refusal:
        """Send a change under the next operation id."""
        answer = self.ask(make(self.operation + 1))
        self.operation += isinstance(answer, Response)
        return answer

    def create(self, entry: PinEntry) -> Response | Refusal:
        """Create a pin."""
        return self.change(lambda operation: PinCreateRequest(operation=operation, entry=entry))

    def update(self, pin_id: int, entry: PinEntry) -> Response | Refusal:
        """Update a pin."""
        return self.change(lambda operation: PinUpdateRequest(operation=operation, id=pin_id, entry=entry))

    def delete(self, pin_id: int) -> Response | Refusal:
        """Delete a pin."""
        return self.change(lambda operation: PinDeleteRequest(operation=operation, id=pin_id))

    def clear(self) -> Response | Refusal:
        """Delete every pin."""
        return self.change(lambda operation: PinClearRequest(operation=operation))

    def created(self, entry: PinEntry) -> int:
        """Create a pin that the lock takes, and return its id."""
        answer = self.create(entry)
        assert isinstance(answer, PinCreateResponse), answer
        return answer.id

    def pages(self) -> list[PinListResponse]:
        """Read the whole list, page by page."""
        pages = [self.told(PinListRequest(after=0, list_version=0), PinListResponse)]
        while pages[-1].more:
            last = pages[-1]
            pages.append(
                self.told(PinListRequest(after=last.pins[-1].id, list_version=last.list_version), PinListResponse)
            )
        return pages

    def listed(self) -> list[PinSummary]:
        """Return the pins of the whole list."""
        return [pin for page in self.pages() for pin in page.pins]


def hellos(bridge: Bridge, count: int) -> list[bool]:
    """Say so many different hellos; which of them were answered."""
    frames = [bridge.hello(Mode.SESSION) for _ in range(count)]
    return [not is_refusal(bridge.send(frame), frame) for frame in frames]


def peer_of(bench: Bench, number: int = 1, *, link: int = 1) -> Bridge:
    """Return a bridge that has been paired and has a session."""
    bridge = Bridge(bench, number, link=link)
    bench.hold_button()
    bridge.pair()
    bridge.connect()
    return bridge


def twin(bridge: Bridge, link: int) -> Bridge:
    """Return the same bridge at another link, without a session."""
    other = Bridge(bridge.bench, bridge.number, link=link)
    other.lock_key = bridge.lock_key
    return other
