"""Whether something is new at the lock (SPEC 9.3): a counter for its advertisement, so that nobody has to poll."""

from ..memory import Memory
from .audit import Audit
from .bolt import Bolt

_COUNTER_END = 256


class News:
    """The change counter, `change`, beginning at `first`; this lock has no door contact that could tell of its door."""

    __slots__ = ("_audit", "_bolt", "_memory", "_seen", "change")

    def __init__(self, memory: Memory, audit: Audit, bolt: Bolt, *, first: int) -> None:
        self._memory = memory
        self._audit = audit
        self._bolt = bolt
        self.change = first
        self._seen = self._facts()

    def look(self) -> None:
        """Count one change where anything is not as it was at the last look."""
        facts = self._facts()
        if facts != self._seen:
            self._seen = facts
            self.change = (self.change + 1) % _COUNTER_END

    def _facts(self) -> tuple[object, ...]:
        return self._memory.ledger.list_version, self._audit.last, self._bolt.state, self._bolt.jammed
