from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.http.times import ApiTimes, read_instant, to_schedule
from protocol.schedule import check_schedule
from protocol.vocabulary import EVERY_DAY, Rule, Schedule, Weekdays, Window

WARSAW, ST_JOHNS = "Europe/Warsaw", "America/St_Johns"
MONDAY_WEDNESDAY_FRIDAY = Weekdays(21)
LAST_SECOND = 4_291_747_199  # 2105-12-31T23:59:59Z


def instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    result = read_instant(text)
    assert result is not None, text
    return result


def window(start: str | None, end: str | None, zone: str) -> tuple[int, int]:
    times = ApiTimes(day_start_time=instant(start), day_end_time=instant(end))
    (result,) = to_schedule(times, ZoneInfo(zone)).windows
    assert result.weekdays == EVERY_DAY
    return result.start, result.end


def validity(start: str | None, end: str | None) -> tuple[int, int]:
    schedule = to_schedule(ApiTimes(start_date=instant(start), end_date=instant(end)), UTC)
    assert schedule.windows == ()
    return schedule.valid_from, schedule.valid_until


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-05-01T08:00:00Z", datetime(2021, 5, 1, 8, tzinfo=UTC)),
        ("2021-05-01T08:00Z", datetime(2021, 5, 1, 8, tzinfo=UTC)),
        ("2021-05-01T08:00:00.000Z", datetime(2021, 5, 1, 8, tzinfo=UTC)),
        ("2021-05-01T08:00:00+02:00", datetime(2021, 5, 1, 6, tzinfo=UTC)),
        ("2021-05-01T00:00:00-03:30", datetime(2021, 5, 1, 3, 30, tzinfo=UTC)),
        ("2021-05-01T08:00:00.1234567Z", datetime(2021, 5, 1, 8, 0, 0, 1, tzinfo=UTC)),
        ("2021-05-01T08:00:00.0000001Z", datetime(2021, 5, 1, 8, 0, 0, 1, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2106-12-31T23:59:59Z", datetime(2106, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_in_utc(text: str, expected: datetime) -> None:
    assert read_instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2021-05-01",
        "2021-05-01T08:00:00",
        "2021-05-01 08:00:00Z",
        "20210501T080000Z",
        "2021-05-01T08Z",
        "2021-05-01T08:00.5Z",
        "2021-05-01T08:00:00.Z",
        "2021-05-01T08:00:00.\u0660Z",
        "2021-05-01T08:00:00+0200",
        "2021-05-01T08:00:00+24:00",
        "2021-05-01T08:00:60Z",
        "2021-02-29T08:00:00Z",
        "2021-05-01T08:00:00Z\n",
        "\u0662\u0660\u0662\u0661-05-01T08:00:00Z",
        "1969-12-31T23:59:59Z",
        "2107-01-01T00:00:00Z",
        "2107-01-01T01:00:00+00:30",
        "2200-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_what_is_no_instant_between_1970_and_2106_is_not_read(text: str) -> None:
    assert read_instant(text) is None


@given(st.text(alphabet="0123456789-:.+TZ ", max_size=40) | st.text())
def test_any_text_is_an_instant_or_none(text: str) -> None:
    result = read_instant(text)
    assert result is None or 1970 <= result.year <= 2106


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, (0, 0)),
        ("2021-05-01T00:00:00Z", None, (1_619_827_200, 0)),
        (None, "2021-05-31T00:00:00Z", (0, 1_622_419_200)),
        ("2021-05-01T00:00:00.9999999Z", "2021-05-01T00:00:00.9999999Z", (1_619_827_200, 1_619_827_201)),
        ("1970-01-01T00:00:00Z", "2105-12-31T23:59:59.5Z", (0, LAST_SECOND + 1)),
    ],
)
def test_a_validity_keeps_its_instants_start_rounded_down_and_end_up(
    start: str | None, end: str | None, expected: tuple[int, int]
) -> None:
    assert validity(start, end) == expected
    assert max(expected) < 1 << 32


def test_an_end_at_the_epoch_is_long_past_and_not_open() -> None:
    assert validity(None, "1970-01-01T00:00:00Z") == (0, 1)


@pytest.mark.parametrize(
    ("start", "end", "zone", "expected"),
    [
        # the vendor's example, whose two dates differ
        ("2021-05-01T08:00:00.000Z", "2021-05-02T16:00:00.000Z", "UTC", (480, 960)),
        ("2021-05-01T08:00:00.000Z", "2021-05-02T16:00:00.000Z", WARSAW, (600, 1080)),
        # winter and summer, and one of each: every time has the offset of its own date
        ("2026-01-15T08:00:00Z", "2026-01-15T16:00:00Z", WARSAW, (540, 1020)),
        ("2026-01-15T08:00:00Z", "2026-07-15T16:00:00Z", WARSAW, (540, 1080)),
        # the two edges of summer time in Warsaw, 01:00Z both times
        ("2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z", WARSAW, (119, 180)),
        ("2026-10-25T00:59:00Z", "2026-10-25T01:30:00Z", WARSAW, (179, 150)),
        # half hours, and both edges in Newfoundland: 05:30Z in spring, 04:30Z in autumn
        ("2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z", ST_JOHNS, (510, 570)),
        ("2026-03-08T05:29:00Z", "2026-03-08T05:30:00Z", ST_JOHNS, (119, 180)),
        ("2026-11-01T04:29:00Z", "2026-11-01T04:30:00Z", ST_JOHNS, (119, 60)),
        # across midnight, by the caller's hand and by the zone's
        ("2026-07-15T22:00:00Z", "2026-07-15T06:00:00Z", "UTC", (1320, 360)),
        ("2026-07-15T20:00:00Z", "2026-07-15T23:00:00Z", WARSAW, (1320, 60)),
        ("2026-07-15T08:00:00+02:00", "2026-07-15T16:00:00+02:00", WARSAW, (480, 960)),
        # one end alone
        ("2026-07-15T08:00:00Z", None, "UTC", (480, 1440)),
        (None, "2026-07-15T08:00:00Z", "UTC", (0, 480)),
        # midnight as an end closes the day
        ("2026-07-15T08:00:00Z", "2026-07-15T00:00:00Z", "UTC", (480, 1440)),
        ("2026-07-15T08:00:00Z", "2026-07-15T22:00:00Z", WARSAW, (600, 1440)),
        ("2026-07-15T00:00:00Z", "2026-07-15T00:00:00Z", "UTC", (0, 1440)),
        # the start is rounded down and the end up, at the end of the day too
        ("2026-07-15T08:00:59Z", "2026-07-15T16:00:01Z", "UTC", (480, 961)),
        ("2026-07-15T08:00:00.9Z", "2026-07-15T16:00:00.0000001Z", "UTC", (480, 961)),
        ("2026-07-15T23:59:59Z", "2026-07-15T23:59:30Z", "UTC", (1439, 1440)),
        # a zone whose offset had seconds
        ("1970-06-01T12:00:00Z", "1970-06-01T13:00:00Z", "Africa/Monrovia", (675, 736)),
    ],
)
def test_a_daily_time_keeps_the_local_time_of_day_alone(
    start: str | None, end: str | None, zone: str, expected: tuple[int, int]
) -> None:
    assert window(start, end, zone) == expected


def test_weekdays_without_a_window_are_the_whole_day() -> None:
    schedule = to_schedule(ApiTimes(week_days=MONDAY_WEDNESDAY_FRIDAY), UTC)
    assert schedule.windows == (Window(weekdays=MONDAY_WEDNESDAY_FRIDAY, start=0, end=1440),)


def test_no_times_at_all_are_no_limit() -> None:
    assert to_schedule(ApiTimes(), UTC) == Schedule()


def test_a_window_without_length_is_left_to_the_schedule_rules() -> None:
    noon = instant("2026-07-15T12:00:00Z")
    schedule = to_schedule(ApiTimes(day_start_time=noon, day_end_time=noon), UTC)
    assert check_schedule(schedule) is Rule.WINDOW_TIMES


@given(st.integers(0, LAST_SECOND), st.integers(0, LAST_SECOND), st.timezones())
def test_every_window_that_has_a_length_is_one_that_a_lock_may_hold(start: int, end: int, zone: ZoneInfo) -> None:
    start_time, end_time = (datetime.fromtimestamp(second, UTC) for second in (start, end))
    times = ApiTimes(day_start_time=start_time, day_end_time=end_time)
    assert check_schedule(to_schedule(times, zone)) in (None, Rule.WINDOW_TIMES)
