"""LockClient: the requests of protocol/handler.py, asked of one lock; makes link and session anew as needed.

One rule: a change keeps its operation id and its body until the lock has answered it, across sessions and links.
"""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from protocol.codec import decode_answer, encode_request, next_operation
from protocol.errors import MalformedError
from protocol.exchange import State
from protocol.messages.audit import AUDIT_READ, AuditReadRequest, AuditReadResponse
from protocol.messages.clock import CLOCK_GET, CLOCK_SET, ClockGetRequest, ClockGetResponse, ClockSetRequest
from protocol.messages.declaration import Message, Refusal, Request, Response
from protocol.messages.device import (
    INFO,
    PING,
    STATUS,
    InfoRequest,
    InfoResponse,
    PingRequest,
    StatusRequest,
    StatusResponse,
)
from protocol.messages.hello import Mode
from protocol.messages.pairing import UNPAIR, UnpairRequest
from protocol.messages.pins import (
    LAST_OPERATION,
    PIN_CLEAR,
    PIN_CREATE,
    PIN_DELETE,
    PIN_GET,
    PIN_LIST,
    PIN_UPDATE,
    LastOperationRequest,
    LastOperationResponse,
    PinClearRequest,
    PinClearResponse,
    PinCreateRequest,
    PinCreateResponse,
    PinDeleteRequest,
    PinDeleteResponse,
    PinGetRequest,
    PinGetResponse,
    PinListRequest,
    PinUpdateRequest,
    PinUpdateResponse,
)
from protocol.session import MAX_AGE, BridgeSession, accepting
from protocol.version import DEFAULT_MAX_FRAME, LARGEST_MAX_FRAME
from protocol.vocabulary import ClockState, PinEntry, PinSummary, Status

from .errors import (
    AckTimeout,
    LinkLost,
    NotPaired,
    Refused,
    Unreachable,
    UsageError,
    VersionMismatch,
    ZoneChanged,
)
from .handshakes import Entropy, greet, open_session
from .refusals import refused
from .store.keys import BridgeKeys
from .wire import Wire
from .zones import posix_rule

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=Response)

_log = logging.getLogger(__name__)

CLOCK_TOLERANCE = 2
"""Seconds that a lock's clock may be wrong before a session corrects it."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PinList:
    """All pins of one list version, in ascending order of ids."""

    list_version: int
    pins: tuple[PinSummary, ...]


@dataclass(slots=True, kw_only=True)
class _Open:
    """A session on its wire; `last_operation` is None until a change asks for it."""

    wire: Wire
    session: BridgeSession
    born: float
    last_operation: int | None = None


class LockClient:
    """One lock. Not for several tasks at once: engine.py gives each lock one owner.

    Every request raises Refused where the lock says no, Unreachable, LinkLost or NotPaired where it cannot be asked,
    and ZoneChanged where its zone is another than the one that is known.
    None has a deadline of its own: whoever cancels a request loses only the session, never the lock's state.
    """

    def __init__(
        self,
        lock: KnownLock,
        keys: BridgeKeys,
        connect: Callable[[], Awaitable[Wire]],
        *,
        now: Callable[[], float] = time.time,
        entropy: Entropy = os.urandom,
        corrects_clock: bool = True,
    ) -> None:
        self._lock = lock
        self._keys = keys
        self._connect = connect
        self._now = now
        self._entropy = entropy
        self._corrects_clock = corrects_clock
        self._wire: Wire | None = None
        self._open: _Open | None = None
        self.unanswered = False
        """Whether a change was sent and not answered: what became of it, only the lock knows."""

    async def close(self) -> None:
        """Give the link back; the next request opens another."""
        wire, self._wire, self._open = self._wire, None, None
        if wire:
            await wire.close()

    async def info(self) -> InfoResponse:
        """Ask what the lock is, and use the frame size that it tells."""
        told = await self._ask(INFO, InfoRequest())
        if self._wire:
            self._wire.max_frame = min(told.max_frame, LARGEST_MAX_FRAME)
        return told

    async def status(self) -> StatusResponse:
        """Ask how the lock is."""
        return await self._ask(STATUS, StatusRequest())

    async def ping(self, payload: bytes = b"") -> bytes:
        """Ask for `payload` (at most 200 bytes) back."""
        return (await self._ask(PING, PingRequest(payload=payload))).payload

    async def get_clock(self) -> ClockGetResponse:
        """Ask for the lock's time and zone."""
        return await self._ask(CLOCK_GET, ClockGetRequest())

    async def set_clock(self, zone: str, *, force: bool) -> None:
        """Set the lock's clock to this host's time, in the IANA zone `zone`; `force` allows a step back."""
        request = ClockSetRequest(time=round(self._now()), force=force, zone=zone, rule=posix_rule(zone))
        await self._ask(CLOCK_SET, request)

    async def create_pin(self, entry: PinEntry) -> PinCreateResponse:
        """Store a pin."""
        return await self._change(PIN_CREATE, lambda operation: PinCreateRequest(operation=operation, entry=entry))

    async def get_pin(self, pin_id: int) -> PinGetResponse:
        """Ask for one pin with its digits."""
        return await self._ask(PIN_GET, PinGetRequest(id=pin_id))

    async def update_pin(self, pin_id: int, entry: PinEntry) -> PinUpdateResponse:
        """Replace one pin."""
        return await self._change(
            PIN_UPDATE, lambda operation: PinUpdateRequest(operation=operation, id=pin_id, entry=entry)
        )

    async def delete_pin(self, pin_id: int) -> PinDeleteResponse:
        """Remove one pin."""
        return await self._change(PIN_DELETE, lambda operation: PinDeleteRequest(operation=operation, id=pin_id))

    async def list_pins(self) -> PinList:
        """Ask for all pins, from the start again whenever the list changes between two pages."""
        await self.info()
        while True:
            try:
                return await self._pages()
            except Refused as refusal:
                if refusal.status is not Status.CHANGED:
                    raise

    async def clear_pins(self) -> PinClearResponse:
        """Remove every pin."""
        return await self._change(PIN_CLEAR, lambda operation: PinClearRequest(operation=operation))

    async def last_operation(self) -> LastOperationResponse:
        """Ask for the last change that this bridge made."""
        return await self._ask(LAST_OPERATION, LastOperationRequest())

    async def read_audit(self, after: int) -> AuditReadResponse:
        """Ask for the audit records behind the sequence number `after`, one page of them."""
        return await self._ask(AUDIT_READ, AuditReadRequest(after=after))

    async def unpair(self) -> None:
        """Be forgotten by the lock."""
        await self._ask(UNPAIR, UnpairRequest())
        await self.close()

    async def _pages(self) -> PinList:
        page = await self._ask(PIN_LIST, PinListRequest(after=0, list_version=0))
        version, pins = page.list_version, list(page.pins)
        while page.more:
            after = pins[-1].id if pins else 0
            page = await self._ask(PIN_LIST, PinListRequest(after=after, list_version=version))
            if not page.pins or page.pins[0].id <= after:
                raise Refused(Status.UNSUPPORTED, None, "The lock's list of pins does not go on. Update its firmware.")
            pins += page.pins
        return PinList(list_version=version, pins=tuple(pins))

    async def _change(self, message: Message[Q, R], make: Callable[[int], Q]) -> R:
        """Ask for a change under the next operation id; where its outcome stays unknown, the lock is asked anew."""
        self.unanswered = False
        opened = await self._session()
        if opened.last_operation is None:
            opened.last_operation = (await self.last_operation()).operation
        operation = next_operation(opened.last_operation)
        self.unanswered = True
        answer = await self._ask(message, make(operation))
        if self._open:
            self._open.last_operation = operation
        return answer

    async def _ask(self, message: Message[Q, R], request: Q) -> R:
        """Ask until the lock answers, with the same body in each new session."""
        body = encode_request(request)
        answer = await self._exchange(await self._session(), message, body)
        while answer is None:
            try:
                opened = await self._session()
            except (Unreachable, LinkLost, NotPaired, VersionMismatch, ZoneChanged) as error:
                # A refusal at a handshake can be forged, and whatever it is: what was asked may have been done.
                raise LinkLost(f"The lock was asked and has not answered: the outcome is unknown. {error}") from None
            answer = await self._exchange(opened, message, body)
        self.unanswered = False
        if isinstance(answer, Refusal):
            raise refused(answer)
        return answer

    async def _exchange(self, opened: _Open, message: Message[Q, R], body: bytes) -> R | Refusal | None:
        """Ask once; None where the session has ended without an answer. A cancelled exchange ends its session."""
        self._open = None
        outcome = await opened.wire.exchange(opened.session.seal(body), accepting(opened.session))
        if outcome.state is State.LOST:
            await self.close()
        answer = None if outcome.value is None else _decoded(message, outcome.value)
        if answer is None:
            await asyncio.sleep(_PAUSE)
        else:
            self._open = opened
        return answer

    async def _session(self) -> _Open:
        """Return the open session, or make one, on a new link where there is none."""
        while True:
            if self._wire and self._wire.lost:  # while it was idle: nothing is under way that could have been done
                await self.close()
            opened = self._open
            if opened and not opened.session.spent and self._now() - opened.born < MAX_AGE:
                return opened
            await self._begin()

    async def _begin(self) -> None:
        """Try once to open a session, and correct the clock in it."""
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
        self._open = _Open(wire=wire, session=session, born=self._now())
        if self._corrects_clock:
            await self._correct_clock(self._open)

    async def _handshake(self, wire: Wire) -> BridgeSession:
        greeting = await greet(wire, Mode.SESSION, self._keys.peer_id, entropy=self._entropy)
        if greeting.lock.lock_id != self._lock.wire_id:
            raise Unreachable(
                f"Another lock answers here: {greeting.lock.lock_id:08X}, not {self._lock.wire_id:08X}. "
                "Check which lock is plugged in where."
            )
        if greeting.lock.chosen < self._lock.version:
            raise VersionMismatch(
                f"The lock has spoken protocol version {self._lock.version} before and offers {greeting.lock.chosen} "
                "now: an older firmware, or somebody on the line. Nothing was sent."
            )
        return await open_session(wire, greeting, self._keys, self._lock.public_key, entropy=self._entropy)

    async def _correct_clock(self, opened: _Open) -> None:
        """Set a clock that is untrusted or wrong by more than 2 s, and refresh its zone's rule."""
        told = await self._exchange(opened, CLOCK_GET, encode_request(ClockGetRequest()))
        if not isinstance(told, ClockGetResponse):
            return
        if self._lock.zone not in (None, told.zone):
            self._open = None  # whoever comes next meets the change, too
            raise ZoneChanged(told.zone)
        try:
            rule = posix_rule(told.zone)
        except UsageError:
            rule = told.rule
        wrong = abs(told.time - self._now()) > CLOCK_TOLERANCE
        if told.state is ClockState.TRUSTED and not wrong and rule == told.rule:
            return
        request = ClockSetRequest(time=round(self._now()), force=False, zone=told.zone, rule=rule)
        answer = await self._exchange(opened, CLOCK_SET, encode_request(request))
        if isinstance(answer, Refusal):
            _log.warning("The lock's clock was not corrected. %s Pairing again sets it.", refused(answer))


def _decoded(message: Message[Q, R], body: bytes) -> R | Refusal | None:
    try:
        return decode_answer(message, body)
    except MalformedError:
        _log.warning("The lock sent an answer to %s that this version cannot read.", message.method)
        return None
