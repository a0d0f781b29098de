"""Hello, prologue, and the two ends of a session with their counters (SPEC 4).

One rule at both ends: a counter seals one body in its life. A retransmission is the same frame, never sealed again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from .codec import build
from .errors import AuthenticationError, MisuseError
from .framing import Frame, Kind, pack_header
from .messages.hello import HELLO_REQUEST, HelloRequest, Mode
from .noise import Ciphers
from .version import HELLO_VERSION, MAX_VERSION, MIN_VERSION, TAG_SIZE

MAX_REQUESTS = 1 << 16
"""Requests in one session; then both sides end it."""
MAX_AGE = 24 * 3600
"""Seconds that one session may last."""


def hello_frame(kind: Kind, counter: int, body: bytes) -> Frame:
    """Return a hello; `counter` is a random number of the bridge's choice, which the response repeats (SPEC 4.1)."""
    return Frame(version=HELLO_VERSION, kind=kind, counter=counter, body=body)


def hello_request(
    mode: Mode, peer_id: int, counter: int, *, lowest: int = MIN_VERSION, highest: int = MAX_VERSION
) -> Frame:
    """Return a bridge's hello, which asks for the versions that this program speaks unless it says otherwise."""
    asked = HelloRequest(lowest=lowest, highest=highest, mode=mode, peer_id=peer_id)
    return hello_frame(Kind.HELLO_REQUEST, counter, build(HELLO_REQUEST, asked))


def prologue(version: int, request: Frame, response: Frame) -> bytes:
    """Return what both sides hash into the handshake: the chosen version and both hellos as sent (SPEC 4.3)."""
    return b"latchwire %d" % version + request.signed() + response.signed()


def _seal(ciphers: Ciphers, version: int, counter: int, body: bytes) -> Frame:
    header = pack_header(version, Kind.TRANSPORT, counter, len(body) + TAG_SIZE)
    sealed = ciphers.seal(counter, header, body)
    return Frame(version=version, kind=Kind.TRANSPORT, counter=counter, body=sealed)


class BridgeSession:
    """The bridge's end: seals requests under counters 0, 1, 2 … and opens the answer to the last one."""

    def __init__(self, ciphers: Ciphers, version: int) -> None:
        self._ciphers = ciphers
        self.version = version
        self._next = 0

    @property
    def spent(self) -> bool:
        """Whether no counter is left."""
        return self._next >= MAX_REQUESTS

    def seal(self, body: bytes) -> Frame:
        """Return the frame of the next request; raise MisuseError where the session is spent."""
        if self.spent:
            raise MisuseError("this session has no counter left")
        counter, self._next = self._next, self._next + 1
        return _seal(self._ciphers, self.version, counter, body)

    def open(self, frame: Frame) -> bytes:
        """Return the body of the answer to the last request; raise AuthenticationError for any other frame."""
        if (frame.version, frame.kind, frame.counter) != (self.version, Kind.TRANSPORT, self._next - 1):
            raise AuthenticationError("not the answer to the last request")
        return self._ciphers.open(frame.counter, frame.header(), frame.body)


class Verdict(Enum):
    """What a lock does with a transport frame."""

    FRESH = auto()
    """The next request: perform it, then answer."""
    REPEATED = auto()
    """The last request again: send the cached answer again."""
    IGNORED = auto()
    """Anything else, and every frame while a request is under way: no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A frame judged: `body` of a fresh request, which may hold digits, `answer` to a repeated one."""

    verdict: Verdict
    body: bytes = field(default=b"", repr=False)
    answer: Frame | None = None


class LockSession:
    """The lock's end: takes exactly the expected counter, and caches its last answer for the repeated request."""

    def __init__(self, ciphers: Ciphers, version: int) -> None:
        self._ciphers = ciphers
        self._version = version
        self._expected = 0
        self._last_request: Frame | None = None
        self._last_answer: Frame | None = None

    @property
    def spent(self) -> bool:
        """Whether the last counter has been answered."""
        return self._expected >= MAX_REQUESTS and self._last_answer is not None

    def receive(self, frame: Frame) -> Received:
        """Judge a transport frame. The counter advances only once a frame has authenticated."""
        if self._last_request is not None and self._last_answer is None:
            return Received(verdict=Verdict.IGNORED)
        if frame == self._last_request:
            return Received(verdict=Verdict.REPEATED, answer=self._last_answer)
        if frame.version != self._version or frame.counter != self._expected or self._expected >= MAX_REQUESTS:
            return Received(verdict=Verdict.IGNORED)
        try:
            body = self._ciphers.open(frame.counter, frame.header(), frame.body)
        except AuthenticationError:
            return Received(verdict=Verdict.IGNORED)
        self._expected += 1
        self._last_request, self._last_answer = frame, None
        return Received(verdict=Verdict.FRESH, body=body)

    def answer(self, body: bytes) -> Frame:
        """Seal the answer to the fresh request, once."""
        if self._last_request is None or self._last_answer is not None:
            raise MisuseError("no request waits for an answer")
        self._last_answer = _seal(self._ciphers, self._version, self._last_request.counter, body)
        return self._last_answer


def accepting(session: BridgeSession) -> Callable[[Frame], bytes | None]:
    """Return a judge of frames: the body where a frame answers the session's last request, else None."""

    def accept(frame: Frame) -> bytes | None:
        try:
            return session.open(frame)
        except AuthenticationError:
            return None

    return accept
