"""Why a pin opens or not, in one sentence of the facts that were judged; never with its digits."""

from datetime import UTC, datetime

from protocol.posix_tz import TzRule
from protocol.vocabulary import EVERY_DAY, Denial, Schedule, Weekdays, Window

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def explain(pin_id: int, schedule: Schedule, denial: Denial | None, *, epoch: int, rule: TzRule, zone: str) -> str:
    """Return the sentence for a pin that was judged at `epoch`, in the zone called `zone`."""
    if denial is Denial.DISABLED:
        return f"pin {pin_id} is disabled"
    if denial is Denial.CLOCK_UNTRUSTED:
        return f"pin {pin_id} is limited in time, and the lock does not trust its clock"
    if schedule.always:
        return f"pin {pin_id} opens at any time"
    now = _shown(epoch, rule)
    return f"pin {pin_id} {_limit(schedule, denial, rule)}; at the lock it is {now} ({zone})"


def _limit(schedule: Schedule, denial: Denial | None, rule: TzRule) -> str:
    if denial is Denial.NOT_YET_VALID:
        return f"is valid from {_shown(schedule.valid_from, rule)}"
    if denial is Denial.EXPIRED:
        return f"was valid until {_shown(schedule.valid_until, rule)}"
    if schedule.windows:
        return "opens " + " and ".join(map(_window, schedule.windows))
    until = f" until {_shown(schedule.valid_until, rule)}" if schedule.valid_until else ""
    since = f" from {_shown(schedule.valid_from, rule)}" if schedule.valid_from else ""
    return f"is valid{since}{until}"


def _shown(epoch: int, rule: TzRule) -> str:
    local = datetime.fromtimestamp(epoch + rule.offset_at(epoch), UTC)
    return f"{_DAYS[local.weekday()]} {local:%Y-%m-%d %H:%M}"


def _window(window: Window) -> str:
    return f"{_weekdays(window.weekdays)} {_minute(window.start)}–{_minute(window.end)}"


def _weekdays(weekdays: Weekdays) -> str:
    if weekdays == EVERY_DAY:
        return "every day"
    days = [day for day in range(7) if weekdays >> day & 1]
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{_DAYS[days[0]][:3]}–{_DAYS[days[-1]][:3]}"
    return ", ".join(_DAYS[day][:3] for day in days)


def _minute(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
