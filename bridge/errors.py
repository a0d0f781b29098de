"""The bridge's exceptions. Each carries one sentence for people: what failed, the probable cause, what to do next.

BridgeError
├── UsageError(ValueError)        the caller asked for something that makes no sense
│   ├── RuleBroken                a rule of a pin or a schedule; carries which one
│   └── KeyReused                 an idempotency key that belongs to another request
├── NotRegistered(LookupError)    no such lock or token in the registry
├── AlreadyRegistered             the name or number is taken
├── UnsafeState(PermissionError)  keys or database that others may read or write
├── DamagedState                  keys or database that cannot be read or used
├── NotPaired                     the lock is registered, but no pairing holds
├── PairingRefused                the lock refused to pair: wrong label or closed window
├── VersionMismatch               the lock and this bridge share no protocol version, or a lower one than before
├── ZoneChanged                   the lock's zone is not the registry's any more; carries the new one
├── Refused                       the lock answered no; carries the status
├── LockHeld                      another process owns this lock
├── LockBusy                      another change is under way at this lock
├── Unreachable(ConnectionError)  nothing answers at the target, or not in time; carries why it cannot be opened
├── LinkLost(ConnectionError)     the link broke in mid-request; from the engine: after a change was sent
└── AckTimeout(TimeoutError)      no acknowledgement of a change in time: the outcome is unknown
    ├── OutcomeLost               nobody can learn any more what became of a change
    └── BoltUnknown               a bolt may have been moved, and a repetition would move it again
"""

import re
from enum import StrEnum

from protocol.vocabulary import Rule, Status

_DIGITS = re.compile(r"\d{5,}")


def quoted(text: str) -> str:
    """Return what somebody typed as a sentence may repeat it: without what could be the digits of a pin."""
    return repr(_DIGITS.sub("•", text))


class BridgeError(Exception):
    """Any failure that the bridge reports to a person."""


class UsageError(BridgeError, ValueError):
    """The caller asked for something that makes no sense."""


class RuleBroken(UsageError):
    """A pin or a schedule that no lock may hold."""

    def __init__(self, rule: Rule, sentence: str) -> None:
        super().__init__(sentence)
        self.rule = rule


class KeyReused(UsageError):
    """The idempotency key has been used for another request."""


class NotRegistered(BridgeError, LookupError):
    """No such lock or token in the registry."""


class AlreadyRegistered(BridgeError):
    """The name or the number is taken by another lock."""


class UnsafeState(BridgeError, PermissionError):
    """Keys or database that somebody else may read or write."""


class DamagedState(BridgeError):
    """Keys or database that cannot be read or used."""


class NotPaired(BridgeError):
    """The lock is registered, but no pairing holds."""


class PairingRefused(BridgeError):
    """The lock refused to pair; it never says whether the label or the window was wrong."""


class VersionMismatch(BridgeError):
    """The lock and this bridge share no protocol version, or a lower one than they did before."""


class ZoneChanged(BridgeError):
    """The lock's zone is not the registry's any more: another bridge has set it. Nothing was asked of the lock."""

    def __init__(self, zone: str) -> None:
        super().__init__(
            f"Another bridge has changed the lock's zone to {zone}, in which its hours are meant now. "
            "The registry knows it from now on: look at the hours, and try again."
        )
        self.zone = zone


class Refused(BridgeError):
    """The lock answered no."""

    def __init__(self, status: Status, rule: Rule | None, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.rule = rule


class LockHeld(BridgeError):
    """Another process owns this lock."""


class LockBusy(BridgeError):
    """Another change is under way at this lock."""


class Obstacle(StrEnum):
    """Why a port or an address cannot be opened."""

    MISSING = "missing"  # there is no such port
    FORBIDDEN = "forbidden"  # it is somebody else's
    BUSY = "busy"  # another program has it open
    OTHER = "other"


class Unreachable(BridgeError, ConnectionError):
    """Nothing answers at the target; `obstacle` is None where it could be opened."""

    def __init__(self, *sentence: str, obstacle: Obstacle | None = None) -> None:
        super().__init__(*sentence)
        self.obstacle = obstacle


class LinkLost(BridgeError, ConnectionError):
    """The link broke in mid-request."""


class AckTimeout(BridgeError, TimeoutError):
    """No acknowledgement in time: the outcome is unknown until the lock is asked."""


class OutcomeLost(AckTimeout):
    """Nobody can learn any more what became of a change."""

    def __init__(self) -> None:
        super().__init__(
            "What became of this change can no longer be learned: the lock has done another since, or was reset. "
            "Look at the lock before you ask anew."
        )


class BoltUnknown(AckTimeout):
    """No acknowledgement of a bolt operation in time; the same request without a key would move the bolt again."""
