"""The bolt: it takes time to travel, and what nobody asked to stay drawn is thrown again by itself (SPEC 8.3)."""

from protocol.vocabulary import AuditEvent, BoltAction, BoltState

from ..clock import NANOSECONDS
from ..hardware import Hardware, Position

TRAVEL_NS = NANOSECONDS * 6 // 10
OPEN_NS = 5 * NANOSECONDS
PULL_NS = 2 * NANOSECONDS

_ASKED = {
    BoltAction.LOCK: (BoltState.LOCKING, BoltState.LOCKED),
    BoltAction.UNLOCK: (BoltState.UNLOCKING, BoltState.UNLOCKED),
    BoltAction.PULL: (BoltState.PULLING, BoltState.PULLED),
}
"""What each action does to the bolt first, and where that ends."""
_ENDS = {
    BoltState.LOCKING: (BoltState.LOCKED, Position.THROWN),
    BoltState.UNLOCKING: (BoltState.UNLOCKED, Position.DRAWN),
    BoltState.PULLING: (BoltState.PULLED, Position.DRAWN),
}
"""Where each movement ends."""
_FOUND = {
    Position.THROWN: BoltState.LOCKED,
    Position.DRAWN: BoltState.UNLOCKED,
    Position.BETWEEN: BoltState.UNKNOWN,
}


class Bolt:
    """One motor. A lock that starts with its bolt anywhere but thrown throws it after the hold, and never draws it.

    `jammed` is whether the last movement did not finish.
    """

    __slots__ = ("_hardware", "_holds", "_next_ns", "jammed", "state")

    def __init__(self, hardware: Hardware, now_ns: int) -> None:
        self._hardware = hardware
        self.state = _FOUND[hardware.position]
        self.jammed = False
        self._holds = self.state is not BoltState.LOCKED  # to be thrown by itself
        self._next_ns = now_ns + OPEN_NS if self._holds else None

    @property
    def wake_ns(self) -> int | None:
        """When the bolt wants to be stepped, None while it rests."""
        return self._next_ns

    def begins(self, action: BoltAction) -> BoltState | None:
        """Return where `action` would bring the bolt at once, or None while it moves."""
        if self.state in _ENDS:
            return None
        moving, there = _ASKED[action]
        return there if self.state is there else moving

    def operate(self, action: BoltAction, now_ns: int) -> None:
        """Carry out a request: start the motor, or let a bolt that is there already stay."""
        self._holds = False
        moving, there = _ASKED[action]
        if self.state is not there:
            self._start(moving, now_ns)
        elif there is BoltState.UNLOCKED:
            self._next_ns = None

    def unlock(self, now_ns: int) -> None:
        """Draw the bolt for an entry, or keep it drawn for another 5 s."""
        if self.state is BoltState.UNLOCKED and self._holds:
            self._next_ns = now_ns + OPEN_NS
        elif self.state not in {BoltState.UNLOCKED, BoltState.UNLOCKING, BoltState.PULLED, BoltState.PULLING}:
            self._holds = True
            self._start(BoltState.UNLOCKING, now_ns)

    def step(self, now_ns: int) -> list[AuditEvent]:
        """Let everything happen that is due by now; return LOCK for each throw by itself, and JAM for each jam."""
        happened: list[AuditEvent] = []
        while self._next_ns is not None and now_ns >= self._next_ns:
            happened += self._due(self._next_ns)
        return happened

    def _start(self, moving: BoltState, now_ns: int) -> None:
        self._hardware.position = Position.BETWEEN
        self.state, self._next_ns = moving, now_ns + TRAVEL_NS

    def _due(self, now_ns: int) -> list[AuditEvent]:
        if self.state in _ENDS:
            return self._arrive(now_ns)
        if self.state is BoltState.PULLED:
            self.state, self._next_ns = BoltState.UNLOCKED, None
            return []
        self._start(BoltState.LOCKING, now_ns)
        return [AuditEvent.LOCK]

    def _arrive(self, now_ns: int) -> list[AuditEvent]:
        self.jammed = self._hardware.blocked
        if self.jammed:
            self.state, self._next_ns = BoltState.UNKNOWN, None
            return [AuditEvent.JAM]
        self.state, self._hardware.position = _ENDS[self.state]
        self._next_ns = self._rest_until(now_ns)
        return []

    def _rest_until(self, now_ns: int) -> int | None:
        if self.state is BoltState.PULLED:
            return now_ns + PULL_NS
        return now_ns + OPEN_NS if self.state is BoltState.UNLOCKED and self._holds else None
