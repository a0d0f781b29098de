"""Each decision against the calendar: in every zone that a rule governs, around both changes of its clocks."""

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.schedule import check_schedule
from protocol.vocabulary import EVERY_DAY, MAX_WINDOWS, Denial, Rule, Schedule, Weekdays, Window
from tests.protocol.schedule_oracle import WEEKDAY_BITS
from tests.protocol.schedule_samples import Sample, samples
from tests.protocol.zones import DAY, all_zones, edges, epoch, governed, read_zone
from tests.together.links import luck

YEAR = 2027
GOVERNED = governed(epoch(f"{YEAR}-01-01"))
ONE_OF_EACH_RULE = {zone.text: zone for zone in GOVERNED}
CHANGING = {text: zone for text, zone in ONE_OF_EACH_RULE.items() if edges(zone, YEAR)}
SEED = 3


def judged(asked: Iterable[Sample]) -> Counter[Denial | None]:
    """Count the decisions, each of which has to be the calendar's."""
    counts: Counter[Denial | None] = Counter()
    for sample in asked:
        assert sample.decided is sample.expected, sample
        counts[sample.expected] += 1
    return counts


def test_nearly_every_zone_is_governed_by_its_rule_and_those_that_list_far_dates_are_left_out() -> None:
    skipped = {zone.name for zone in all_zones()} - {zone.name for zone in GOVERNED}
    assert {"Asia/Gaza", "Asia/Hebron"} <= skipped
    assert len(skipped) < 10
    assert len(GOVERNED) > 550
    assert len(CHANGING) > 25
    assert governed(epoch("2090-01-01")) == all_zones()


def test_a_zone_is_governed_from_the_second_behind_its_last_listed_change() -> None:
    assert read_zone("Asia/Kolkata").governed_from < epoch("1946-01-01")
    assert epoch("1996-03-31T01:00:01") <= read_zone("Europe/Warsaw").governed_from < epoch("2038-01-01")
    assert epoch("2086-01-01") < read_zone("Asia/Gaza").governed_from < epoch("2087-01-01")
    assert read_zone("UTC").governed_from == 1


def test_entries_in_every_zone_are_decided_as_the_calendar_says() -> None:
    chance = luck(SEED)
    counts = judged(sample for zone in all_zones() for sample in samples(zone, chance, 40))
    assert counts.total() == 40 * len(all_zones())
    assert set(counts) == {
        None,
        Denial.CLOCK_UNTRUSTED,
        Denial.NOT_YET_VALID,
        Denial.EXPIRED,
        Denial.WRONG_WEEKDAY,
        Denial.OUTSIDE_WINDOW,
    }
    assert min(counts.values()) > 500


@pytest.mark.parametrize("text", sorted(CHANGING))
def test_every_mask_is_decided_as_the_calendar_says_at_both_clock_changes(text: str) -> None:
    zone = CHANGING[text]
    spring, autumn = edges(zone, YEAR)
    hours = [(60, 180), (1380, 150), (1439, 1)]
    masks = [
        Sample(zone=zone, schedule=Schedule(windows=(Window(weekdays=Weekdays(mask), start=start, end=end),)), now=now)
        for change in (spring, autumn)
        for now in (change - DAY, change - 1, change, change + DAY)
        for start, end in hours
        for mask in range(1, 128)
    ]
    assert judged(masks).total() == 2 * 4 * 3 * 127


@pytest.mark.parametrize("text", sorted(CHANGING))
def test_every_quarter_of_the_days_that_change_is_decided_as_the_calendar_says(text: str) -> None:
    zone = CHANGING[text]
    for change in edges(zone, YEAR):
        quarters = range(change - 30 * 3600, change + 30 * 3600, 900)
        seconds = [second for quarter in quarters for second in (quarter - 1, quarter)]
        for start, end in ((60, 120), (120, 180), (90, 150), (1320, 120)):
            schedule = Schedule(windows=(Window(weekdays=EVERY_DAY, start=start, end=end),))
            judged(Sample(zone=zone, schedule=schedule, now=now) for now in seconds)


def test_a_mask_without_days_or_with_the_reserved_bit_is_refused_in_any_window() -> None:
    good = Window(weekdays=EVERY_DAY, start=0, end=1440)
    assert sum(WEEKDAY_BITS) == EVERY_DAY
    for mask in (0, *range(128, 256)):
        bad = Window(weekdays=Weekdays(mask), start=0, end=1440)
        for before in range(MAX_WINDOWS):
            windows = (good,) * before + (bad,)
            assert check_schedule(Schedule(windows=windows)) is Rule.WINDOW_WEEKDAYS


@st.composite
def valid_windows(draw: st.DrawFn) -> Window:
    start = draw(st.integers(0, 1439))
    end = draw(st.integers(1, 1440).filter(lambda end: end != start))
    return Window(weekdays=Weekdays(draw(st.integers(1, 127))), start=start, end=end)


@given(
    st.sampled_from(sorted(ONE_OF_EACH_RULE)),
    st.lists(valid_windows(), max_size=MAX_WINDOWS),
    st.integers(epoch("2027-01-01"), epoch("2099-12-31")),
    st.just(0) | st.integers(-2 * DAY, 2 * DAY),
    st.just(0) | st.integers(-2 * DAY, 2 * DAY),
)
@settings(max_examples=500, deadline=None)
def test_any_schedule_is_decided_as_the_calendar_says(
    text: str, daily: list[Window], now: int, start_after: int, end_after: int
) -> None:
    schedule = Schedule(
        valid_from=now + start_after if start_after else 0,
        valid_until=now + end_after if end_after else 0,
        windows=tuple(daily),
    )
    judged([Sample(zone=ONE_OF_EACH_RULE[text], schedule=schedule, now=now)])
