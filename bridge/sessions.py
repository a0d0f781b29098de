"""The sessions with one lock: links and sessions are made as they are needed, and each begins by settling the past.

A session that ended without an answer is never used again. A new one ends the old one at the lock, so what was sent in
that can have no effect afterwards, and what the lock then tells of its last operation is final.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from protocol.codec import decode_answer, encode_request
from protocol.errors import MalformedError
from protocol.exchange import State
from protocol.messages.clock import CLOCK_GET, CLOCK_SET, ClockGetRequest, ClockGetResponse, ClockSetRequest
from protocol.messages.declaration import Message, Refusal, Request, Response
from protocol.messages.hello import Mode
from protocol.messages.pins import LAST_OPERATION, LastOperationRequest
from protocol.session import MAX_AGE, BridgeSession, accepting
from protocol.version import DEFAULT_MAX_FRAME
from protocol.vocabulary import ClockState, Status

from .changes import Changes
from .errors import AckTimeout, LinkLost, UsageError, VersionMismatch, ZoneChanged
from .handshakes import Entropy, greet, open_session, require_lock
from .observing import Observer
from .refusals import refused
from .store.keys import BridgeKeys
from .tracing import Trace
from .wire import Wire
from .zones import posix_rule

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=Response)

_log = logging.getLogger(__name__)

CLOCK_TOLERANCE = 2
"""Seconds that a lock's clock may be wrong before a session corrects it."""
BUSY_PAUSE = 1.0
"""Seconds after which a lock that was busy is asked again (SPEC 6.3)."""
_PAUSE = 0.1
"""Seconds to wait before a session that has just ended without an answer is made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLock:
    """What pairing has taught of a lock: its own id, its public key, the highest protocol version it has spoken.

    `zone` is the IANA name by which callers convert times; None where they convert none.
    """

    wire_id: int
    public_key: bytes
    version: int
    zone: str | None = None


@dataclass(slots=True, kw_only=True)
class Open:
    """A session on its wire; `last_operation` is None until a change asks for it."""

    wire: Wire
    session: BridgeSession
    born: float
    last_operation: int | None = None


class Sessions:
    """The one session that is open, or the next one. Not for several tasks at once."""

    def __init__(
        self,
        lock: KnownLock,
        keys: BridgeKeys,
        connect: Callable[[], Awaitable[Wire]],
        changes: Changes,
        *,
        now: Callable[[], float],
        entropy: Entropy,
        corrects_clock: bool,
        trace: Trace,
        observer: Observer,
    ) -> None:
        self._lock = lock
        self._keys = keys
        self._connect = connect
        self._changes = changes
        self._now = now
        self._entropy = entropy
        self._corrects_clock = corrects_clock
        self._trace = trace
        self._observer = observer
        self._wire: Wire | None = None
        self._open: Open | None = None

    async def close(self) -> None:
        """Give the link back; the next request opens another."""
        wire, self._wire, self._open = self._wire, None, None
        if wire:
            await wire.close()

    @property
    def at_hand(self) -> bool:
        """Whether the next request finds a session open, and nothing of the past to settle."""
        return self._open is not None and not (self._open.wire.lost or self._changes.unresolved)

    def allow(self, max_frame: int) -> None:
        """Use frames of up to `max_frame` bytes on this link."""
        if self._wire:
            self._wire.max_frame = max_frame

    def renew(self) -> None:
        """Let the next request begin a session of its own, and settle the past in it."""
        self._open = None

    def done(self, operation: int) -> None:
        """Remember the last operation, as long as the session that it was done in stays open."""
        if self._open:
            self._open.last_operation = operation

    async def exchange(self, opened: Open, message: Message[Q, R], body: bytes) -> R | Refusal | None:
        """Ask once; None where the session has ended without an answer. A cancelled exchange ends its session."""
        self._open = None
        with self._trace.exchange(self._lock.wire_id, body) as traced:
            outcome = await opened.wire.exchange(opened.session.seal(body), accepting(opened.session))
            answer = traced.answer = None if outcome.value is None else decoded(message, outcome.value)
        if outcome.state is State.LOST:
            await self.close()
        if answer is None:
            await asyncio.sleep(_PAUSE)
        else:
            self._open = opened
            self._observer.answered(self._lock.wire_id, answer, self._now())
        return answer

    async def current(self) -> Open:
        """Return the open session, or make one, on a new link where there is none."""
        while True:
            if self._wire and self._wire.lost:  # while it was idle: nothing is under way that could have been done
                await self.close()
            opened = self._open
            if opened and not opened.session.spent and self._now() - opened.born < MAX_AGE:
                return opened
            await self._begin()

    async def _begin(self) -> None:
        """Try once to open a session, correct the clock in it, and settle the past."""
        if self._wire is None:
            self._wire = await self._connect()
        wire = self._wire
        wire.max_frame = DEFAULT_MAX_FRAME
        try:
            session = await self._handshake(wire)
        except AckTimeout:  # as patient with a lock that starts anew as whoever set the deadline
            return
        except LinkLost:
            await self.close()
            raise
        opened = self._open = Open(wire=wire, session=session, born=self._now())
        try:
            if self._corrects_clock:
                await self._correct_clock(opened)
            if self._open:
                await self._settle_the_past(opened)
        except BaseException:  # whoever comes next meets the same: it is not begun before all of this is done
            self._open = None
            raise

    async def _settle_the_past(self, opened: Open) -> None:
        """Ask the lock for the outcome of changes that were left without one."""
        left = await self._changes.left_open()
        if not left:
            return
        last = await self.exchange(opened, LAST_OPERATION, encode_request(LastOperationRequest()))
        if is_busy(last):  # nothing was learned: `current` begins again
            self._open = None
            await asyncio.sleep(BUSY_PAUSE)
            return
        if isinstance(last, Refusal):
            raise refused(last)
        if last is not None:
            await self._changes.resolve(left, last)
            opened.last_operation = last.operation

    async def _handshake(self, wire: Wire) -> BridgeSession:
        greeting = await greet(wire, Mode.SESSION, self._keys.peer_id, entropy=self._entropy)
        require_lock(greeting.lock.lock_id, self._lock.wire_id)
        if greeting.lock.chosen < self._lock.version:
            raise VersionMismatch(
                f"The lock has spoken protocol version {self._lock.version} before and offers {greeting.lock.chosen} "
                "now: an older firmware, or somebody on the line. Nothing was sent."
            )
        return await open_session(wire, greeting, self._keys, self._lock.public_key, entropy=self._entropy)

    async def _correct_clock(self, opened: Open) -> None:
        """Set a clock that is untrusted or wrong by more than 2 s, and refresh its zone's rule."""
        told = await self.exchange(opened, CLOCK_GET, encode_request(ClockGetRequest()))
        if not isinstance(told, ClockGetResponse):
            return
        if self._lock.zone not in (None, told.zone):
            raise ZoneChanged(told.zone)
        try:
            rule = posix_rule(told.zone)
        except UsageError:
            rule = told.rule
        wrong = abs(told.time - self._now()) > CLOCK_TOLERANCE
        if told.state is ClockState.TRUSTED and not wrong and rule == told.rule:
            return
        request = ClockSetRequest(time=round(self._now()), force=False, zone=told.zone, rule=rule)
        answer = await self.exchange(opened, CLOCK_SET, encode_request(request))
        if isinstance(answer, Refusal):
            _log.warning(
                "The lock's clock was not corrected. %s `latchwire clock set --force` sets it.", refused(answer)
            )


def decoded(message: Message[Q, R], body: bytes) -> R | Refusal | None:
    """Return what a lock answered; None where this version cannot read it, which a warning tells."""
    try:
        return decode_answer(message, body)
    except MalformedError:
        _log.warning("The lock sent an answer to %s that this version cannot read.", message.method)
        return None


def is_busy(answer: Response | Refusal | None) -> bool:
    """Whether the lock was busy, and has looked at nothing."""
    return isinstance(answer, Refusal) and answer.status is Status.BUSY
