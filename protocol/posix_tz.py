"""POSIX TZ rules, as in the footer of a TZif file (RFC 9636, 3.3): from UTC to local time in integers alone.

Seconds and days count from 1970-01-01 00:00 UTC and are signed; seconds need more than 32 bits. Divisions floor,
and a modulo is never negative.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from .errors import MalformedError

MAX_TZ_LENGTH = 64

_HOUR = 3600
_DAY = 86400
_MAX_OFFSET_HOURS = 24
_MAX_TIME_HOURS = 167
_DEFAULT_TIME = 2 * _HOUR
_DAYS_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365)

_NAME = "(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)"
_CLOCK = "[+-]?[0-9]{1,3}(?::[0-5][0-9]){0,2}"
_RULE_PATTERN = re.compile(
    f"{_NAME}(?P<standard>{_CLOCK})(?:{_NAME}(?P<daylight>{_CLOCK})?,(?P<start>[^,]+),(?P<end>[^,]+))?"
)
_CHANGE_PATTERN = re.compile(
    "(?:M(?P<month>[0-9]{1,2})[.](?P<week>[1-5])[.](?P<weekday>[0-6])|J(?P<julian>[0-9]{1,3})|(?P<zero>[0-9]{1,3}))"
    f"(?:/(?P<time>{_CLOCK}))?"
)


class DateForm(Enum):
    """The three ways to name a day of every year."""

    MONTH_WEEK_WEEKDAY = auto()  # Mm.w.d
    JULIAN = auto()  # Jn: 1 to 365, 29 February is never counted
    ZERO_BASED = auto()  # n: 0 to 365, 29 February is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """When the clocks change each year, by the local time in force until then.

    `day` is a weekday (0 = Sunday) with `month` 1 to 12 and `week` 1 to 5 (5 = the last), else the day of the
    year as its form counts it. `time` is in seconds after that day's midnight, up to a week before or behind.
    """

    form: DateForm
    day: int
    month: int = 0
    week: int = 0
    time: int = _DEFAULT_TIME

    def instant(self, year: int, offset: int) -> int:
        """Return the epoch second of the change of `year`, by a local time `offset` seconds east of UTC."""
        return self._date(year) * _DAY + self.time - offset

    def _date(self, year: int) -> int:
        match self.form:
            case DateForm.MONTH_WEEK_WEEKDAY:
                return self._weekday_of_month(year)
            case DateForm.JULIAN:
                return _new_year(year) + self.day - 1 + (_is_leap(year) and self.day >= 60)
            case DateForm.ZERO_BASED:
                return _new_year(year) + self.day

    def _weekday_of_month(self, year: int) -> int:
        first = _first_of_month(year, self.month)
        first_weekday = (first + 4) % 7  # 1970-01-01 was a Thursday
        date = first + (self.day - first_weekday) % 7 + 7 * (self.week - 1)
        return date if date < _first_of_month(year, self.month + 1) else date - 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Daylight:
    """The part of a rule that changes the clocks: `offset` seconds east of UTC from `start` to `end`."""

    offset: int
    start: Change
    end: Change

    def in_force(self, utc_epoch: int, standard: int) -> bool:
        """Return whether it holds at `utc_epoch`, beside a standard time `standard` seconds east of UTC.

        Each start is paired with the end of its own year, or of the next where that is no later (southern
        summers). An end at the very second of the next start leaves no standard time: daylight all year.
        """
        # 365-day years never lag behind the calendar; one more, as a change may fall into the year before.
        year = 1970 + utc_epoch // (365 * _DAY) + 1
        while (begun := self.start.instant(year, standard)) > utc_epoch:
            year -= 1
        while (ended := self.end.instant(year, self.offset)) <= begun:
            year += 1
        return utc_epoch < ended


@dataclass(frozen=True, slots=True, kw_only=True)
class TzRule:
    """The local time of a zone in every year: `standard` seconds east of UTC, and daylight time if any."""

    standard: int
    daylight: Daylight | None = None

    def offset_at(self, utc_epoch: int) -> int:
        """Return the seconds east of UTC at `utc_epoch`, a u32."""
        if self.daylight is not None and self.daylight.in_force(utc_epoch, self.standard):
            return self.daylight.offset
        return self.standard


def parse_tz(text: str) -> TzRule:
    """Return the rule that `text` states in at most 64 ASCII characters; raise MalformedError if it does not.

    Names are checked and forgotten. A rule with daylight time must give both dates: POSIX leaves the default
    to the system, and two that differ would open a door at different hours.
    """
    match = _RULE_PATTERN.fullmatch(text) if len(text) <= MAX_TZ_LENGTH else None
    if match is None:
        raise MalformedError("not a POSIX TZ rule")
    standard = _offset(match["standard"])
    if match["start"] is None:
        return TzRule(standard=standard)
    offset = standard + _HOUR if match["daylight"] is None else _offset(match["daylight"])
    daylight = Daylight(offset=offset, start=_change(match["start"]), end=_change(match["end"]))
    return TzRule(standard=standard, daylight=daylight)


def _offset(text: str) -> int:
    return -_seconds(text, _MAX_OFFSET_HOURS)  # POSIX counts west of Greenwich


def _change(text: str) -> Change:
    match = _CHANGE_PATTERN.fullmatch(text)
    if match is None:
        raise MalformedError("not a date of a POSIX TZ rule")
    time = _DEFAULT_TIME if match["time"] is None else _seconds(match["time"], _MAX_TIME_HOURS)
    if match["month"] is not None:
        month = _within(1, int(match["month"]), 12)
        week, weekday = int(match["week"]), int(match["weekday"])
        return Change(form=DateForm.MONTH_WEEK_WEEKDAY, month=month, week=week, day=weekday, time=time)
    if match["julian"] is not None:
        return Change(form=DateForm.JULIAN, day=_within(1, int(match["julian"]), 365), time=time)
    return Change(form=DateForm.ZERO_BASED, day=_within(0, int(match["zero"]), 365), time=time)


def _seconds(text: str, max_hours: int) -> int:
    hours, minutes, seconds, *_ = [int(part) for part in text.lstrip("+-").split(":")] + [0, 0]
    size = _within(0, hours, max_hours) * _HOUR + minutes * 60 + seconds
    return -size if text.startswith("-") else size


def _within(low: int, value: int, high: int) -> int:
    if not low <= value <= high:
        raise MalformedError("a number of a POSIX TZ rule is out of range")
    return value


def _new_year(year: int) -> int:
    before = year - 1
    return 365 * (year - 1970) + before // 4 - before // 100 + before // 400 - 477


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _first_of_month(year: int, month: int) -> int:
    return _new_year(year) + _DAYS_BEFORE_MONTH[month - 1] + (_is_leap(year) and month > 2)
