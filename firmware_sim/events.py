"""What happens to the lock, and what it wants done: plain values, so that a run can be recorded and repeated."""

from dataclasses import dataclass, field

from protocol.framing import Frame

from .keypad import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOpened:
    """A bridge is at the other end; a `connection` (TCP, BLE) can be closed by the lock, a wire cannot."""

    link: int
    connection: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkClosed:
    """The other end is gone."""

    link: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReset:
    """The bridge at the other end begins anew (SPEC 9.3): whatever the link has led to is forgotten."""

    link: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameArrived:
    """A whole frame, and the random bytes (links.ENTROPY) that answering it may cost."""

    link: int
    frame: Frame
    entropy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitsEntered:
    """Somebody typed at the keypad."""

    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonHeld:
    """Somebody held the button inside the door for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMoved:
    """The real-time clock shows another time from now on (epoch seconds UTC), or has lost it (None)."""

    epoch: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockDrifted:
    """The real-time clock's oscillator gains so many parts per million from now on, or loses them (below 0)."""

    ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Busied:
    """Something else keeps the lock busy for so many seconds: it answers BUSY."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """The time that the lock asked for has come."""


Event = (
    LinkOpened
    | LinkClosed
    | LinkReset
    | FrameArrived
    | DigitsEntered
    | ButtonHeld
    | ClockMoved
    | ClockDrifted
    | Busied
    | Woken
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFrame:
    """Put a frame on a link."""

    link: int
    frame: Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseLink:
    """End a connection."""

    link: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The keypad's lamp: green or red, and why."""

    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAnew:
    """The lock was reset: end every link and start the firmware again, without touching the bolt."""


Action = SendFrame | CloseLink | Decided | StartAnew
