"""Days, hours and moments as technicians write them, in the lock's zone."""

import re
from datetime import UTC, datetime, tzinfo

from bridge.errors import UsageError, quoted
from protocol.vocabulary import EVERY_DAY, LARGEST_TIME, MINUTES_A_DAY, Weekdays, Window

ALWAYS = "always"
_DAILY = "daily"
_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")


def parse_moment(text: str | None, zone: tzinfo) -> int:
    """Return epoch seconds of an ISO 8601 date or time, 0 for None; raise UsageError."""
    if text is None:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{quoted(text)} is no date or time. Write 2026-11-23 or 2026-11-23T08:00.") from None
    seconds = int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())
    if not 0 < seconds <= LARGEST_TIME:
        raise UsageError(f"{quoted(text)} is outside the years that a lock can hold, 1970 to 2106.")
    return seconds


def parse_windows(days: str | None, hours: list[str]) -> tuple[Window, ...]:
    """Return one window for each of `hours` on `days`; without hours, whole days; without both, none."""
    if days is None and not hours:
        return ()
    weekdays = EVERY_DAY if days is None else parse_days(days)
    spans = [parse_hours(text) for text in hours] or [(0, MINUTES_A_DAY)]
    return tuple(Window(weekdays=weekdays, start=start, end=end) for start, end in spans)


def parse_window(text: str) -> Window:
    """Return the window of mon-fri 08:00-16:00; days alone are whole days, hours alone are daily. Raise UsageError."""
    words = text.split()
    start, end = parse_hours(words.pop()) if words and ":" in words[-1] else (0, MINUTES_A_DAY)
    days = "".join(words) or (_DAILY if text.strip() else "")
    return Window(weekdays=EVERY_DAY if days == _DAILY else parse_days(days), start=start, end=end)


def parse_window_list(texts: list[str]) -> tuple[Window, ...]:
    """Return the windows of each text, none for `always` alone; raise UsageError."""
    return () if texts == [ALWAYS] else tuple(map(parse_window, texts))


def parse_days(text: str) -> Weekdays:
    """Return the weekdays of mon-fri or sat,sun; a range may cross the weekend. Raise UsageError."""
    found = Weekdays(0)
    for part in text.lower().split(","):
        first, dash, last = part.strip().partition("-")
        if first not in _NAMES or (dash and last not in _NAMES):
            raise UsageError(f"{quoted(text)} are no weekdays. Write mon-fri, or sat,sun.")
        at, end = _NAMES.index(first), _NAMES.index(last or first)
        found |= Weekdays(1 << at)
        while at != end:
            at = (at + 1) % len(_NAMES)
            found |= Weekdays(1 << at)
    return found


def parse_hours(text: str) -> tuple[int, int]:
    """Return start and end in minutes of the day; the end may be 24:00. Raise UsageError."""
    match = _HOURS.fullmatch(text)
    if match:
        hour, minute, end_hour, end_minute = map(int, match.groups())
        start, end = 60 * hour + minute, 60 * end_hour + end_minute or MINUTES_A_DAY
        sane = minute < 60 and end_minute < 60 and start < MINUTES_A_DAY and end <= MINUTES_A_DAY
        if sane and start != end:
            return start, end
    raise UsageError(f"{quoted(text)} are no hours. Write 08:00-16:00, or 22:00-06:00 across midnight.")


def describe_moment(epoch: int, zone: tzinfo) -> str | None:
    """Return epoch seconds as ISO 8601 in `zone`, with its offset; None for 0."""
    return datetime.fromtimestamp(epoch, UTC).astimezone(zone).isoformat() if epoch else None


def describe_windows(windows: tuple[Window, ...]) -> str:
    """Return windows as people write them, one after another, or `always` where there is none."""
    return "; ".join(map(describe_window, windows)) or ALWAYS


def describe_window(window: Window) -> str:
    """Return a window as people write it, such as mon-fri 08:00-16:00."""
    return f"{_describe_days(window.weekdays)} {_clock(window.start)}-{_clock(window.end)}"


def _describe_days(days: Weekdays) -> str:
    if days == EVERY_DAY:
        return _DAILY
    runs: list[list[str]] = []
    for at, name in enumerate(_NAMES):
        if not days & (1 << at):
            continue
        if runs and days & (1 << at >> 1):
            runs[-1].append(name)
        else:
            runs.append([name])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(run) for run in runs)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
