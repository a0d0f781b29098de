"""What happened at the lock, in a ring on flash (SPEC 7.16, 8.5); a record is durable with the effect it tells of."""

from protocol.codec import build
from protocol.messages.audit import AuditReadResponse
from protocol.messages.records import AUDIT_RECORD
from protocol.vocabulary import AuditEvent, AuditRecord, Cause, ClockState

from ..clock import Clock
from ..memory import Memory
from ..records import AUDIT_KEYS

_LAST_SEQUENCE = 0xFFFFFFFF
_PAGE_OVERHEAD = 2 + 4 + 4 + 1  # opcode and status, first, last, count


class Audit:
    """The newest records; a new one takes the place of the oldest, which a reader sees by the gap in numbers."""

    __slots__ = ("_clock", "_last", "_memory")

    def __init__(self, memory: Memory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        kept = (memory.get(key, AuditRecord) for key in AUDIT_KEYS)
        self._last = max((record.sequence for record in kept if record), default=0)

    @property
    def last(self) -> int:
        """The sequence number of the newest record, 0 where there is none."""
        return self._last

    def stage(
        self,
        event: AuditEvent,
        *,
        cause: Cause = Cause.NONE,
        detail: int = 0,
        pin_id: int = 0,
        peer_id: int = 0,
        set_to: int | None = None,
    ) -> None:
        """Stage one record, to be durable with whatever else the next commit holds; ids of 0 are nobody's.

        Where the same commit sets the clock, the record has the time that it is `set_to`.
        """
        sequence = self._last + self._memory.count_staged(AUDIT_KEYS) + 1
        if sequence > _LAST_SEQUENCE:
            return
        record = AuditRecord(
            sequence=sequence,
            time=self._clock.epoch if set_to is None else set_to,
            clock=ClockState.TRUSTED if self._clock.trusted or set_to is not None else ClockState.UNTRUSTED,
            event=event,
            cause=cause,
            detail=detail,
            pin_id=pin_id,
            peer_id=peer_id,
        )
        self._memory.stage(_key(sequence), record)
        self._memory.afterwards(lambda: self._advance(sequence))

    def page(self, after: int, room: int) -> AuditReadResponse:
        """Return the records behind `after`, oldest first, as many as fit into a body of `room` bytes."""
        first = self._first()
        records: list[AuditRecord] = []
        room -= _PAGE_OVERHEAD
        for sequence in range(max(after + 1, first), self._last + 1 if first else 0):
            record = self._memory.get(_key(sequence), AuditRecord)
            if record is None or record.sequence != sequence:
                continue  # lost to damage: a gap like any other
            room -= len(build(AUDIT_RECORD, record))
            if room < 0:
                break
            records.append(record)
        return AuditReadResponse(first=first, last=self._last, records=tuple(records))

    def _first(self) -> int:
        kept = (self._memory.get(key, AuditRecord) for key in AUDIT_KEYS)
        return min((record.sequence for record in kept if record), default=0)

    def _advance(self, sequence: int) -> None:
        self._last = sequence


def _key(sequence: int) -> int:
    return AUDIT_KEYS[sequence % len(AUDIT_KEYS)]
