"""LockClient: the requests of protocol/handler.py, asked of one lock; makes link and session anew as needed.

One rule: a change keeps its operation id and its body until the lock has answered it, across sessions and links.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from protocol.codec import encode_request, next_operation
from protocol.messages.audit import AUDIT_READ, AuditReadRequest, AuditReadResponse
from protocol.messages.bolt import BOLT_OPERATE, BoltOperateRequest, BoltOperateResponse
from protocol.messages.clock import (
    CLOCK_GET,
    CLOCK_SET,
    ClockGetRequest,
    ClockGetResponse,
    ClockSetRequest,
    ClockSetResponse,
)
from protocol.messages.declaration import Change, Message, Refusal, Request, Response
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
from protocol.version import LARGEST_MAX_FRAME
from protocol.vocabulary import BoltAction, PinEntry, PinSummary, Status

from .changes import Changes
from .errors import (
    AckTimeout,
    DamagedState,
    LinkLost,
    NotPaired,
    OutcomeLost,
    Refused,
    Unreachable,
    VersionMismatch,
    ZoneChanged,
)
from .handshakes import Entropy
from .journal import ChangeRecord, ChangeState, NoJournal
from .observing import NOBODY, Observer
from .refusals import refused
from .sessions import BUSY_PAUSE, KnownLock, Open, Sessions, decoded, is_busy
from .store.keys import BridgeKeys
from .tracing import NO_TRACE, Trace
from .wire import Wire
from .zones import posix_rule

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=Response)
C = TypeVar("C", bound=Change)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinList:
    """All pins of one list version, in ascending order of ids."""

    list_version: int
    pins: tuple[PinSummary, ...]


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
        changes: Changes | None = None,
        now: Callable[[], float] = time.time,
        entropy: Entropy = os.urandom,
        corrects_clock: bool = True,
        trace: Trace = NO_TRACE,
        observer: Observer = NOBODY,
    ) -> None:
        self._now = now
        self.changes = changes or Changes(NoJournal(), keys.hmac_key, lock.wire_id, now)
        self._sessions = Sessions(
            lock,
            keys,
            connect,
            self.changes,
            now=now,
            entropy=entropy,
            corrects_clock=corrects_clock,
            trace=trace,
            observer=observer,
        )
        self.unanswered = False
        """Whether a change was sent and not answered: what became of it, only the lock knows."""

    async def close(self) -> None:
        """Give the link back; the next request opens another."""
        await self._sessions.close()

    async def resolve(self) -> None:
        """See that a session is open, and with it that no change is left without an outcome that the lock can tell."""
        if self.changes.unresolved:
            self._sessions.renew()
        await self._sessions.current()

    async def info(self) -> InfoResponse:
        """Ask what the lock is, and use the frame size that it tells."""
        told = await self._ask(INFO, InfoRequest())
        self._sessions.allow(min(told.max_frame, LARGEST_MAX_FRAME))
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

    async def set_clock(self, zone: str, *, force: bool) -> ClockSetResponse:
        """Set the lock's clock to this host's time, in the IANA zone `zone`; `force` allows a step back."""
        request = ClockSetRequest(time=round(self._now()), force=force, zone=zone, rule=posix_rule(zone))
        return await self._have_done(CLOCK_SET, request)

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

    async def operate_bolt(self, action: BoltAction) -> BoltOperateResponse:
        """Move the bolt.

        What is not answered is not sent in another session, but asked about: raises Unreachable where the lock has not
        done it, AckTimeout where that cannot be known.
        """
        return await self._change(
            BOLT_OPERATE, lambda operation: BoltOperateRequest(operation=operation, action=action)
        )

    async def last_operation(self) -> LastOperationResponse:
        """Ask for the last change that this bridge made."""
        return await self._ask(LAST_OPERATION, LastOperationRequest())

    async def read_audit(self, after: int) -> AuditReadResponse:
        """Ask for the audit records behind the sequence number `after`, one page of them."""
        return await self._ask(AUDIT_READ, AuditReadRequest(after=after))

    async def unpair(self) -> None:
        """Be forgotten by the lock; raises LinkLost where it was asked and has not answered."""
        await self._have_done(UNPAIR, UnpairRequest())
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

    async def _change(self, message: Message[Q, R], make: Callable[[int], C]) -> R:
        """Ask for a change under the next operation id, unless it was asked for before and its outcome is known now."""
        record = await self._earlier(make(0))
        if record is not None:
            record = await self._still_so(record, make(0))
        answer = await self._perform(message, make) if record is None else decoded(message, record.answer)
        if answer is None:
            raise OutcomeLost
        if isinstance(answer, Refusal):
            raise refused(answer)
        return answer

    async def _earlier(self, request: Change) -> ChangeRecord | None:
        """Return the record that answers `request`. The lock is asked only for what the journal does not know yet."""
        self.unanswered = False
        if not self._sessions.at_hand:
            self.unanswered = await self.changes.left_unanswered(request)
            settled = None if self.unanswered else await self.changes.earlier(request)
            if settled is not None:
                return settled
            await self._resolve_for_a_change()
        return await self.changes.earlier(request)

    async def _still_so(self, record: ChangeRecord, request: Change) -> ChangeRecord | None:
        """Return `record` unless the pin that it made, for a caller without a key, has been taken away since."""
        if record.caller.key or not isinstance(request, PinCreateRequest):
            return record
        made, held = decoded(PIN_CREATE, record.answer), None
        self.unanswered = True
        try:
            if isinstance(made, PinCreateResponse):
                body = encode_request(PinGetRequest(id=made.id))
                held = await self._until_answered(await self._session_again(), PIN_GET, body)
        finally:
            still = isinstance(held, PinGetResponse) and held.entry == request.entry
            if not still:  # nor is anybody told by it as long as nobody knows
                self.changes.forgo()
        self.unanswered = False
        return record if still else None

    async def _resolve_for_a_change(self) -> None:
        """Settle the past; while that fails, the outcome of a change that is asked for again stays unknown."""
        if self.unanswered:
            self._sessions.renew()
            await self._session_again()
            self.unanswered = False
        else:
            await self.resolve()

    async def _perform(self, message: Message[Q, R], make: Callable[[int], C]) -> R | Refusal | None:
        operation = next_operation(await self._last())
        body = encode_request(make(operation))
        opened = await self._sessions.current()
        await self.changes.begin(message, make(0), operation, body)
        self.unanswered = True
        if message.opcode == BOLT_OPERATE.opcode:
            answer = await self._sessions.exchange(opened, message, body) or await self._what_became(message)
        else:
            answer = await self._until_answered(opened, message, body)
        self.changes.end(message, answer)
        self.unanswered = False
        if not isinstance(answer, Refusal):
            self._sessions.done(operation)
        return answer

    async def _last(self) -> int:
        opened = await self._sessions.current()
        if opened.last_operation is None:
            opened.last_operation = (await self.last_operation()).operation
        return opened.last_operation

    async def _what_became(self, message: Message[Q, R]) -> R | Refusal:
        """Ask for the outcome of a change that must not be sent again, for its effect may be over (SPEC 7.15)."""
        body = encode_request(LastOperationRequest())
        last = await self._until_answered(await self._session_again(), LAST_OPERATION, body)
        if isinstance(last, Refusal):
            raise AckTimeout(f"The lock was asked and has not answered: the outcome is unknown. {refused(last)}")
        record = await self.changes.settle(last)
        self.unanswered = False
        if record.state is ChangeState.NOT_DONE:
            raise Unreachable("The lock was not reached in time, and nothing was changed. Try again.")
        answer = decoded(message, record.answer)
        if answer is None:
            raise OutcomeLost
        return answer

    async def _ask(self, message: Message[Q, R], request: Q) -> R:
        """Ask until the lock answers, with the same body in each new session."""
        body, answer = encode_request(request), None
        while answer is None:
            answer = await self._sessions.exchange(await self._sessions.current(), message, body)
        if isinstance(answer, Refusal):
            raise refused(answer)
        return answer

    async def _have_done(self, message: Message[Q, R], request: Q) -> R:
        """Ask for an effect that has no operation id: doing it twice is doing it once, losing it leaves it unknown."""
        opened = await self._sessions.current()
        self.unanswered = True
        answer = await self._until_answered(opened, message, encode_request(request))
        self.unanswered = False
        if isinstance(answer, Refusal):
            raise refused(answer)
        return answer

    async def _until_answered(self, opened: Open, message: Message[Q, R], body: bytes) -> R | Refusal:
        """Ask for a change, or what became of it, in one session after another.

        A lock may be busy before it has looked for what was asked earlier.
        """
        answer = await self._sessions.exchange(opened, message, body)
        asked_before = answer is None
        while answer is None or (asked_before and is_busy(answer)):
            if answer is not None:
                await asyncio.sleep(BUSY_PAUSE)
            answer = await self._sessions.exchange(await self._session_again(), message, body)
        return answer

    async def _session_again(self) -> Open:
        """Return a session for what was asked in an earlier one; where there is none, the outcome stays unknown."""
        try:
            return await self._sessions.current()
        except (Unreachable, LinkLost, NotPaired, VersionMismatch, ZoneChanged, Refused, DamagedState) as error:
            # A refusal at a handshake can be forged, and whatever it is: what was asked may have been done.
            raise LinkLost(f"The lock was asked and has not answered: the outcome is unknown. {error}") from None
