"""What stays as it is whether the lock has power or not: where the bolt stands, what blocks it, and the battery."""

from dataclasses import dataclass
from enum import Enum, auto


class Position(Enum):
    """Where the bolt stands."""

    THROWN = auto()
    DRAWN = auto()
    BETWEEN = auto()


@dataclass(slots=True, kw_only=True)
class Hardware:
    """The bolt, moved by the motor alone; `blocked` lets no movement finish.

    `battery` is in percent, or UNKNOWN_BATTERY.
    """

    position: Position = Position.THROWN
    blocked: bool = False
    battery: int = 100
