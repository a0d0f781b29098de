"""Days, hours and moments as technicians write them."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.times import (
    describe_window,
    describe_windows,
    parse_days,
    parse_hours,
    parse_moment,
    parse_window,
    parse_window_list,
    parse_windows,
)
from bridge.errors import UsageError
from protocol.vocabulary import EVERY_DAY, Weekdays, Window

WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.mark.parametrize(
    ("text", "mask"),
    [("mon", 1), ("mon-fri", 31), ("sat,sun", 96), ("Fri-Mon", 0b1110001), ("mon-sun", 127), ("wed, tue-tue", 6)],
)
def test_days_are_names_and_ranges(text: str, mask: int) -> None:
    assert parse_days(text) == mask


@pytest.mark.parametrize("text", ["", "monday", "mon-", "-fri", "mon;tue", "1-5", "mon-fri-sun"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="mon-fri"):
        parse_days(text)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("08:00-16:00", (480, 960)),
        ("22:00-06:00", (1320, 360)),
        ("00:00-24:00", (0, 1440)),
        ("20:00-00:00", (1200, 1440)),
    ],
)
def test_hours_are_minutes_of_the_day_and_midnight_ends_it(text: str, span: tuple[int, int]) -> None:
    assert parse_hours(text) == span


@pytest.mark.parametrize(
    "text", ["8-16", "08:00", "24:00-08:00", "08:60-09:00", "08:00-24:01", "08:00-08:00", "08:00-16:00 ", "08:00–16:00"]
)
def test_what_is_no_span_of_hours_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="08:00-16:00"):
        parse_hours(text)


def test_windows_join_days_and_hours() -> None:
    work = Window(weekdays=Weekdays(31), start=480, end=960)
    night = Window(weekdays=Weekdays(31), start=1320, end=360)
    assert parse_windows("mon-fri", ["08:00-16:00", "22:00-06:00"]) == (work, night)
    assert parse_windows(None, ["08:00-16:00"])[0].weekdays == EVERY_DAY
    assert parse_windows("sat", []) == (Window(weekdays=Weekdays.SATURDAY, start=0, end=1440),)
    assert parse_windows(None, []) == ()


@given(st.integers(1, 127), st.integers(0, 1439), st.integers(1, 1440))
def test_a_described_window_reads_back(mask: int, start: int, end: int) -> None:
    if start == end:
        return
    text = describe_window(Window(weekdays=Weekdays(mask), start=start, end=end))
    days, _, hours = text.partition(" ")
    assert parse_days("mon-sun" if days == "daily" else days) == mask
    assert parse_hours(hours) == (start, end)


def test_a_moment_without_an_offset_is_the_locks_local_time() -> None:
    assert parse_moment("2026-07-01T12:00", WARSAW) == parse_moment("2026-07-01T10:00Z", WARSAW)
    assert parse_moment("2026-12-01", WARSAW) == parse_moment("2026-11-30T23:00+00:00", WARSAW)
    assert parse_moment(None, WARSAW) == 0


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "1969-12-31", "1970-01-01T01:00", "2200-01-01", ""])
def test_a_moment_that_a_lock_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_moment(text, WARSAW)


@pytest.mark.parametrize(
    ("text", "days", "start", "end"),
    [
        ("mon-fri 08:00-16:00", 31, 480, 960),
        (" sat, sun  10:00-12:00 ", 96, 600, 720),
        ("sat", 32, 0, 1440),
        ("22:00-06:00", 127, 1320, 360),
        ("daily 22:00-06:00", 127, 1320, 360),
    ],
)
def test_a_window_is_days_and_hours_or_one_of_both(text: str, days: int, start: int, end: int) -> None:
    assert parse_window(text) == Window(weekdays=Weekdays(days), start=start, end=end)


@pytest.mark.parametrize("text", ["", " ", "always", "08:00-16:00 mon", "mon 08:00", "mon 08:00-16:00 18:00-20:00"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_window(text)


def test_always_stands_for_no_windows_but_not_beside_others() -> None:
    assert parse_window_list(["always"]) == parse_window_list([]) == ()
    assert describe_windows(()) == "always"
    with pytest.raises(UsageError):
        parse_window_list(["always", "mon"])


@given(
    st.lists(
        st.builds(
            Window, weekdays=st.integers(1, 127).map(Weekdays), start=st.integers(0, 700), end=st.integers(701, 1440)
        )
    )
)
def test_windows_are_read_as_they_are_described(windows: list[Window]) -> None:
    assert parse_window_list([*map(str.strip, describe_windows(tuple(windows)).split(";"))]) == tuple(windows)
