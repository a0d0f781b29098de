"""What the API shows of a pin is a body that makes the same pin, whatever clocks do in the lock's zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.http.schemas import pin_entry
from bridge.http.times import from_schedule
from bridge.http.views import pin_view
from protocol.schedule import check_schedule
from protocol.vocabulary import EVERY_DAY, PinEntry, Schedule, Weekdays, Window

from .edges import EDGES, WARSAW


def times(start: str | None, window: Window, zone: str) -> tuple[str, ...]:
    """Return the daily times that are told of a pin from `start` on."""
    epoch = int(datetime.fromisoformat(start).timestamp()) if start else 0
    entry = PinEntry(digits="97531", alias="a", schedule=Schedule(valid_from=epoch, windows=(window,)))
    view = pin_view(1, entry, zone, shows_digits=True)
    return tuple(str(view[name]) for name in ("dayStartTime", "dayEndTime"))


def daily(start: int, end: int, weekdays: int = 31) -> Window:
    return Window(weekdays=Weekdays(weekdays), start=start, end=end)


@pytest.mark.parametrize(
    ("start", "window", "zone", "expected"),
    [
        (None, daily(480, 960), "UTC", ("1970-01-01T08:00:00Z", "1970-01-01T16:00:00Z")),
        (None, daily(480, 960), WARSAW, ("1970-01-01T07:00:00Z", "1970-01-01T15:00:00Z")),
        # east of Greenwich, the first hour of a day is on the UTC date before; it is told on the same date all the same
        (None, daily(30, 960), WARSAW, ("1970-01-01T23:30:00Z", "1970-01-01T15:00:00Z")),
        ("2026-07-15T12:00Z", daily(480, 960), WARSAW, ("2026-07-15T06:00:00Z", "2026-07-15T14:00:00Z")),
        ("2026-01-15T12:00Z", daily(480, 960), WARSAW, ("2026-01-15T07:00:00Z", "2026-01-15T15:00:00Z")),
        ("2026-07-15T12:00Z", daily(1320, 360), WARSAW, ("2026-07-15T20:00:00Z", "2026-07-15T04:00:00Z")),
        # 02:30 is left out on the day on which summer time begins, and is there twice on the day on which it ends
        ("2026-03-29T12:00Z", daily(150, 960), WARSAW, ("2026-03-30T00:30:00Z", "2026-03-29T14:00:00Z")),
        ("2026-10-25T12:00Z", daily(150, 960), WARSAW, ("2026-10-25T00:30:00Z", "2026-10-25T15:00:00Z")),
        ("2106-02-07T06:00Z", daily(480, 960), "UTC", ("2106-02-07T08:00:00Z", "2106-02-07T16:00:00Z")),
    ],
)
def test_daily_times_are_told_in_utc_on_the_date_of_the_start_or_in_1970(
    start: str | None, window: Window, zone: str, expected: tuple[str, str]
) -> None:
    assert times(start, window, zone) == expected


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (daily(0, 1440, 21), (None, None, 21)),
        (daily(0, 480, 21), (None, 480, 21)),
        (daily(480, 1440, 21), (480, None, 21)),
        (daily(480, 960, EVERY_DAY), (480, 960, None)),
        (daily(0, 1440, EVERY_DAY), (None, None, EVERY_DAY)),  # nulls alone would be no window
    ],
)
def test_what_a_window_does_not_limit_is_null(window: Window, expected: tuple[object, ...]) -> None:
    told = from_schedule(Schedule(windows=(window,)), UTC)
    start, end = (
        None if instant is None else 60 * instant.hour + instant.minute
        for instant in (told.day_start_time, told.day_end_time)
    )
    assert (start, end, told.week_days) == expected


zones = st.sampled_from(sorted(EDGES)) | st.timezones().map(lambda zone: zone.key)
minutes = st.integers(0, 1439)
windows = st.builds(
    Window, weekdays=st.integers(1, EVERY_DAY).map(Weekdays), start=minutes, end=minutes.map(lambda minute: minute + 1)
).filter(lambda window: window.start != window.end)
epochs = st.integers(0, 0xFFFF_FFFF) | st.sampled_from(
    [int(datetime.fromisoformat(edge).timestamp()) for edges in EDGES.values() for edge in edges]
).flatmap(lambda edge: st.integers(edge - 172_800, edge + 172_800))
schedules = st.builds(
    Schedule,
    valid_from=st.just(0) | epochs,
    valid_until=st.just(0) | epochs,
    windows=st.lists(windows, max_size=4).map(tuple),
).filter(lambda schedule: check_schedule(schedule) is None)


@settings(deadline=None)
@given(schedules, zones, st.booleans())
def test_what_is_shown_of_any_pin_makes_the_same_pin(schedule: Schedule, zone: str, enabled: bool) -> None:
    entry = PinEntry(digits="97531", alias="Anna", enabled=enabled, schedule=schedule)
    view = pin_view(1, entry, zone, shows_digits=True)
    assert pin_entry(view, zone) == entry


@settings(deadline=None)
@given(schedules, zones)
def test_the_fields_of_the_vendor_alone_make_the_first_window(schedule: Schedule, zone: str) -> None:
    entry = PinEntry(digits="97531", alias="Anna", schedule=schedule)
    view = pin_view(1, entry, zone, shows_digits=True)
    made = pin_entry({name: value for name, value in view.items() if name != "windows"}, zone).schedule
    assert (made.valid_from, made.valid_until, made.windows) == (
        schedule.valid_from,
        schedule.valid_until,
        schedule.windows[:1],
    )


@pytest.mark.parametrize(("zone", "edge"), [(zone, edge) for zone, edges in EDGES.items() for edge in edges])
def test_every_minute_around_an_edge_comes_back_as_it_was(zone: str, edge: str) -> None:
    moment = datetime.fromisoformat(edge)
    for day in (moment - timedelta(days=1), moment, moment + timedelta(days=1)):
        for minute in range(1440):
            schedule = Schedule(valid_from=int(day.timestamp()), windows=(daily(minute, (minute + 90) % 1440 + 1),))
            entry = PinEntry(digits="97531", alias="Anna", schedule=schedule)
            assert pin_entry(pin_view(1, entry, zone, shows_digits=True), zone) == entry


def test_the_edges_are_edges() -> None:
    for zone, edges in EDGES.items():
        for edge in map(datetime.fromisoformat, edges):
            before, after = (moment.astimezone(ZoneInfo(zone)) for moment in (edge - timedelta(seconds=1), edge))
            assert before.utcoffset() != after.utcoffset()
