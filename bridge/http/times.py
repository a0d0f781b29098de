"""API times ↔ lock times: dates stay instants; of daily times only the lock's local time of day is kept.

What begins is rounded down and what ends is rounded up, so a pin never opens for less than was asked. What a lock
holds is told in times that become the same again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import count

from protocol.vocabulary import EVERY_DAY, LARGEST_TIME, MINUTES_A_DAY, Schedule, Weekdays, Window

LAST_DATE = datetime.fromtimestamp(LARGEST_TIME, UTC)
"""The last instant that a lock can hold: 2106-02-07T06:28:15Z."""

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

    It is ISO 8601 with date, time and offset (Z or ±hh:mm), in the years 1970 to 2106 (UTC). Seconds may be left
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
    if not 1970 <= instant.year <= 2106:
        return None
    return instant.replace(microsecond=1) if fraction.strip("0") else instant


def write_instant(instant: datetime) -> str:
    """Return `instant`, which is in UTC, as ISO 8601."""
    return instant.isoformat().replace("+00:00", "Z")


def to_schedule(times: ApiTimes, zone: tzinfo) -> Schedule:
    """Return what a lock in `zone` stores of `times`, no date of which is later than LAST_DATE.

    `protocol.schedule.check_schedule` judges it.
    """
    return Schedule(
        valid_from=_epoch(times.start_date, up=False) if times.start_date else 0,
        # an end in the first second of 1970 is long past, while 0 would mean that there is none
        valid_until=max(1, _epoch(times.end_date, up=True)) if times.end_date else 0,
        windows=_windows(times, zone),
    )


def from_schedule(schedule: Schedule, zone: tzinfo) -> ApiTimes:
    """Return times of which `to_schedule` makes this validity and the first of these windows.

    Daily times are told on the UTC date of the start, without one on 1970-01-01. Where summer time leaves out such a
    time on that date, it is told on the next date that has it.
    """
    start, end = (datetime.fromtimestamp(epoch, UTC) for epoch in (schedule.valid_from, schedule.valid_until))
    told = _told(schedule.windows[0], start.date(), zone) if schedule.windows else (None, None, None)
    day_start_time, day_end_time, week_days = told
    return ApiTimes(
        start_date=start if schedule.valid_from else None,
        end_date=end if schedule.valid_until else None,
        day_start_time=day_start_time,
        day_end_time=day_end_time,
        week_days=week_days,
    )


def is_daily(window: Window) -> bool:
    """Whether `window` has a time of day that `from_schedule` tells: it begins or ends within the day."""
    return window.start > 0 or window.end < MINUTES_A_DAY


def _told(window: Window, day: date, zone: tzinfo) -> tuple[datetime | None, datetime | None, Weekdays | None]:
    return (
        _at(window.start, day, zone) if window.start else None,
        _at(window.end, day, zone) if window.end < MINUTES_A_DAY else None,
        None if window.weekdays == EVERY_DAY and is_daily(window) else window.weekdays,
    )


def _at(minute: int, first: date, zone: tzinfo) -> datetime:
    """Return the instant in UTC at which it is `minute` of a day in `zone`, on the UTC date `first` or soon after."""
    shown = time(*divmod(minute, 60))
    days = (first + timedelta(number) for number in count())
    return next(instant for day in days for instant in _showing(shown, day, zone))


def _showing(shown: time, day: date, zone: tzinfo) -> Iterator[datetime]:
    """Yield each instant of the UTC date `day` at which clocks in `zone` show `shown`; at times there is none."""
    for local_day in (day + timedelta(near) for near in (-1, 0, 1)):
        instant = datetime.combine(local_day, shown, zone).astimezone(UTC)
        if instant.date() == day and instant.astimezone(zone).time() == shown:
            yield instant


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
