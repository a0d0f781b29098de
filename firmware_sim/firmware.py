"""The lock's firmware as a pure core: `step(now, event) -> actions`. An answer leaves after its effect is durable.

Time, random bytes and everything that happens come in as arguments; frames and decisions go out as values.
"""

from protocol.bluetooth import Advertisement
from protocol.codec import decode_request, encode_answer, fingerprint
from protocol.errors import MalformedError
from protocol.framing import Frame, Kind
from protocol.handler import Handler
from protocol.messages.declaration import Change, Refusal, Request, Response
from protocol.messages.pairing import PAIR_COMMIT, UnpairRequest
from protocol.registry import MESSAGES, AnyMessage
from protocol.session import Verdict
from protocol.vocabulary import AuditEvent, Cause, Rule, Status

from .behaviours.audit import Audit
from .behaviours.battery import Battery
from .behaviours.bolt import Bolt
from .behaviours.clock import ClockKeeping
from .behaviours.entries import Entries
from .behaviours.expiry import Expiry
from .behaviours.lockout import Lockout
from .behaviours.news import News
from .behaviours.pairing import HOLD_SECONDS, Pairing
from .behaviours.pins import Pins
from .behaviours.reset import HOLD_SECONDS as RESET_SECONDS
from .behaviours.reset import stage_reset
from .behaviours.schedule import Gate
from .clock import NANOSECONDS, Clock
from .events import (
    Action,
    Busied,
    ButtonHeld,
    ClockDrifted,
    ClockMoved,
    CloseLink,
    Decided,
    DigitsEntered,
    Event,
    FrameArrived,
    LinkClosed,
    LinkOpened,
    LinkReset,
    SendFrame,
    StartAnew,
)
from .factory import Factory
from .hardware import Hardware
from .links import Links, Session
from .memory import Memory
from .records import IDENTITY_KEY, Identity
from .requests import SEALED_OVERHEAD, Requests
from .store import Store

ENTROPY = 33
"""Random bytes of a start: 32 for a key where the lock has none yet, 1 for the change counter."""


class Firmware:
    """One power-on life of the lock; a reset begins one as well, with the `bolt` of the life before.

    `entropy` is ENTROPY random bytes.
    """

    __slots__ = (
        "_busy_until_ns",
        "_entries",
        "_handler",
        "_keeping",
        "_links",
        "_lock_id",
        "_news",
        "_requests",
        "audit",
        "battery",
        "bolt",
        "clock",
        "expiry",
        "gate",
        "lockout",
        "memory",
        "pairing",
        "pins",
    )

    def __init__(
        self,
        factory: Factory,
        store: Store,
        clock: Clock,
        *,
        hardware: Hardware,
        bolt: Bolt,
        slots: int,
        entropy: bytes,
    ) -> None:
        self.clock = clock
        self.memory = Memory(store)
        self.pins = Pins(self.memory, clock, slots)
        self.pairing = Pairing(self.memory)
        self.bolt = bolt
        self.audit = Audit(self.memory, clock)
        self.expiry = Expiry(self.memory, clock, self.audit)
        self.gate = Gate(self.memory, clock, self.pins)
        self.battery = Battery(hardware, self.memory, self.audit)
        self.lockout = Lockout(self.memory, self.audit, clock.now_ns)
        self._entries = Entries(self.memory, clock, self.gate, self.lockout, self.audit, bolt)
        self._links = Links(factory, self._private_key(entropy), self.pairing)
        self._keeping = ClockKeeping(self.memory, clock, self.audit, self.expiry)
        self._requests = Requests(
            factory, self.memory, clock, self.pins, self.pairing, bolt, self.audit, self._keeping, self.battery
        )
        self._handler: Handler = self._requests
        self._busy_until_ns = 0
        self._note(AuditEvent.POWER_ON)
        self._lock_id = factory.lock_id
        self._news = News(self.memory, self.audit, bolt, first=entropy[-1])

    @property
    def advertisement(self) -> Advertisement:
        """What the lock tells to everybody around it."""
        flags = self._links.flags(self.clock.now_ns)
        return Advertisement(lock_id=self._lock_id, flags=flags, change=self._news.change)

    @property
    def wake_ns(self) -> int | None:
        """When the lock wants a Woken event, None while nothing is due."""
        keepers = (self.bolt, self.lockout, self._links, self.expiry, self._keeping, self.pairing)
        return min((keeper.wake_ns for keeper in keepers if keeper.wake_ns is not None), default=None)

    def step(self, now_ns: int, event: Event) -> list[Action]:
        """Let `event` happen at `now_ns` (nanoseconds since power on, never running backwards)."""
        self.clock.advance(now_ns)
        self._by_itself()
        actions = self._close_overdue() + self._happen(event)
        self._news.look()
        return actions

    def _happen(self, event: Event) -> list[Action]:
        actions: list[Action] = []
        match event:
            case FrameArrived():
                actions += self._frame(event)
            case LinkOpened():
                taken = self._links.open(event.link, self.clock.now_ns, connection=event.connection)
                actions += [] if taken else [CloseLink(link=event.link)]
            case LinkClosed():
                self._links.close(event.link)
            case LinkReset():
                self._links.reset(event.link, self.clock.now_ns)
            case DigitsEntered():
                actions.append(Decided(decision=self._entries.enter(event.digits)))
            case ButtonHeld():
                actions += self._button(event.seconds)
            case ClockMoved() | ClockDrifted():
                self._clock(event)
            case Busied():
                self._busy_until_ns = self.clock.now_ns + round(event.seconds * NANOSECONDS)
        return actions

    def _clock(self, event: ClockMoved | ClockDrifted) -> None:
        match event:
            case ClockMoved(epoch=None):
                self._keeping.lose()
                self.memory.try_commit()
            case ClockMoved(epoch=int(epoch)):
                self._keeping.show(epoch)
                self.memory.try_commit()
            case ClockDrifted():
                self.clock.drift(event.ppm)

    def _private_key(self, entropy: bytes) -> bytes:
        identity = self.memory.get(IDENTITY_KEY, Identity)
        if identity is None:
            identity = Identity(private=entropy[:32])
            self.memory.stage(IDENTITY_KEY, identity)
            self.memory.try_commit()  # a flash that takes nothing lets no bridge pair, and the keypad goes on
        return identity.private

    def _close_overdue(self) -> list[Action]:
        actions: list[Action] = []
        for link in self._links.overdue(self.clock.now_ns):
            self._links.close(link)
            actions.append(CloseLink(link=link))
        return actions

    def _by_itself(self) -> None:
        """Do what time and battery ask for."""
        self.pairing.step(self.clock.now_ns)
        for happened in self.bolt.step(self.clock.now_ns):
            self._note(happened, cause=Cause.AUTOMATIC if happened is AuditEvent.LOCK else Cause.NONE)
        if self.lockout.stage_end(self.clock.now_ns) | self.battery.stage():
            self.memory.try_commit()
        self.expiry.step()
        self._keeping.stage_floor()
        self.memory.try_commit()

    def _button(self, seconds: float) -> list[Action]:
        if seconds >= RESET_SECONDS:
            stage_reset(self.memory, self.clock, self.audit)
            return [StartAnew()] if self.memory.try_commit() else []
        if seconds >= HOLD_SECONDS:
            self.pairing.open_window(self.clock.now_ns)
            self._note(AuditEvent.PAIRING_OPENED, cause=Cause.BUTTON)
        return []

    def _frame(self, event: FrameArrived) -> list[Action]:
        if event.link not in self._links.links:
            return []
        if event.frame.kind is Kind.TRANSPORT:
            answer = self._transport(event.link, event.frame)
        else:
            answer = self._links.unauthenticated(event.link, event.frame, self.clock.now_ns, event.entropy)
        return [] if answer is None else [SendFrame(link=event.link, frame=answer)]

    def _transport(self, link: int, frame: Frame) -> Frame | None:
        judged = self._links.transport(link, frame, self.clock.now_ns)
        if judged is None:
            return self._links.refuse(self._links.links[link], frame, self.clock.now_ns)
        session, received = judged
        if received.verdict is not Verdict.FRESH:
            return received.answer
        answer = self._perform(session, received.body)
        if len(answer) + SEALED_OVERHEAD > session.max_frame:  # a ping that is as long as its request may be
            answer = encode_answer(received.body[0], Refusal(status=Status.INVALID, rule=Rule.MALFORMED))
        return session.ends.answer(answer)

    def _perform(self, session: Session, body: bytes) -> bytes:
        """Return the answer to one authenticated request, its effect durable."""
        try:
            message, request = decode_request(body)
        except MalformedError:
            return _unreadable(body)
        if session.pairing is not (message is PAIR_COMMIT):
            return encode_answer(message.opcode, Refusal(status=Status.DENIED))
        if self.clock.now_ns < self._busy_until_ns:
            return encode_answer(message.opcode, Refusal(status=Status.BUSY))
        if not session.pairing:
            if self.pairing.stage_confirmed(session.peer_id, self.clock.now_ns):
                self.audit.stage(AuditEvent.PEER_ADDED, cause=Cause.REQUEST, peer_id=session.peer_id)
            if not self.memory.try_commit():
                return encode_answer(message.opcode, Refusal(status=Status.STORAGE))
        if isinstance(request, Change):
            return self._change(session, message, request, body)
        if isinstance(request, UnpairRequest):
            self.memory.afterwards(lambda: self._links.end_sessions(session.peer_id))
        return self._durably(message, self._ask(session, message, request))

    def _note(self, event: AuditEvent, cause: Cause = Cause.NONE) -> None:
        """Record what needs no answer; a flash that has no room for it stops nothing."""
        self.audit.stage(event, cause=cause)
        self.memory.try_commit()

    def _change(self, session: Session, message: AnyMessage, request: Change, body: bytes) -> bytes:
        operations, mark = self._requests.operations, fingerprint(body)
        index = self.pairing.index_of(session.peer_id)
        if index is None:
            return encode_answer(message.opcode, Refusal(status=Status.DENIED))
        known = operations.judge(index, request.operation, mark)
        if isinstance(known, bytes):
            return known
        answer = known or self._ask(session, message, request)
        if not isinstance(answer, Refusal):
            operations.stage(index, request.operation, mark, encode_answer(message.opcode, answer))
        return self._durably(message, answer)

    def _ask(self, session: Session, message: AnyMessage, request: Request) -> Response | Refusal:
        self._requests.session = session
        answer: Response | Refusal = getattr(self._handler, message.method)(session.peer_id, request)
        return answer

    def _durably(self, message: AnyMessage, answer: Response | Refusal) -> bytes:
        """Commit what the request staged, then return its answer; a refusal commits nothing."""
        if isinstance(answer, Refusal):
            self.memory.discard()
            return encode_answer(message.opcode, answer)
        if not self.memory.try_commit():
            answer = Refusal(status=Status.STORAGE)
        return encode_answer(message.opcode, answer)


def _unreadable(body: bytes) -> bytes:
    opcode = body[0] if body else 0
    if opcode not in MESSAGES:
        return encode_answer(opcode, Refusal(status=Status.UNSUPPORTED))
    return encode_answer(opcode, Refusal(status=Status.INVALID, rule=Rule.MALFORMED))
