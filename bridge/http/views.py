"""Pins as the API shows them: the vendor's fields, and beside them what the vendor's locks do not have."""

from datetime import datetime

from protocol.vocabulary import PinEntry, PinSummary

from .numbers import LIST_VERSION
from .schemas import lock_zone
from .times import from_schedule, is_daily, write_instant
from .windows import write_windows


def pin_view(pin_id: int, entry: PinEntry, zone_name: str, *, shows_digits: bool) -> dict[str, object]:
    """Return one pin of a lock in the zone `zone_name`, of which `schemas.pin_entry` makes the same pin again.

    Raises ApiError(428) where a daily time meets a zone that this host does not know.
    """
    schedule = entry.schedule
    times = from_schedule(schedule, lock_zone(zone_name, needed=any(map(is_daily, schedule.windows[:1]))))
    return {
        "id": pin_id,
        "alias": entry.alias,
        "pin": entry.digits if shows_digits else None,
        "startDate": _optional(times.start_date),
        "endDate": _optional(times.end_date),
        "dayStartTime": _optional(times.day_start_time),
        "dayEndTime": _optional(times.day_end_time),
        "weekDays": None if times.week_days is None else int(times.week_days),
        "enabled": entry.enabled,
        "windows": write_windows(schedule.windows),
    }


def pins_view(list_version: int, pins: tuple[PinSummary, ...]) -> dict[str, object]:
    """Return all pins of one list version."""
    return {LIST_VERSION: list_version, "pins": [{"id": pin.id, "alias": pin.alias} for pin in pins]}


def _optional(instant: datetime | None) -> str | None:
    return None if instant is None else write_instant(instant)
