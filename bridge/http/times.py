"""API times to lock times: dates stay instants; of daily times only the lock's local time of day is kept.

What begins is rounded down and what ends is rounded up, so a pin never opens for less than was asked.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from protocol.vocabulary import EVERY_DAY, MINUTES_A_DAY, Schedule, Weekdays, Window

# date and time to the minute, seconds, their fraction, offset
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(?:(:\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTimes:
    """The five fields of the API that limit a pin in time: instants as `read_instant` returns them, or None."""

    start_date: datetime | None = None
    end_date: datetime | None = None
    day_start_time: datetime | None = None
    day_end_time: datetime | None = None
    week_days: Weekdays | None = None

    @property
    def daily(self) -> bool:
        """Whether they have a time of day, which means nothing without the lock's zone."""
        return self.day_start_time is not None or self.day_end_time is not None


def read_instant(text: str) -> datetime | None:
    """Return the instant in UTC that `text` says, or None where it says none.

    It is ISO 8601 with date, time and offset (Z or ±hh:mm), in the years 1970 to 2105 (UTC). Seconds may be left
    out; their fraction may have any length, and any fraction but zero is returned as one microsecond.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    to_minute, seconds, fraction, offset = match.groups(default="")
    try:
        instant = datetime.fromisoformat(to_minute + seconds + offset).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if not 1970 <= instant.year <= 2105:
        return None
    return instant.replace(microsecond=1) if fraction.strip("0") else instant


def to_schedule(times: ApiTimes, zone: tzinfo) -> Schedule:
    """Return what a lock in `zone` stores of `times`; `protocol.schedule.check_schedule` judges it."""
    return Schedule(
        valid_from=_epoch(times.start_date, up=False) if times.start_date else 0,
        # an end in the first second of 1970 is long past, while 0 would mean that there is none
        valid_until=max(1, _epoch(times.end_date, up=True)) if times.end_date else 0,
        windows=_windows(times, zone),
    )


def _windows(times: ApiTimes, zone: tzinfo) -> tuple[Window, ...]:
    if not times.daily and times.week_days is None:
        return ()
    start = _minute(times.day_start_time, zone, up=False) if times.day_start_time else 0
    end = _minute(times.day_end_time, zone, up=True) if times.day_end_time else MINUTES_A_DAY
    weekdays = EVERY_DAY if times.week_days is None else times.week_days
    return (Window(weekdays=weekdays, start=start, end=end or MINUTES_A_DAY),)


def _epoch(instant: datetime, *, up: bool) -> int:
    """Return whole seconds since 1970-01-01T00:00Z."""
    return int(instant.replace(microsecond=0).timestamp()) + (up and instant.microsecond > 0)


def _minute(instant: datetime, zone: tzinfo, *, up: bool) -> int:
    """Return the minute of the local day, 0 to 1440."""
    local = instant.astimezone(zone)
    begun = local.second > 0 or local.microsecond > 0
    return 60 * local.hour + local.minute + (up and begun)
