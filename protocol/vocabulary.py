"""The words of the protocol: enumerations and records that both sides share, as SPEC.md numbers them."""

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag


class Status(IntEnum):
    """The result of a request (SPEC 6.3)."""

    OK = 0
    BUSY = 1
    FULL = 2
    EXISTS = 3
    NOT_FOUND = 4
    INVALID = 5
    STALE = 6
    CHANGED = 7
    STORAGE = 8
    CLOCK_UNTRUSTED = 9
    DENIED = 10
    UNSUPPORTED = 11
    CONFLICT = 12


class Rule(IntEnum):
    """Which rule a request broke, beside Status.INVALID (SPEC 6.4)."""

    MALFORMED = 1
    DIGITS_LENGTH = 2
    DIGITS_DECIMAL = 3
    DIGITS_VARIETY = 4
    DIGITS_SEQUENCE = 5
    ALIAS_LENGTH = 6
    ALIAS_CONTROL = 7
    VALIDITY_ORDER = 8
    WINDOW_COUNT = 9
    WINDOW_WEEKDAYS = 10
    WINDOW_TIMES = 11
    CLOCK_TIME = 12
    CLOCK_STEP_BACK = 13
    ZONE_NAME = 14
    ZONE_RULE = 15


class Weekdays(IntFlag):
    """Days of the week as bits (SPEC 5.2): Monday is 1, Sunday is 64, bit 7 is reserved."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 4
    THURSDAY = 8
    FRIDAY = 16
    SATURDAY = 32
    SUNDAY = 64


EVERY_DAY = Weekdays(127)
MINUTES_A_DAY = 1440
MAX_WINDOWS = 4
LARGEST_PIN_ID = 0xFFFF
LARGEST_TIME = 0xFFFF_FFFF
"""Epoch seconds UTC, 2106-02-07T06:28:15Z: no field for a time holds a later one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A daily interval [start, end) in minutes of the lock's local day (SPEC 5.2).

    `start` is 0…1439 and `end` 1…1440; `start > end` crosses midnight and belongs to the weekday on which it
    begins.
    """

    weekdays: Weekdays
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a pin opens (SPEC 5.1): validity [valid_from, valid_until) in epoch seconds UTC, 0 = open; windows."""

    valid_from: int = 0
    valid_until: int = 0
    windows: tuple[Window, ...] = ()

    @property
    def always(self) -> bool:
        """Whether no time limits the pin."""
        return not (self.valid_from or self.valid_until or self.windows)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinEntry:
    """What a caller says of a pin (SPEC 5.1): everything but the id, which the lock gives.

    `digits` is 5 to 8 ASCII digits and never shows in a repr; `alias` is 1 to 32 bytes of UTF-8.
    """

    digits: str = field(repr=False)
    alias: str
    enabled: bool = True
    schedule: Schedule = Schedule()


@dataclass(frozen=True, slots=True, kw_only=True)
class PinSummary:
    """What a list tells of a pin (SPEC 5.3): no digits."""

    id: int
    alias: str
    enabled: bool
    schedule: Schedule


class ClockState(IntEnum):
    """Whether the lock can prove what time it is (SPEC 5.4)."""

    UNTRUSTED = 0
    TRUSTED = 1


class BoltState(IntEnum):
    """Where the bolt is (SPEC 5.5)."""

    UNKNOWN = 0
    LOCKED = 1
    UNLOCKED = 2
    LOCKING = 3
    UNLOCKING = 4
    PULLED = 5
    PULLING = 6


class BoltAction(IntEnum):
    """What a bridge asks of the bolt (SPEC 5.5)."""

    LOCK = 1
    UNLOCK = 2
    PULL = 3


class DoorState(IntEnum):
    """What the door contact says (SPEC 5.5)."""

    UNKNOWN = 0
    OPEN = 1
    CLOSED = 2


class Capability(IntFlag):
    """What a lock can do beyond the basic profile (SPEC 7.1)."""

    SCHEDULE = 1
    CLOCK = 2
    BOLT = 4
    DOOR_CONTACT = 8
    BATTERY_LEVEL = 16
    LATCH = 32


class Denial(IntEnum):
    """Why an entry at the keypad did not open (SPEC 8.2)."""

    MALFORMED = 1
    UNKNOWN = 2
    DISABLED = 3
    CLOCK_UNTRUSTED = 4
    NOT_YET_VALID = 5
    EXPIRED = 6
    WRONG_WEEKDAY = 7
    OUTSIDE_WINDOW = 8
    LOCKED_OUT = 9


class AuditEvent(IntEnum):
    """What happened at the lock (SPEC 5.6)."""

    POWER_ON = 1
    ENTRY_GRANTED = 2
    ENTRY_DENIED = 3
    LOCKED_OUT = 4
    LOCK = 5
    UNLOCK = 6
    PULL = 7
    JAM = 8
    PIN_CREATED = 9
    PIN_UPDATED = 10
    PIN_DELETED = 11
    PINS_CLEARED = 12
    PIN_EXPIRED = 13
    CLOCK_SET = 14
    CLOCK_LOST = 15
    BATTERY_LOW = 16
    PEER_ADDED = 17
    PEER_REMOVED = 18
    PAIRING_OPENED = 19
    RESET = 20


class Cause(IntEnum):
    """Who or what made it happen (SPEC 5.6)."""

    NONE = 0
    KEYPAD = 1
    REQUEST = 2
    AUTOMATIC = 3
    BUTTON = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One line of what happened at the lock (SPEC 5.6); it names pins by id and never holds digits.

    `time` is what the clock showed, in epoch seconds UTC, and `clock` whether the lock believed it. `pin_id` and
    `peer_id` are 0 where none had a part in it.
    """

    sequence: int
    time: int
    clock: ClockState
    event: AuditEvent
    cause: Cause = Cause.NONE
    detail: int = 0
    pin_id: int = 0
    peer_id: int = 0
