"""The field `windows`: all windows of a pin as the lock's wall clock shows them, so that no date bends them."""

import re

from protocol.vocabulary import EVERY_DAY, Weekdays, Window

_NAMES = {"weekDays", "start", "end"}
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)", re.ASCII)


def write_windows(windows: tuple[Window, ...]) -> list[dict[str, object]]:
    """Return `windows` as the API shows them; the end of a day is 24:00."""
    return [
        {"weekDays": int(window.weekdays), "start": _write(window.start), "end": _write(window.end)}
        for window in windows
    ]


def read_windows(value: object) -> tuple[Window, ...] | None:
    """Return the windows that `value` lists, or None where it lists none; `check_schedule` judges them."""
    if not isinstance(value, list):
        return None
    windows = [_window(each) for each in value]
    found = tuple(window for window in windows if window is not None)
    return found if len(found) == len(windows) else None


def read_weekdays(value: object) -> Weekdays | None:
    """Return the weekdays whose sum is `value`, or None where it is no whole number from 1 to 127."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= EVERY_DAY:
        return Weekdays(value)
    return None


def _window(value: object) -> Window | None:
    """Return the window of an object with all of its fields and no other: one misspelt would be a limit overlooked."""
    if not isinstance(value, dict) or set(value) != _NAMES:
        return None
    weekdays, start, end = read_weekdays(value["weekDays"]), _read(value["start"]), _read(value["end"])
    if weekdays is None or start is None or end is None:
        return None
    return Window(weekdays=weekdays, start=start, end=end)


def _read(value: object) -> int | None:
    """Return the minutes of a time of day."""
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    return 60 * int(match[1]) + int(match[2]) if match else None


def _write(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
