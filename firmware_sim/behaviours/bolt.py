"""The bolt: it takes time to travel, and after an entry it is thrown again by itself (SPEC 8.3)."""

from protocol.vocabulary import BoltAction, BoltState

from ..clock import NANOSECONDS

TRAVEL_NS = NANOSECONDS * 6 // 10
OPEN_NS = 5 * NANOSECONDS
PULL_NS = 2 * NANOSECONDS

_ASKED = {
    BoltAction.LOCK: (BoltState.LOCKING, BoltState.LOCKED),
    BoltAction.UNLOCK: (BoltState.UNLOCKING, BoltState.UNLOCKED),
    BoltAction.PULL: (BoltState.PULLING, BoltState.PULLED),
}
"""What each action does to the bolt first, and where that ends."""
_MOVING = {BoltState.LOCKING, BoltState.UNLOCKING, BoltState.PULLING}


class Bolt:
    """One motor: a granted entry draws the bolt, and 5 s later it is thrown again; a request moves it for good."""

    def __init__(self) -> None:
        self.state = BoltState.LOCKED
        self._next_ns: int | None = None
        self._holds = False  # drawn for an entry, to be thrown again

    @property
    def wake_ns(self) -> int | None:
        """When the bolt wants to be stepped, None while it rests."""
        return self._next_ns

    def begins(self, action: BoltAction) -> BoltState | None:
        """Return where `action` would bring the bolt at once, or None while it moves."""
        if self.state in _MOVING:
            return None
        moving, there = _ASKED[action]
        return there if self.state is there else moving

    def operate(self, action: BoltAction, now_ns: int) -> None:
        """Start the motor for a request."""
        self._holds = False
        self.state, self._next_ns = _ASKED[action][0], now_ns + TRAVEL_NS

    def unlock(self, now_ns: int) -> None:
        """Draw the bolt for an entry, or keep it drawn for another 5 s."""
        if self.state is BoltState.UNLOCKED and self._holds:
            self._next_ns = now_ns + OPEN_NS
        elif self.state not in {BoltState.UNLOCKED, BoltState.UNLOCKING, BoltState.PULLED, BoltState.PULLING}:
            self._holds = True
            self.state, self._next_ns = BoltState.UNLOCKING, now_ns + TRAVEL_NS

    def step(self, now_ns: int) -> None:
        """Let every movement that has ended by now have ended."""
        while self._next_ns is not None and now_ns >= self._next_ns:
            self._arrive(self._next_ns)

    def _arrive(self, ended: int) -> None:
        match self.state:
            case BoltState.UNLOCKING:
                self.state, self._next_ns = BoltState.UNLOCKED, ended + OPEN_NS if self._holds else None
            case BoltState.UNLOCKED:
                self.state, self._next_ns = BoltState.LOCKING, ended + TRAVEL_NS
            case BoltState.PULLING:
                self.state, self._next_ns = BoltState.PULLED, ended + PULL_NS
            case BoltState.PULLED:
                self.state, self._next_ns = BoltState.UNLOCKED, None
            case _:
                self.state, self._next_ns = BoltState.LOCKED, None
