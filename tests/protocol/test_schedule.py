"""Schedules against tables, and against every mask and day; test_schedule_in_all_zones.py has the oracle."""

from collections.abc import Iterable

import pytest

from protocol.posix_tz import parse_tz
from protocol.schedule import LocalTime, check_schedule, judge, local_time, window_open
from protocol.vocabulary import EVERY_DAY, MAX_WINDOWS, Denial, Rule, Schedule, Weekdays, Window
from tests.protocol.zones import epoch

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
UTC_RULE = parse_tz("UTC0")
WARSAW_RULE = parse_tz("CET-1CEST,M3.5.0,M10.5.0/3")
DAYS = list(Weekdays)
OPEN = Window(weekdays=EVERY_DAY, start=0, end=1440)


def windows(*parts: tuple[Weekdays, int, int]) -> tuple[Window, ...]:
    return tuple(Window(weekdays=weekdays, start=start, end=end) for weekdays, start, end in parts)


def minutes_open(window: Window, hours_of_utc: Iterable[int]) -> list[int]:
    """The instants, one a minute of the given hours since the epoch, at which Warsaw's clock is in `window`."""
    minutes = [hour * HOUR + minute * MINUTE for hour in hours_of_utc for minute in range(60)]
    return [minute for minute in minutes if window_open(window, local_time(minute, WARSAW_RULE))]


def hours_around(text: str) -> range:
    hour = epoch(text) // HOUR
    return range(hour - 20, hour + 20)


@pytest.mark.parametrize(
    ("instant", "rule", "weekday", "minute"),
    [
        ("1970-01-01T00:00:00", "UTC0", Weekdays.THURSDAY, 0),
        ("1970-01-01T00:00:59", "EST5", Weekdays.WEDNESDAY, 1140),
        ("2027-02-28T23:59:59", "UTC0", Weekdays.SUNDAY, 1439),
        ("2027-02-28T23:59:59", "<+0545>-5:45", Weekdays.MONDAY, 344),
        ("2027-03-01T00:00:00", "<-12>12", Weekdays.SUNDAY, 720),
        ("2106-02-07T06:28:15", "UTC0", Weekdays.SUNDAY, 388),
    ],
)
def test_the_local_clock_shows_weekday_and_minute(instant: str, rule: str, weekday: Weekdays, minute: int) -> None:
    assert local_time(epoch(instant), parse_tz(rule)) == LocalTime(weekday_bit=weekday, minute=minute)


@pytest.mark.parametrize(
    ("schedule", "rule"),
    [
        (Schedule(), None),
        (Schedule(valid_from=5), None),
        (Schedule(valid_until=1), None),  # an end in the past is no fault
        (Schedule(valid_from=5, valid_until=6), None),
        (Schedule(valid_from=5, valid_until=5), Rule.VALIDITY_ORDER),
        (Schedule(valid_from=6, valid_until=5), Rule.VALIDITY_ORDER),
        (Schedule(windows=(OPEN,) * MAX_WINDOWS), None),
        (Schedule(windows=(OPEN,) * (MAX_WINDOWS + 1)), Rule.WINDOW_COUNT),
        (Schedule(windows=windows((Weekdays(0), 0, 1440))), Rule.WINDOW_WEEKDAYS),
        (Schedule(windows=windows((Weekdays(128), 0, 1440))), Rule.WINDOW_WEEKDAYS),
        (Schedule(windows=windows((Weekdays(129), 0, 1440))), Rule.WINDOW_WEEKDAYS),
        (Schedule(windows=windows((Weekdays(255), 0, 1440))), Rule.WINDOW_WEEKDAYS),
        (Schedule(windows=windows((EVERY_DAY, 1439, 1440))), None),
        (Schedule(windows=windows((EVERY_DAY, 1439, 1))), None),
        (Schedule(windows=windows((EVERY_DAY, 0, 0))), Rule.WINDOW_TIMES),
        (Schedule(windows=windows((EVERY_DAY, 5, 0))), Rule.WINDOW_TIMES),
        (Schedule(windows=windows((EVERY_DAY, 600, 600))), Rule.WINDOW_TIMES),
        (Schedule(windows=windows((EVERY_DAY, 1440, 1440))), Rule.WINDOW_TIMES),
        (Schedule(windows=windows((EVERY_DAY, 1440, 60))), Rule.WINDOW_TIMES),
        (Schedule(windows=windows((EVERY_DAY, 0, 1441))), Rule.WINDOW_TIMES),
        (Schedule(windows=windows((EVERY_DAY, -1, 60))), Rule.WINDOW_TIMES),
        # Several faults: the first in the order of the contract.
        (Schedule(valid_from=6, valid_until=5, windows=(OPEN,) * 5), Rule.VALIDITY_ORDER),
        (Schedule(windows=windows((Weekdays(0), 5, 5))), Rule.WINDOW_WEEKDAYS),
        (Schedule(windows=(OPEN, *windows((EVERY_DAY, 5, 5), (Weekdays(0), 0, 1)))), Rule.WINDOW_TIMES),
    ],
)
def test_a_schedule_breaks_the_rule_that_the_table_names(schedule: Schedule, rule: Rule | None) -> None:
    assert check_schedule(schedule) is rule


def test_of_all_weekday_bytes_only_the_masks_of_one_to_seven_days_are_allowed() -> None:
    schedules = [Schedule(windows=windows((Weekdays(mask), 0, 1440))) for mask in range(256)]
    assert [mask for mask in range(256) if check_schedule(schedules[mask]) is None] == list(range(1, 128))


@pytest.mark.parametrize("today", range(7))
def test_a_window_is_open_on_the_days_of_its_mask_for_every_mask(today: int) -> None:
    noon = LocalTime(weekday_bit=DAYS[today], minute=720)
    for mask in range(128):
        (window,) = windows((Weekdays(mask), 480, 1020))
        assert window_open(window, noon) == (f"{mask:07b}"[6 - today] == "1")


@pytest.mark.parametrize("today", range(7))
def test_a_window_across_midnight_belongs_to_the_day_it_began_for_every_mask(today: int) -> None:
    for mask in range(128):
        (window,) = windows((Weekdays(mask), 1320, 360))
        began = [f"{mask:07b}"[6 - day] == "1" for day in (today, (today - 1) % 7)]
        opened = [window_open(window, LocalTime(weekday_bit=DAYS[today], minute=minute)) for minute in (1320, 359)]
        assert opened == began


@pytest.mark.parametrize(
    ("start", "end", "first_and_last_minutes"),
    [
        (0, 1440, [(0, 1439)]),
        (0, 1, [(0, 0)]),
        (1439, 1440, [(1439, 1439)]),
        (480, 1020, [(480, 1019)]),
        (1320, 360, [(0, 359), (1320, 1439)]),
        (1439, 1, [(0, 0), (1439, 1439)]),
        (1, 1440, [(1, 1439)]),
    ],
)
def test_a_daily_window_opens_at_its_start_and_is_closed_at_its_end(
    start: int, end: int, first_and_last_minutes: list[tuple[int, int]]
) -> None:
    (window,) = windows((EVERY_DAY, start, end))
    monday = [LocalTime(weekday_bit=Weekdays.MONDAY, minute=minute) for minute in range(1440)]
    opened = [local.minute for local in monday if window_open(window, local)]
    assert opened == [m for first, last in first_and_last_minutes for m in range(first, last + 1)]


SPRING, AUTUMN = "2027-03-28T01:00", "2027-10-31T01:00"


def test_a_window_in_the_hour_that_spring_skips_does_not_open_that_day() -> None:
    (window,) = windows((Weekdays.SUNDAY, 120, 180))
    assert minutes_open(window, hours_around(SPRING)) == []
    assert len(minutes_open(window, hours_around("2027-03-21T01:00"))) == 60


def test_a_window_in_the_hour_that_autumn_repeats_opens_twice() -> None:
    (window,) = windows((Weekdays.SUNDAY, 120, 150))
    first, again = epoch("2027-10-31T00:00"), epoch("2027-10-31T01:00")
    halves = [*range(first, first + 30 * MINUTE, MINUTE), *range(again, again + 30 * MINUTE, MINUTE)]
    assert minutes_open(window, hours_around(AUTUMN)) == halves


@pytest.mark.parametrize(("night", "hours"), [(SPRING, 7), (AUTUMN, 9), ("2027-06-06T01:00", 8)])
def test_a_night_window_lasts_as_long_as_the_wall_clock_takes(night: str, hours: int) -> None:
    (window,) = windows((Weekdays.SATURDAY, 1320, 360))
    assert len(minutes_open(window, hours_around(night))) == hours * 60


NOW = epoch("2027-03-01T12:00")  # a Monday
MONDAY_MORNING = (Weekdays.MONDAY, 480, 720)
SUNDAY_NIGHT = (Weekdays.SUNDAY, 1320, 360)
TUESDAY = (Weekdays.TUESDAY, 0, 1440)


@pytest.mark.parametrize(
    ("schedule", "denial"),
    [
        (Schedule(), None),
        (Schedule(valid_from=NOW), None),
        (Schedule(valid_from=NOW + 1), Denial.NOT_YET_VALID),
        (Schedule(valid_until=NOW + 1), None),
        (Schedule(valid_until=NOW), Denial.EXPIRED),
        (Schedule(valid_from=NOW, valid_until=NOW + 1), None),
        (Schedule(windows=windows((Weekdays.MONDAY, 720, 721))), None),
        (Schedule(windows=windows(TUESDAY, (Weekdays.MONDAY, 720, 721))), None),
        (Schedule(windows=windows(MONDAY_MORNING)), Denial.OUTSIDE_WINDOW),
        (Schedule(windows=windows((Weekdays.MONDAY, 721, 800))), Denial.OUTSIDE_WINDOW),
        (Schedule(windows=windows(TUESDAY)), Denial.WRONG_WEEKDAY),
        (Schedule(windows=windows(TUESDAY, MONDAY_MORNING)), Denial.OUTSIDE_WINDOW),
        (Schedule(windows=windows(SUNDAY_NIGHT)), Denial.OUTSIDE_WINDOW),
        (Schedule(windows=windows((Weekdays.SUNDAY, 600, 800))), Denial.WRONG_WEEKDAY),
        (Schedule(windows=windows((Weekdays.MONDAY, 1320, 360))), Denial.OUTSIDE_WINDOW),
        (Schedule(windows=windows((Weekdays.TUESDAY, 1320, 1200))), Denial.WRONG_WEEKDAY),
        # Validity is judged before windows.
        (Schedule(valid_from=NOW + 1, windows=windows(TUESDAY)), Denial.NOT_YET_VALID),
        (Schedule(valid_until=NOW, windows=(OPEN,)), Denial.EXPIRED),
        (Schedule(valid_from=NOW - 1, windows=windows(TUESDAY)), Denial.WRONG_WEEKDAY),
    ],
)
def test_a_schedule_at_monday_noon_is_judged_as_the_table_says(schedule: Schedule, denial: Denial | None) -> None:
    assert judge(schedule, now=NOW, trusted=True, rule=UTC_RULE) is denial


@pytest.mark.parametrize(
    ("schedule", "denial"),
    [
        (Schedule(), None),
        (Schedule(valid_from=1), Denial.CLOCK_UNTRUSTED),
        (Schedule(valid_until=NOW + 1), Denial.CLOCK_UNTRUSTED),
        (Schedule(valid_until=1), Denial.CLOCK_UNTRUSTED),
        (Schedule(windows=(OPEN,)), Denial.CLOCK_UNTRUSTED),
    ],
)
def test_an_untrusted_clock_denies_every_pin_that_time_limits(schedule: Schedule, denial: Denial | None) -> None:
    assert judge(schedule, now=NOW, trusted=False, rule=UTC_RULE) is denial
