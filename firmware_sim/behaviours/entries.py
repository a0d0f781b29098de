"""What an entry at the keypad leads to (SPEC 8.2 to 8.5): its record first, then the bolt or the denial."""

from protocol.vocabulary import AuditEvent, Cause, Denial

from ..clock import Clock
from ..keypad import Decision
from ..memory import Memory
from .audit import Audit
from .bolt import Bolt
from .lockout import Lockout
from .schedule import Gate

_LOCKED_OUT = Decision(
    granted=False,
    denial=Denial.LOCKED_OUT,
    explanation="the keypad is locked out after wrong entries, and looks at no entry before that ends",
)


class Entries:
    """The keypad; a flash that takes no record opens and denies as ever."""

    __slots__ = ("_audit", "_bolt", "_clock", "_gate", "_lockout", "_memory")

    def __init__(self, memory: Memory, clock: Clock, gate: Gate, lockout: Lockout, audit: Audit, bolt: Bolt) -> None:
        self._memory = memory
        self._clock = clock
        self._gate = gate
        self._lockout = lockout
        self._audit = audit
        self._bolt = bolt

    def enter(self, digits: str) -> Decision:
        """Judge what was typed, make the outcome durable, and draw the bolt where it opens."""
        if self._lockout.locked_out:
            return _LOCKED_OUT
        decision = self._gate.decide(digits)
        if decision.denial is not Denial.MALFORMED:
            self._stage(decision)
            self._memory.try_commit()
        if decision.granted:
            self._bolt.unlock(self._clock.now_ns)
        return decision

    def _stage(self, decision: Decision) -> None:
        event = AuditEvent.ENTRY_GRANTED if decision.granted else AuditEvent.ENTRY_DENIED
        self._audit.stage(event, cause=Cause.KEYPAD, detail=decision.denial or 0, pin_id=decision.pin_id or 0)
        self._lockout.stage(decision, self._clock.now_ns)
