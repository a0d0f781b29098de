"""How often a bridge may have moved the bolt: each operation once or not at all, and as it was told."""

from protocol.vocabulary import BoltAction, BoltState
from tests.simulation.model import Violation

MOVING = (BoltState.LOCKING, BoltState.UNLOCKING, BoltState.PULLING)
"""What an answer tells of an operation that has started the motor; any other found the bolt where it was to be."""


class BoltCount:
    """The operations of one bridge beside the lock's records of them, whose number each method is given.

    An operation whose outcome was never told may be told of later, to the next one that asks for the same.
    """

    def __init__(self) -> None:
        self._known = 0
        self._asked = 0
        self._open: BoltAction | None = None
        self._untold: set[BoltAction] = set()

    def asked(self, action: BoltAction) -> None:
        """An operation is about to be asked for; that of the one before it is not known where nobody has said so."""
        if self._open is not None:
            self._untold.add(self._open)
        self._open = action
        self._asked += 1

    def refused(self) -> None:
        """The operation has not been done and will not be."""
        self._open = None
        self._asked -= 1

    def acknowledged(self, action: BoltAction, recorded: int, *, moved: bool) -> None:
        """The operation is done; nothing that was asked for before it can happen any more."""
        self.see(recorded)
        if moved and recorded == self._known and action not in self._untold:
            raise Violation("the bolt is said to move, and no record tells of it")
        self._open = None
        self._known, self._asked = recorded, 0

    def see(self, recorded: int) -> None:
        """Compare with the lock's records."""
        if recorded - self._known > self._asked:
            raise Violation("an operation of the bolt was done twice")
