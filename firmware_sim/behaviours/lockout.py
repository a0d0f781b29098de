"""The keypad's lock-out (SPEC 8.4): what counts is on flash with the entry that it counts, or else in RAM."""

from dataclasses import replace

from protocol.vocabulary import AuditEvent, Denial

from ..clock import NANOSECONDS
from ..keypad import Decision
from ..memory import Memory
from ..records import KEYPAD_KEY, Keypad
from .audit import Audit

WRONG_ENTRIES = 5
FIRST_SECONDS = 60
LONGEST_SECONDS = 3600
_MOST = 255  # lock-outs in a row that are counted; the longest is reached long before


class Lockout:
    """Counts wrong entries in a row. A lock that starts in a lock-out begins it anew at `now_ns`."""

    __slots__ = ("_audit", "_keypad", "_memory", "_until_ns")

    def __init__(self, memory: Memory, audit: Audit, now_ns: int) -> None:
        self._memory = memory
        self._audit = audit
        self._keypad = memory.get(KEYPAD_KEY, Keypad) or Keypad()
        self._until_ns = now_ns + self._length_ns if self._keypad.locked_out else None

    @property
    def wake_ns(self) -> int | None:
        """When the lock-out ends, None where there is none."""
        return self._until_ns

    @property
    def locked_out(self) -> bool:
        """Whether no entry is looked at."""
        return self._until_ns is not None

    @property
    def wrong(self) -> int:
        """How many wrong entries came in a row since the last lock-out."""
        return self._keypad.wrong

    def stage_end(self, now_ns: int) -> bool:
        """Let a lock-out that is over end; return whether there is something to commit."""
        if self._until_ns is None or now_ns < self._until_ns:
            return False
        self._until_ns = None
        self._stage(replace(self._keypad, locked_out=False))
        return True

    def stage(self, decision: Decision, now_ns: int) -> None:
        """Stage what an entry that was judged changes; it counts in RAM whether or not flash will take it."""
        if decision.granted and self._keypad != Keypad():
            self._stage(Keypad())
        elif decision.denial is Denial.UNKNOWN:
            self._stage_wrong(now_ns)

    def _stage_wrong(self, now_ns: int) -> None:
        wrong = self._keypad.wrong + 1
        if wrong < WRONG_ENTRIES:
            self._stage(replace(self._keypad, wrong=wrong))
            return
        lockouts = min(self._keypad.lockouts + 1, _MOST)
        self._stage(Keypad(wrong=0, lockouts=lockouts, locked_out=True))
        self._until_ns = now_ns + self._length_ns
        self._audit.stage(AuditEvent.LOCKED_OUT, detail=lockouts)

    def _stage(self, keypad: Keypad) -> None:
        self._keypad = keypad
        self._memory.stage(KEYPAD_KEY, keypad)

    @property
    def _length_ns(self) -> int:
        seconds = FIRST_SECONDS << max(0, self._keypad.lockouts - 1)
        return min(seconds, LONGEST_SECONDS) * NANOSECONDS
