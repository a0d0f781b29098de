"""When a pin opens: every window is judged in the lock's local time, every validity in UTC."""

from dataclasses import dataclass

from .posix_tz import TzRule
from .vocabulary import EVERY_DAY, MAX_WINDOWS, MINUTES_A_DAY, Denial, Rule, Schedule, Weekdays, Window

_SECONDS_A_DAY = 60 * MINUTES_A_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTime:
    """What the wall clock at the lock shows: one weekday's bit, and `minute` 0 to 1439 of that day."""

    weekday_bit: Weekdays
    minute: int


def local_time(utc_epoch: int, rule: TzRule) -> LocalTime:
    """Return the local time at `utc_epoch`, in seconds UTC."""
    day, second = divmod(utc_epoch + rule.offset_at(utc_epoch), _SECONDS_A_DAY)
    weekday = (day + 3) % 7  # from Monday = 0; 1970-01-01 was a Thursday
    return LocalTime(weekday_bit=Weekdays(1 << weekday), minute=second // 60)


def check_schedule(schedule: Schedule) -> Rule | None:
    """Return the first rule that `schedule` breaks: of its validity, its number of windows, then each window.

    A validity that has passed breaks none, nor do windows that overlap.
    """
    if schedule.valid_until and schedule.valid_from >= schedule.valid_until:
        return Rule.VALIDITY_ORDER
    if len(schedule.windows) > MAX_WINDOWS:
        return Rule.WINDOW_COUNT
    return next(filter(None, map(_check_window, schedule.windows)), None)


def window_open(window: Window, local: LocalTime) -> bool:
    """Return whether `window` is open at `local`: its start is inside, its end is not.

    A window with `start > end` crosses midnight and belongs to the weekday on which it began: the part after
    midnight is open when yesterday's bit is set.
    """
    if window.start < window.end:
        return _begins_today(window, local) and window.start <= local.minute < window.end
    evening = _begins_today(window, local) and local.minute >= window.start
    return evening or (_began_yesterday(window, local) and local.minute < window.end)


def judge(schedule: Schedule, *, now: int, trusted: bool, rule: TzRule) -> Denial | None:
    """Return why a pin with `schedule` does not open at `now` (epoch seconds UTC), or None when it opens.

    A pin without any limit in time always opens. Any other is judged in this order: CLOCK_UNTRUSTED,
    NOT_YET_VALID, EXPIRED, then the windows, of which one open window is enough. With none open it is
    OUTSIDE_WINDOW when some window has minutes on this local day, passed or still to come: it begins today,
    or it crosses midnight and began yesterday. It is WRONG_WEEKDAY when no window has.
    """
    if schedule.always:
        return None
    if not trusted:
        return Denial.CLOCK_UNTRUSTED
    if now < schedule.valid_from:
        return Denial.NOT_YET_VALID
    if schedule.valid_until and now >= schedule.valid_until:
        return Denial.EXPIRED
    return _judge_windows(schedule.windows, local_time(now, rule))


def _judge_windows(windows: tuple[Window, ...], local: LocalTime) -> Denial | None:
    if not windows or any(window_open(window, local) for window in windows):
        return None
    if any(_begins_today(window, local) or _began_yesterday(window, local) for window in windows):
        return Denial.OUTSIDE_WINDOW
    return Denial.WRONG_WEEKDAY


def _check_window(window: Window) -> Rule | None:
    if not 1 <= window.weekdays <= EVERY_DAY:
        return Rule.WINDOW_WEEKDAYS
    in_day = 0 <= window.start < MINUTES_A_DAY and 1 <= window.end <= MINUTES_A_DAY
    return None if in_day and window.start != window.end else Rule.WINDOW_TIMES


def _begins_today(window: Window, local: LocalTime) -> bool:
    return bool(window.weekdays & local.weekday_bit)


def _began_yesterday(window: Window, local: LocalTime) -> bool:
    """Return whether a window that crosses midnight began on the day before `local`."""
    yesterday = local.weekday_bit >> 1 or Weekdays.SUNDAY
    return window.start > window.end and bool(window.weekdays & yesterday)
