"""When a pin opens, by zoneinfo and calendar dates: shares no code and no arithmetic with protocol/schedule.py."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from protocol.vocabulary import Denial, Schedule, Window

WEEKDAY_BITS = (1, 2, 4, 8, 16, 32, 64)
ONE_DAY = timedelta(days=1)


def expected_denial(schedule: Schedule, now: int, zone: ZoneInfo, *, trusted: bool = True) -> Denial | None:
    """Return why a pin with `schedule` does not open at epoch second `now` in `zone`, or None when it opens."""
    if schedule == Schedule():
        return None
    if not trusted:
        return Denial.CLOCK_UNTRUSTED
    if schedule.valid_from and now < schedule.valid_from:
        return Denial.NOT_YET_VALID
    if schedule.valid_until and now >= schedule.valid_until:
        return Denial.EXPIRED
    return _denial_of_windows(schedule.windows, datetime.fromtimestamp(now, zone).replace(tzinfo=None))


def _denial_of_windows(windows: tuple[Window, ...], wall: datetime) -> Denial | None:
    today = datetime.combine(wall, time())
    nearby = [span for window in windows for span in _spans(window, (today - ONE_DAY, today))]
    if not windows or any(begin <= wall < end for begin, end in nearby):
        return None
    some_today = any(begin < today + ONE_DAY and end > today for begin, end in nearby)
    return Denial.OUTSIDE_WINDOW if some_today else Denial.WRONG_WEEKDAY


def _spans(window: Window, days: Iterable[datetime]) -> Iterable[tuple[datetime, datetime]]:
    """The wall times from and until which `window` is open, for each of `days` (midnights) on which it begins."""
    for day in days:
        if window.weekdays & WEEKDAY_BITS[day.weekday()]:
            overnight = ONE_DAY if window.end < window.start else timedelta()
            yield day + timedelta(minutes=window.start), day + timedelta(minutes=window.end) + overnight
