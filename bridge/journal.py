"""The journal of changes: what was asked of which lock and what became of it, never what was in it.

A row is durable before its change is sent, so that a bridge that dies in between knows what to ask the lock for.
"""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import Protocol

from protocol.codec import encode_request, fingerprint, next_operation
from protocol.messages.bolt import BOLT_OPERATE
from protocol.messages.declaration import Change
from protocol.messages.pins import PIN_CREATE, LastOperationResponse
from protocol.vocabulary import Status

KEPT = timedelta(hours=24)
"""How long a row is kept, and so how long an idempotency key is known."""
ADOPTABLE = timedelta(minutes=10)
"""How long a repeated request without a key is taken for the one whose outcome nobody was told."""


class ChangeState(StrEnum):
    """What is known of a change."""

    PENDING = "pending"  # about to be sent, or sent
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"  # not answered, and its caller was told so
    NOT_DONE = "not done"  # the lock has said that it never happened
    UNKNOWABLE = "unknowable"  # the lock's last operation is neither it nor the one before it


UNRESOLVED = frozenset({ChangeState.PENDING, ChangeState.UNCONFIRMED})


async def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks for a change: a token of the HTTP API, or nobody but the command line; `key` is its idempotency key.

    `listens` tells whether it still waits for the answer.
    """

    token_id: int | None = None
    key: str | None = None
    listens: Callable[[], Awaitable[bool]] = field(default=_always, compare=False, repr=False)


COMMAND_LINE = Caller()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord:
    """One change at the lock `wire_id`. Neither mark tells anything to whoever lacks the bridge's HMAC key.

    `mark` is that of the fingerprint on the wire, `request_mark` that of the request whatever its operation id.
    `answer` is the lock's, as encoded: of a change it holds no digits. `told` says whether a caller has learned it.
    """

    number: int
    wire_id: int
    operation: int
    mark: bytes
    request_mark: bytes
    method: str
    caller: Caller
    begun: datetime
    state: ChangeState = ChangeState.PENDING
    answer: bytes = b""
    told: bool = False
    ended: datetime | None = None


class Journal(Protocol):
    """Where records are kept; all of it raises DamagedState where that fails. Numbers go up with time."""

    async def begin(self, record: ChangeRecord) -> ChangeRecord:
        """Keep a new record durably and return it with its number.

        Records that began KEPT before it may be forgotten, but none whose outcome is not known: clocks of hosts jump.
        """

    async def save(self, record: ChangeRecord) -> None:
        """Replace the record of this number."""

    async def unresolved(self, wire_id: int) -> tuple[ChangeRecord, ...]:
        """Return the lock's records whose outcome is not known, oldest first."""

    async def unresolved_locks(self) -> frozenset[int]:
        """Return the wire ids of all locks that have such records."""

    async def latest(self, wire_id: int, caller: Caller, request_mark: bytes) -> ChangeRecord | None:
        """Return the newest record of this request, by this token, at this lock."""

    async def keyed(self, wire_id: int, caller: Caller, since: datetime) -> ChangeRecord | None:
        """Return the newest record under the caller's key, of this lock rather than of another.

        It began at `since` or later, or its outcome is not known.
        """

    async def later(self, record: ChangeRecord) -> tuple[ChangeRecord, ...]:
        """Return the records of the same lock that are newer, oldest first."""


class MemoryJournal:
    """A journal that lasts as long as this object: for simulations, which hand it to the next engine."""

    def __init__(self) -> None:
        self.records: dict[int, ChangeRecord] = {}

    async def begin(self, record: ChangeRecord) -> ChangeRecord:
        """Do as Journal says."""
        begun = replace(record, number=1 + max(self.records, default=0))
        oldest = record.begun - KEPT
        kept = {number: old for number, old in self.records.items() if old.begun >= oldest or old.state in UNRESOLVED}
        self.records = kept | {begun.number: begun}
        return begun

    async def save(self, record: ChangeRecord) -> None:
        """Do as Journal says."""
        if record.number in self.records:
            self.records[record.number] = record

    async def unresolved(self, wire_id: int) -> tuple[ChangeRecord, ...]:
        """Do as Journal says."""
        return tuple(kept for kept in self.records.values() if kept.wire_id == wire_id and kept.state in UNRESOLVED)

    async def unresolved_locks(self) -> frozenset[int]:
        """Do as Journal says."""
        return frozenset(kept.wire_id for kept in self.records.values() if kept.state in UNRESOLVED)

    async def latest(self, wire_id: int, caller: Caller, request_mark: bytes) -> ChangeRecord | None:
        """Do as Journal says."""
        wanted = (wire_id, caller.token_id, request_mark)
        return self._newest(lambda kept: (kept.wire_id, kept.caller.token_id, kept.request_mark) == wanted)

    async def keyed(self, wire_id: int, caller: Caller, since: datetime) -> ChangeRecord | None:
        """Do as Journal says."""

        def known(kept: ChangeRecord) -> bool:
            return kept.caller == caller and (kept.begun >= since or kept.state in UNRESOLVED)

        return self._newest(lambda kept: kept.wire_id == wire_id and known(kept)) or self._newest(known)

    async def later(self, record: ChangeRecord) -> tuple[ChangeRecord, ...]:
        """Do as Journal says."""
        return tuple(
            kept for kept in self.records.values() if kept.wire_id == record.wire_id and kept.number > record.number
        )

    def _newest(self, wanted: Callable[[ChangeRecord], bool]) -> ChangeRecord | None:
        return next((kept for kept in reversed(self.records.values()) if wanted(kept)), None)


class NoJournal(MemoryJournal):
    """A journal that keeps nothing: for a client whose changes nobody asks about later."""

    async def begin(self, record: ChangeRecord) -> ChangeRecord:
        """Return `record`, and keep nothing."""
        return record


@dataclass(frozen=True, slots=True)
class Marks:
    """Keyed marks of requests. A bare fingerprint would tell the digits to whoever tries all of them."""

    hmac_key: bytes

    def of_fingerprint(self, bare: bytes) -> bytes:
        """Return the mark of a fingerprint as it is on the wire (SPEC 6.5)."""
        return self._mark(b"fingerprint", bare)

    def of_body(self, body: bytes) -> bytes:
        """Return the same of the request with this body."""
        return self.of_fingerprint(fingerprint(body))

    def of_request(self, request: Change) -> bytes:
        """Return the mark of a request that has operation id 0, by which its repetition is known."""
        return self._mark(b"request", encode_request(request))

    def of_key(self, key: str) -> str:
        """Return what is kept of an idempotency key: its caller may have made it of anything, of digits too."""
        return self._mark(b"key", key.encode()).hex()

    def _mark(self, kind: bytes, data: bytes) -> bytes:
        return hmac.digest(self.hmac_key, kind + b"\x00" + data, "sha256")


def judge(record: ChangeRecord, last: LastOperationResponse, marks: Marks) -> ChangeState:
    """Say what became of a change, by the last operation that its lock has told in a later session (SPEC 6.5)."""
    if last.operation == record.operation:
        same = hmac.compare_digest(marks.of_fingerprint(last.fingerprint), record.mark)
        return ChangeState.CONFIRMED if same else ChangeState.UNKNOWABLE
    if record.operation == next_operation(last.operation):
        return ChangeState.NOT_DONE
    return ChangeState.UNKNOWABLE


class Verdict(Enum):
    """What a request is to become that has come before."""

    PERFORM = auto()
    REPEAT = auto()  # its recorded answer is its answer
    OTHER = auto()  # its key belongs to another request
    LOST = auto()  # nobody will ever know what became of it


_COME_BACK = frozenset({Status.BUSY, Status.STALE, Status.CHANGED, Status.CONFLICT})
"""Refusals that ask for another try: they are no outcome that a key holds on to."""


def judge_key(found: ChangeRecord | None, wire_id: int, request_mark: bytes) -> Verdict:
    """Say what becomes of a request whose key was used by `found`, which is resolved."""
    if found is None:
        return Verdict.PERFORM
    if (found.wire_id, found.request_mark) != (wire_id, request_mark):
        return Verdict.OTHER
    if found.state is ChangeState.CONFIRMED:
        return Verdict.REPEAT
    if found.state is ChangeState.REFUSED:
        return Verdict.PERFORM if found.answer[1] in _COME_BACK else Verdict.REPEAT
    return Verdict.PERFORM if found.state is ChangeState.NOT_DONE else Verdict.LOST


def repeatable(found: ChangeRecord, now: datetime) -> bool:
    """Say whether a request without a key may be the repetition of `found`, the newest that was like it."""
    return not found.told and found.method != BOLT_OPERATE.method and now - found.begun <= ADOPTABLE


def adoptable(found: ChangeRecord | None, now: datetime) -> bool:
    """Say whether the outcome of `found` may answer a request without a key."""
    return found is not None and found.state is ChangeState.CONFIRMED and repeatable(found, now)


def overtaken(found: ChangeRecord, later: Sequence[ChangeRecord]) -> bool:
    """Say whether something was changed since, so that the answer of `found` may tell what is no longer so.

    A pin that was created stays, whatever other pins are created; anything else may be about this very pin.
    """
    changed = [record.method for record in later if record.state not in (ChangeState.REFUSED, ChangeState.NOT_DONE)]
    if found.method == PIN_CREATE.method:
        return any(method not in (PIN_CREATE.method, BOLT_OPERATE.method) for method in changed)
    return any(method != BOLT_OPERATE.method for method in changed)
