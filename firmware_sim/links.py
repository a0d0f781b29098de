"""The lock's end of its links (SPEC 4): nothing is performed before a session has authenticated.

Every state here is lost with the link or the power, and none of it is worth keeping.
"""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from protocol.codec import build, parse
from protocol.errors import AuthenticationError, MalformedError
from protocol.framing import Frame, Kind
from protocol.messages.hello import HELLO_REQUEST, HELLO_RESPONSE, HelloFlag, HelloRequest, HelloResponse, Mode
from protocol.noise import Handshake, peer_id
from protocol.session import MAX_AGE, LockSession, Received, Verdict, hello_frame, prologue
from protocol.version import DEFAULT_MAX_FRAME, MAX_VERSION, MIN_VERSION, choose_version

from .behaviours.pairing import Pairing
from .clock import NANOSECONDS
from .factory import Factory

MAX_LINKS = 3
HELLO_SECONDS = 10
HANDSHAKES = 5
REFUSALS = 10
LIMIT_SECONDS = 10
ENTROPY = 48
"""Random bytes that a frame may cost: 16 for a hello, 32 for an ephemeral key."""


@dataclass(slots=True)
class Session:
    """An authenticated span with one peer; a pairing session may only commit."""

    ends: LockSession
    peer_id: int
    public_key: bytes
    pairing: bool
    greeted_ns: int
    born_ns: int
    max_frame: int = DEFAULT_MAX_FRAME

    def is_old(self, now_ns: int) -> bool:
        """Whether it has lasted a day."""
        return now_ns - self.born_ns >= MAX_AGE * NANOSECONDS


@dataclass(slots=True)
class _Attempt:
    """A hello that was answered, and the handshake on top of it."""

    request: Frame
    response: Frame
    version: int
    wanted: HelloRequest
    greeted_ns: int
    handshake: Handshake | None = None
    last_message: Frame | None = None
    last_answer: Frame | None = None
    messages: int = 0

    def lives(self, now_ns: int) -> bool:
        """Whether its ten seconds run."""
        return now_ns - self.greeted_ns < HELLO_SECONDS * NANOSECONDS


@dataclass(slots=True)
class Limit:
    """At most `most` events in ten seconds."""

    most: int
    times: deque[int] = field(default_factory=deque)

    def allows(self, now_ns: int) -> bool:
        """Count one event, unless there were too many."""
        while self.times and now_ns - self.times[0] >= LIMIT_SECONDS * NANOSECONDS:
            self.times.popleft()
        if len(self.times) >= self.most:
            return False
        self.times.append(now_ns)
        return True

    def forgive(self, event_ns: int) -> None:
        """Take the event of that time back, where it still counts."""
        with suppress(ValueError):
            self.times.remove(event_ns)


@dataclass(slots=True)
class Link:
    """What the lock holds of one link; `must_greet_ns` is when a silent connection is closed."""

    connection: bool
    must_greet_ns: int | None = None
    attempt: _Attempt | None = None
    candidate: Session | None = None
    session: Session | None = None
    handshakes: Limit = field(default_factory=lambda: Limit(HANDSHAKES))
    refusals: Limit = field(default_factory=lambda: Limit(REFUSALS))


class Links:
    """Up to three links, each with at most one attempt, one candidate and one session."""

    __slots__ = ("_factory", "_pairing", "_private", "links")

    def __init__(self, factory: Factory, private: bytes, pairing: Pairing) -> None:
        self._factory = factory
        self._private = private
        self._pairing = pairing
        self.links: dict[int, Link] = {}

    def open(self, link: int, now_ns: int, *, connection: bool) -> bool:
        """Take a new link; return False where three are open. A connection must reach a session within 10 s."""
        if len(self.links) >= MAX_LINKS:
            return False
        self.links[link] = Link(connection=connection)
        self._await_session(self.links[link], now_ns)
        return True

    def close(self, link: int) -> None:
        """Forget a link and everything on it."""
        self.links.pop(link, None)

    def reset(self, number: int, now_ns: int) -> None:
        """Forget what a link has led to; its limits count on, and so do the 10 s of one without a session yet."""
        link = self.links.get(number)
        if link is None:
            return
        link.attempt, link.candidate, link.session = None, None, None
        if link.must_greet_ns is None:
            self._await_session(link, now_ns)

    def overdue(self, now_ns: int) -> list[int]:
        """Return the links that had to reach a session by now and have not."""
        due = [(number, link.must_greet_ns) for number, link in self.links.items()]
        return [number for number, by in due if by is not None and now_ns >= by]

    @property
    def wake_ns(self) -> int | None:
        """When the next link is overdue."""
        return min((link.must_greet_ns for link in self.links.values() if link.must_greet_ns is not None), default=None)

    def flags(self, now_ns: int) -> HelloFlag:
        """Return what the lock tells to anyone who asks."""
        flags = HelloFlag(0)
        if self._pairing.window_open(now_ns):
            flags |= HelloFlag.PAIRING_OPEN
        if self._pairing.peers():
            flags |= HelloFlag.PAIRED
        return flags

    def unauthenticated(self, number: int, frame: Frame, now_ns: int, entropy: bytes) -> Frame | None:
        """Answer a hello or a handshake message; None is silence."""
        link = self.links[number]
        self._end_outdated(link, now_ns)
        if frame.kind is Kind.HELLO_REQUEST:
            answer = self._hello(link, frame, now_ns, entropy[:16])
        elif frame.kind is Kind.HANDSHAKE:
            answer = self._handshake(link, frame, now_ns, entropy[16:])
        else:
            return None
        return answer or self.refuse(link, frame, now_ns)

    def refuse(self, link: Link, frame: Frame, now_ns: int) -> Frame | None:
        """Return the one generic refusal, or silence where a link has had too many."""
        if not link.refusals.allows(now_ns):
            return None
        return Frame(version=frame.version, kind=Kind.REFUSED, counter=frame.counter, body=b"")

    def transport(self, number: int, frame: Frame, now_ns: int) -> tuple[Session, Received] | None:
        """Judge a transport frame; None where no session can know it, which is answered with a refusal."""
        link = self.links[number]
        self._end_outdated(link, now_ns)
        if link.candidate:
            received = link.candidate.ends.receive(frame)
            if received.verdict is Verdict.FRESH:
                return self._promote(number, link.candidate), received
        if link.session:
            received = link.session.ends.receive(frame)
            if received.verdict is not Verdict.IGNORED or not link.session.ends.spent:
                return link.session, received
        if link.candidate:
            return link.candidate, Received(verdict=Verdict.IGNORED)
        return None

    def end_sessions(self, of_peer: int, *, but: int | None = None) -> None:
        """End every session of a peer, except the one on the link `but`."""
        for number, link in self.links.items():
            if number != but and link.session and link.session.peer_id == of_peer:
                link.session = None

    def _await_session(self, link: Link, now_ns: int) -> None:
        if link.connection:
            link.must_greet_ns = now_ns + HELLO_SECONDS * NANOSECONDS

    def _hello(self, link: Link, frame: Frame, now_ns: int, random: bytes) -> Frame | None:
        attempt = link.attempt
        if attempt and attempt.request == frame and attempt.lives(now_ns):
            return attempt.response
        try:
            wanted: HelloRequest = parse(HELLO_REQUEST, frame.body)
        except MalformedError:
            return None
        if frame.version != 0 or not link.handshakes.allows(now_ns):
            return None
        chosen = choose_version(wanted.lowest, wanted.highest)
        response = hello_frame(Kind.HELLO_RESPONSE, frame.counter, self._hello_body(chosen, random, now_ns))
        link.attempt = _Attempt(frame, response, chosen, wanted, now_ns)
        return response

    def _hello_body(self, chosen: int, random: bytes, now_ns: int) -> bytes:
        response = HelloResponse(
            chosen=chosen,
            lowest=MIN_VERSION,
            highest=MAX_VERSION,
            lock_id=self._factory.lock_id,
            flags=self.flags(now_ns),
            random=random,
        )
        return build(HELLO_RESPONSE, response)

    def _handshake(self, link: Link, frame: Frame, now_ns: int, ephemeral: bytes) -> Frame | None:
        attempt = link.attempt
        if attempt is None or not attempt.lives(now_ns):
            return None
        if frame == attempt.last_message:
            return attempt.last_answer
        if frame.version != attempt.version or frame.counter != attempt.messages:
            return None
        answer = self._answer_handshake(link, attempt, frame, now_ns, ephemeral)
        if answer is None:
            link.attempt = None
            return None
        attempt.messages += 1
        attempt.last_message, attempt.last_answer = frame, answer
        return answer

    def _answer_handshake(
        self, link: Link, attempt: _Attempt, frame: Frame, now_ns: int, ephemeral: bytes
    ) -> Frame | None:
        handshake = attempt.handshake or self._begin(attempt, now_ns, ephemeral)
        if handshake is None:
            return None
        attempt.handshake = handshake
        try:
            handshake.read(frame.body)
            body = b"" if handshake.finished else handshake.write()
        except AuthenticationError:
            return None
        if handshake.finished:
            link.candidate = Session(
                ends=LockSession(handshake.ciphers, attempt.version),
                peer_id=peer_id(handshake.remote_static),
                public_key=handshake.remote_static,
                pairing=attempt.wanted.mode is Mode.PAIR,
                greeted_ns=attempt.greeted_ns,
                born_ns=now_ns,
            )
        return Frame(version=attempt.version, kind=Kind.HANDSHAKE, counter=frame.counter, body=body)

    def _begin(self, attempt: _Attempt, now_ns: int, ephemeral: bytes) -> Handshake | None:
        pairing = attempt.wanted.mode is Mode.PAIR
        remote = None if pairing else self._pairing.public_key(attempt.wanted.peer_id, now_ns)
        if not attempt.version or (not self._pairing.begin(now_ns) if pairing else remote is None):
            return None
        return Handshake(
            initiator=False,
            static=self._private,
            ephemeral=ephemeral,
            prologue=prologue(attempt.version, attempt.request, attempt.response),
            psk=self._factory.pairing_key() if pairing else None,
            remote_static=remote,
        )

    def _promote(self, number: int, session: Session) -> Session:
        """Make a candidate that has authenticated the session of its link, and the only one of its peer."""
        link = self.links[number]
        link.attempt, link.candidate, link.session, link.must_greet_ns = None, None, session, None
        link.handshakes.forgive(session.greeted_ns)
        self.end_sessions(session.peer_id, but=number)
        return session

    def _end_outdated(self, link: Link, now_ns: int) -> None:
        """End what is too old, and everything whose peer is neither pending nor kept any more."""
        session, candidate, attempt = link.session, link.candidate, link.attempt
        if session and (session.is_old(now_ns) or self._is_strange(session, now_ns)):
            link.session = None
        if candidate and (candidate.is_old(now_ns) or self._is_strange(candidate, now_ns)):
            link.candidate = None
        if attempt and attempt.handshake and attempt.wanted.mode is Mode.SESSION:
            known = self._pairing.public_key(attempt.wanted.peer_id, now_ns)
            link.attempt = attempt if known else None

    def _is_strange(self, session: Session, now_ns: int) -> bool:
        return not session.pairing and self._pairing.public_key(session.peer_id, now_ns) != session.public_key
