"""A pin's body as a pin entry: every broken field is told at once, by its name and rule, never by its value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import TypeVar

from bridge.zones import UNKNOWN_HERE, find_zone
from protocol.pin_rules import check_alias, check_digits, sentence
from protocol.schedule import check_schedule
from protocol.vocabulary import PinEntry, Rule, Schedule, Window

from .problems import MISSING, ApiError
from .times import LAST_DATE, ApiTimes, read_instant, to_schedule
from .windows import read_weekdays, read_windows

T = TypeVar("T")

FIRST_WINDOW = ("dayStartTime", "dayEndTime", "weekDays")
"""The fields that are one window, or, of a pin that has several, the first."""

_NAMES = {name.lower(): name for name in ("alias", "pin", "startDate", "endDate", *FIRST_WINDOW, "enabled", "windows")}
_NO_TEXT = "must be a JSON string."
_NO_DATE = "must be a string such as 2026-07-01T08:00:00Z, with an offset, from 1970 to 2106-02-07T06:28:15Z; or null."
_NO_TIME = "must be a string such as 2026-07-01T08:00:00Z, with an offset, in the years 1970 to 2106; or null."
_NO_WEEKDAYS = "must be a whole number from 1 to 127, the sum of Monday = 1 to Sunday = 64; or null."
_NO_BOOLEAN = "must be true or false; or null."
_NO_WINDOWS = 'must be a list such as [{"weekDays": 31, "start": "22:00", "end": "06:00"}], weekDays 1 to 127; or null.'
_TWO_WINDOWS = f"windows: must begin with the window that {', '.join(FIRST_WINDOW)} describe; or leave these out."


def pin_entry(document: Mapping[str, object], zone_name: str) -> PinEntry:
    """Return the pin that a body asks for, with daily times in the lock's zone `zone_name`.

    Names are read in any case, as the API that is spoken here reads them, lest a limit that is spelt otherwise make a
    pin without one. Unknown fields are ignored: clients in the field send more. Raises ApiError(400) for broken rules,
    and ApiError(428) where a daily time meets a zone that this host does not know.
    """
    fields = _Fields(_as_documented(document))
    alias = fields.text("alias", check_alias)
    digits = fields.text("pin", check_digits)
    times = fields.times()
    enabled = fields.optional("enabled", _boolean, _NO_BOOLEAN)
    windows = fields.optional("windows", read_windows, _NO_WINDOWS)
    fields.refuse_broken()
    schedule = _schedule(times, windows, zone_name)
    return PinEntry(digits=digits, alias=alias, enabled=enabled is not False, schedule=schedule)


def lock_zone(zone_name: str, *, needed: bool) -> tzinfo:
    """Return the lock's zone, or UTC where none is needed; raise ApiError(428) where this host does not know it."""
    zone = find_zone(zone_name) if needed else UTC
    if zone is None:
        raise ApiError(428, UNKNOWN_HERE)
    return zone


def _as_documented(document: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in document.items():
        documented = _NAMES.get(name.lower(), name)
        if documented in found:
            raise ApiError(400, f"{documented}: is there twice.")
        found[documented] = value
    return found


def _schedule(times: ApiTimes, windows: tuple[Window, ...] | None, zone_name: str) -> Schedule:
    schedule = to_schedule(times, lock_zone(zone_name, needed=times.daily))
    if windows is not None:
        if schedule.windows and schedule.windows != windows[:1]:
            raise ApiError(400, _TWO_WINDOWS)
        schedule = replace(schedule, windows=windows)
    if rule := check_schedule(schedule):
        daily = "dayStartTime, dayEndTime" if windows is None else "windows"
        raise ApiError(400, f"{'startDate, endDate' if rule is Rule.VALIDITY_ORDER else daily}: {sentence(rule)}")
    return schedule


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of one body as they are read, and what is wrong with them; a broken one reads as nothing."""

    document: Mapping[str, object] = field(repr=False)
    problems: list[str] = field(default_factory=list)

    def text(self, name: str, check: Callable[[str], Rule | None]) -> str:
        if name not in self.document:
            self.problems.append(f"{name}: {MISSING}")
            return ""
        value = self.document[name]
        if not isinstance(value, str):
            self.problems.append(f"{name}: {_NO_TEXT}")
            return ""
        rule = check(value)
        if rule is not None:
            self.problems.append(f"{name}: {sentence(rule)}")
        return value

    def times(self) -> ApiTimes:
        return ApiTimes(
            start_date=self.optional("startDate", _date, _NO_DATE),
            end_date=self.optional("endDate", _date, _NO_DATE),
            day_start_time=self.optional("dayStartTime", _instant, _NO_TIME),
            day_end_time=self.optional("dayEndTime", _instant, _NO_TIME),
            week_days=self.optional("weekDays", read_weekdays, _NO_WEEKDAYS),
        )

    def refuse_broken(self) -> None:
        if self.problems:
            raise ApiError(400, *self.problems)

    def optional(self, name: str, read: Callable[[object], T | None], why: str) -> T | None:
        value = self.document.get(name)
        if value is None:
            return None
        result = read(value)
        if result is None:
            self.problems.append(f"{name}: {why}")
        return result


def _instant(value: object) -> datetime | None:
    return read_instant(value) if isinstance(value, str) else None


def _date(value: object) -> datetime | None:
    instant = _instant(value)
    return instant if instant is not None and instant <= LAST_DATE else None


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
