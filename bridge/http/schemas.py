"""The create body as a pin entry: every broken field is told at once, by its name and rule, never by its value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from bridge.zones import UNKNOWN_HERE, find_zone
from protocol.pin_rules import check_alias, check_digits, sentence
from protocol.schedule import check_schedule
from protocol.vocabulary import EVERY_DAY, PinEntry, Rule, Schedule, Weekdays

from .problems import ApiError
from .times import ApiTimes, read_instant, to_schedule

T = TypeVar("T")

_NAMES = {
    name.lower(): name for name in ("alias", "pin", "startDate", "endDate", "dayStartTime", "dayEndTime", "weekDays")
}
_NO_TEXT = "must be a JSON string."
_NO_INSTANT = "must be a string such as 2026-07-01T08:00:00Z, with an offset, in the years 1970 to 2105; or null."
_NO_WEEKDAYS = "must be a whole number from 1 to 127, the sum of Monday = 1 to Sunday = 64; or null."


def create_entry(document: Mapping[str, object], zone_name: str) -> PinEntry:
    """Return the pin that a create body asks for, with daily times in the lock's zone `zone_name`.

    Names are read in any case, as the API that is spoken here reads them, lest a limit that is spelt otherwise make a
    pin without one. Unknown fields are ignored: clients in the field send more. Raises ApiError(400) for broken rules,
    and ApiError(428) where a daily time meets a zone that this host does not know.
    """
    fields = _Fields(_as_documented(document))
    alias = fields.text("alias", check_alias)
    digits = fields.text("pin", check_digits)
    times = fields.times()
    fields.refuse_broken()
    schedule = _schedule(times, zone_name)
    return PinEntry(digits=digits, alias=alias, schedule=schedule)


def _as_documented(document: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in document.items():
        documented = _NAMES.get(name.lower(), name)
        if documented in found:
            raise ApiError(400, f"{documented}: is there twice.")
        found[documented] = value
    return found


def _schedule(times: ApiTimes, zone_name: str) -> Schedule:
    zone = find_zone(zone_name) if times.daily else UTC
    if zone is None:
        raise ApiError(428, UNKNOWN_HERE)
    schedule = to_schedule(times, zone)
    rule = check_schedule(schedule)
    if rule is not None:
        names = "startDate, endDate" if rule is Rule.VALIDITY_ORDER else "dayStartTime, dayEndTime"
        raise ApiError(400, f"{names}: {sentence(rule)}")
    return schedule


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of one body as they are read, and what is wrong with them; a broken one reads as nothing."""

    document: Mapping[str, object] = field(repr=False)
    problems: list[str] = field(default_factory=list)

    def text(self, name: str, check: Callable[[str], Rule | None]) -> str:
        value = self.document.get(name)
        if not isinstance(value, str):
            self.problems.append(f"{name}: {_NO_TEXT}")
            return ""
        rule = check(value)
        if rule is not None:
            self.problems.append(f"{name}: {sentence(rule)}")
        return value

    def times(self) -> ApiTimes:
        return ApiTimes(
            start_date=self._optional("startDate", _instant, _NO_INSTANT),
            end_date=self._optional("endDate", _instant, _NO_INSTANT),
            day_start_time=self._optional("dayStartTime", _instant, _NO_INSTANT),
            day_end_time=self._optional("dayEndTime", _instant, _NO_INSTANT),
            week_days=self._optional("weekDays", _weekdays, _NO_WEEKDAYS),
        )

    def refuse_broken(self) -> None:
        if self.problems:
            raise ApiError(400, *self.problems)

    def _optional(self, name: str, read: Callable[[object], T | None], why: str) -> T | None:
        value = self.document.get(name)
        if value is None:
            return None
        result = read(value)
        if result is None:
            self.problems.append(f"{name}: {why}")
        return result


def _instant(value: object) -> datetime | None:
    return read_instant(value) if isinstance(value, str) else None


def _weekdays(value: object) -> Weekdays | None:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= EVERY_DAY:
        return Weekdays(value)
    return None
