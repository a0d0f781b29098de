"""Moments at a lock: what its clock shows, in which zone, and what the keypad says then."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hil.hands import Entry, Hands
from hil.station import Session
from protocol.messages.clock import ClockSetRequest, ClockSetResponse
from protocol.vocabulary import PinEntry, Schedule, Weekdays, Window

DIGITS = "97531"
ZONES = {
    "UTC": "UTC0",
    "Europe/Warsaw": "CET-1CEST,M3.5.0,M10.5.0/3",
    "America/New_York": "EST5EDT,M3.2.0,M11.1.0",
    "Australia/Lord_Howe": "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    "Asia/Kolkata": "IST-5:30",
}
"""Zones and their rules (POSIX, as the footers of TZif have them)."""


def epoch(text: str, zone: str = "UTC") -> int:
    """Return the instant at which a wall clock in `zone` shows `text`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).timestamp())


async def show(session: Session, instant: int, zone: str = "UTC") -> None:
    """Set the lock's clock, which it then trusts."""
    request = ClockSetRequest(time=instant, force=True, zone=zone, rule=ZONES[zone])
    await session.told(request, ClockSetResponse)


def limited(*windows: Window, valid_from: int = 0, valid_until: int = 0, enabled: bool = True) -> PinEntry:
    """Return the pin with DIGITS and these limits."""
    schedule = Schedule(valid_from=valid_from, valid_until=valid_until, windows=windows)
    return PinEntry(digits=DIGITS, alias="guest", enabled=enabled, schedule=schedule)


def window(weekdays: int, start: str, end: str) -> Window:
    """Return a daily interval; weekdays are bits from Monday = 1."""
    return Window(weekdays=Weekdays(weekdays), start=_minute(start), end=_minute(end))


async def says(session: Session, keypad: Hands, instant: int, zone: str = "UTC") -> str:
    """Return what the keypad says to DIGITS at an instant: granted, or the denial's name."""
    await show(session, instant, zone)
    return verdict(await keypad.enter(DIGITS))


class _Untold(str):
    """A denial whose reason the keypad does not tell: it may be any."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other != "granted"

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def verdict(entry: Entry) -> str:
    """Return what an entry came to, as one word."""
    return "granted" if entry.granted else entry.denial or _Untold("denied")


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return 60 * int(hours) + int(minutes)
