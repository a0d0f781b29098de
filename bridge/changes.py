"""The changes of one client as the journal keeps them: each is written before it is sent, and settled by the lock."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from protocol.codec import encode_answer
from protocol.errors import MisuseError
from protocol.messages.declaration import Change, Refusal, Response
from protocol.messages.pins import LastOperationResponse
from protocol.registry import AnyMessage

from .errors import DamagedState, KeyReused, OutcomeLost
from .journal import (
    COMMAND_LINE,
    KEPT,
    UNRESOLVED,
    Caller,
    ChangeRecord,
    ChangeState,
    Journal,
    Marks,
    Verdict,
    adoptable,
    judge,
    judge_key,
    overtaken,
    repeatable,
)


class Changes:
    """The journal of one lock for the one client that asks it. `caller` is for whom the next change is made."""

    def __init__(self, journal: Journal, hmac_key: bytes, wire_id: int, now: Callable[[], float]) -> None:
        self._journal = journal
        self._marks = Marks(hmac_key)
        self._wire_id = wire_id
        self._now = now
        self._current: ChangeRecord | None = None
        self.caller = COMMAND_LINE
        self.unresolved = False
        """Whether a change of this client may have been left without an outcome."""

    @property
    def begun(self) -> datetime:
        """When the change that has just run was asked for, whether now or, where this repeats it, earlier."""
        return self._running().begun

    def serve(self, caller: Caller) -> None:
        """Make what follows for `caller`; what ran before is over."""
        marked = None if caller.key is None else self._marks.of_key(caller.key)
        self.caller = replace(caller, key=marked)
        self._current = None

    async def left_open(self) -> tuple[ChangeRecord, ...]:
        """Return what the lock has to be asked about, in a session that has just begun."""
        running = self._current.number if self._current else None
        return tuple(record for record in await self._journal.unresolved(self._wire_id) if record.number != running)

    async def resolve(self, records: tuple[ChangeRecord, ...], last: LastOperationResponse) -> None:
        """Settle `records` by the last operation that the lock has told in a later session."""
        for record in records:
            await self._settle(record, last)
        self.unresolved = self._current is not None and self._current.state is ChangeState.PENDING

    async def earlier(self, request: Change) -> ChangeRecord | None:
        """Return the record whose outcome is the answer to `request` (with operation id 0), None where it is new.

        Nothing like it may be left open. Raises KeyReused, and OutcomeLost where nobody can know the outcome any more.
        """
        mark, now = self._marks.of_request(request), self._time()
        found = await self._adopted(mark, now) if self.caller.key is None else await self._under_the_key(mark, now)
        if found is not None:
            self._current = found
        return found

    def forgo(self) -> None:
        """Let go of what `earlier` has found, for it is true no longer: the request is new after all."""
        self._current = None

    async def left_unanswered(self, request: Change) -> bool:
        """Whether `request` (with operation id 0) repeats one that was left open, and shares its outcome."""
        mark, now = self._marks.of_request(request), self._time()
        if self.caller.key is None:
            found = await self._journal.latest(self._wire_id, self.caller, mark)
            return found is not None and found.state in UNRESOLVED and repeatable(found, now)
        found = await self._journal.keyed(self._wire_id, self.caller, now - KEPT)
        wanted = (self._wire_id, mark)
        return found is not None and found.state in UNRESOLVED and (found.wire_id, found.request_mark) == wanted

    async def begin(self, message: AnyMessage, request: Change, operation: int, body: bytes) -> None:
        """Write down durably that `body` is about to be sent; `request` is the same with operation id 0."""
        record = ChangeRecord(
            number=0,
            wire_id=self._wire_id,
            operation=operation,
            mark=self._marks.of_body(body),
            request_mark=self._marks.of_request(request),
            method=message.method,
            caller=self.caller,
            begun=self._time(),
        )
        self.unresolved = True
        self._current = await self._journal.begin(record)

    def end(self, message: AnyMessage, answer: Response | Refusal) -> None:
        """Take what the lock has answered to the change that runs; `conclude` writes it down."""
        state = ChangeState.REFUSED if isinstance(answer, Refusal) else ChangeState.CONFIRMED
        body = encode_answer(message.opcode, answer)
        self._current = replace(self._running(), state=state, answer=body, ended=self._time())
        self.unresolved = False

    async def settle(self, last: LastOperationResponse) -> ChangeRecord:
        """Settle the change that runs by the last operation that the lock has told in a later session."""
        settled = await self._settle(self._running(), last)
        self.unresolved = False
        return settled

    async def conclude(self, *, heard: bool) -> None:
        """Write down what has become of the change that ran; `heard` says whether its caller is there to be told.

        One commit for outcome and telling: of all that a change costs the bridge, the commits cost most.
        """
        record = self._current
        if record is None:
            return
        if record.state is ChangeState.PENDING:
            await self._save(replace(record, state=ChangeState.UNCONFIRMED))
        elif not record.told:
            await self._save_or_ask_again(replace(record, told=heard))

    async def _save_or_ask_again(self, record: ChangeRecord) -> None:
        try:
            await self._save(record)
        except DamagedState:
            self.unresolved = True
            raise

    async def _under_the_key(self, mark: bytes, now: datetime) -> ChangeRecord | None:
        found = await self._journal.keyed(self._wire_id, self.caller, now - KEPT)
        match judge_key(found, self._wire_id, mark):
            case Verdict.OTHER:
                raise KeyReused("This idempotency key has been used for another request. Draw a new one.")
            case Verdict.LOST:
                raise OutcomeLost
            case Verdict.REPEAT:
                return found
        return None

    async def _adopted(self, mark: bytes, now: datetime) -> ChangeRecord | None:
        found = await self._journal.latest(self._wire_id, self.caller, mark)
        if found is None or not adoptable(found, now) or overtaken(found, await self._journal.later(found)):
            return None
        return found

    async def _settle(self, record: ChangeRecord, last: LastOperationResponse) -> ChangeRecord:
        state = judge(record, last, self._marks)
        answer = last.response if state is ChangeState.CONFIRMED else b""
        return await self._save(replace(record, state=state, answer=answer, ended=self._time()))

    async def _save(self, record: ChangeRecord) -> ChangeRecord:
        await self._journal.save(record)
        if self._current is not None and self._current.number == record.number:
            self._current = record
        return record

    def _running(self) -> ChangeRecord:
        if self._current is None:
            raise MisuseError("no change runs")
        return self._current

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)
