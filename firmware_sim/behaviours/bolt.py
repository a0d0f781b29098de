"""The bolt: it takes time to travel, and locks again by itself (SPEC 8.3)."""

from protocol.vocabulary import BoltState

from ..clock import NANOSECONDS

TRAVEL_NS = NANOSECONDS * 6 // 10
OPEN_NS = 5 * NANOSECONDS


class Bolt:
    """One motor: a granted entry draws the bolt, and 5 s later it is thrown again."""

    def __init__(self) -> None:
        self.state = BoltState.LOCKED
        self._next_ns: int | None = None

    @property
    def wake_ns(self) -> int | None:
        """When the bolt wants to be stepped, None while it rests."""
        return self._next_ns

    def unlock(self, now_ns: int) -> None:
        """Draw the bolt, or keep it drawn for another 5 s."""
        if self.state is BoltState.UNLOCKED:
            self._next_ns = now_ns + OPEN_NS
        elif self.state is not BoltState.UNLOCKING:
            self.state, self._next_ns = BoltState.UNLOCKING, now_ns + TRAVEL_NS

    def step(self, now_ns: int) -> None:
        """Let every movement that has ended by now have ended."""
        while self._next_ns is not None and now_ns >= self._next_ns:
            ended = self._next_ns
            if self.state is BoltState.UNLOCKING:
                self.state, self._next_ns = BoltState.UNLOCKED, ended + OPEN_NS
            elif self.state is BoltState.UNLOCKED:
                self.state, self._next_ns = BoltState.LOCKING, ended + TRAVEL_NS
            else:
                self.state, self._next_ns = BoltState.LOCKED, None
