"""POSIX rules against zoneinfo, over every footer of the zone database and over rules that no zone has."""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import MalformedError
from protocol.posix_tz import TzRule, parse_tz
from tests.protocol.zones import epoch, footer, last_second_before_change, true_offset, tzif

HOUR = 3600
WEEK = 7 * 24 * HOUR
LAST_EPOCH = 2**32 - 1
WARSAW = "CET-1CEST,M3.5.0,M10.5.0/3"


def zones_by_footer() -> dict[str, str]:
    zones = files("tzdata").joinpath("zones").read_text().split()
    return {footer(zone): zone for zone in reversed(zones)}


ZONES_BY_FOOTER = zones_by_footer()


def zone_of_rule(text: str) -> ZoneInfo:
    """A zone without a single listed transition, so that its footer governs every date."""
    block = struct.pack(">4sc15x6I", b"TZif", b"2", 0, 0, 0, 0, 1, 4) + struct.pack(">iBB", 0, 0, 0) + b"AAA\0"
    return ZoneInfo.from_file(BytesIO(block + block + f"\n{text}\n".encode()))


def telling_instants(zone: ZoneInfo, first: int, last: int) -> Iterator[int]:
    """One instant a week, and every change of the clocks with the second before and after it."""
    for begin in range(first, last, WEEK):
        yield begin
        if true_offset(zone, begin) != true_offset(zone, begin + WEEK):
            before = last_second_before_change(zone, begin, begin + WEEK)
            yield from (before, before + 1, before + 2)


def assert_agrees(rule: TzRule, zone: ZoneInfo, first: int, last: int) -> None:
    for instant in telling_instants(zone, first, last):
        assert rule.offset_at(instant) == true_offset(zone, instant), datetime.fromtimestamp(instant, UTC)


@pytest.mark.parametrize("text", sorted(ZONES_BY_FOOTER))
def test_every_footer_of_the_zone_database_gives_the_offsets_of_its_zone(text: str) -> None:
    zone = ZoneInfo.from_file(BytesIO(tzif(ZONES_BY_FOOTER[text])))  # listed transitions end in 2087
    assert_agrees(parse_tz(text), zone, epoch("2095-12-20"), epoch("2101-01-10"))


@pytest.mark.parametrize(
    "name",
    [
        "Europe/Warsaw",
        "Europe/Dublin",
        "America/New_York",
        "America/Santiago",
        "America/Nuuk",
        "Asia/Jerusalem",
        "Australia/Sydney",
        "Australia/Lord_Howe",
    ],
)
def test_a_rule_that_governs_since_2038_agrees_to_the_end_of_the_epoch(name: str) -> None:
    zone = ZoneInfo.from_file(BytesIO(tzif(name)))
    assert_agrees(parse_tz(footer(name)), zone, epoch("2038-01-01"), LAST_EPOCH - WEEK)


def test_the_zone_database_offers_both_hemispheres_and_many_rules() -> None:
    assert len(ZONES_BY_FOOTER) > 50
    assert {footer("Europe/Dublin"), footer("Australia/Sydney"), WARSAW} <= set(ZONES_BY_FOOTER)


@pytest.mark.parametrize(
    ("text", "before", "offsets"),
    [
        (WARSAW, "2027-03-28T00:59:59", (1, 2)),
        (WARSAW, "2027-10-31T00:59:59", (2, 1)),
        ("IST-1GMT0,M10.5.0,M3.5.0/1", "2027-03-28T00:59:59", (0, 1)),
        ("IST-1GMT0,M10.5.0,M3.5.0/1", "2027-10-31T00:59:59", (1, 0)),
        ("<-04>4<-03>,M9.1.6/24,M4.1.6/24", "2027-04-04T02:59:59", (-3, -4)),
        ("<-04>4<-03>,M9.1.6/24,M4.1.6/24", "2027-09-05T03:59:59", (-4, -3)),
        # Jn counts no 29 February: J60 is 1 March in every year; n counts it: 59 is 29 February or 1 March.
        ("AAA0BBB,J60/0,J200/0", "2028-02-29T23:59:59", (0, 1)),
        ("AAA0BBB,J60/0,J200/0", "2027-02-28T23:59:59", (0, 1)),
        ("AAA0BBB,J59/0,J200/0", "2028-02-27T23:59:59", (0, 1)),
        ("AAA0BBB,59/0,200/0", "2028-02-28T23:59:59", (0, 1)),
        ("AAA0BBB,59/0,200/0", "2027-02-28T23:59:59", (0, 1)),
        ("AAA0BBB,M2.1.2/0,M10.5.0", "2028-01-31T23:59:59", (0, 1)),
        ("AAA0BBB,M2.5.2/0,M10.5.0", "2028-02-28T23:59:59", (0, 1)),
        # 2100 is no leap year, 2000 was one.
        ("AAA0BBB,59/0,200/0", "2100-02-28T23:59:59", (0, 1)),
        ("AAA0BBB,59/0,200/0", "2000-02-28T23:59:59", (0, 1)),
        # The change of one year falls into another: behind, before, and by the offset alone.
        ("AAA0BBB,J365/167,J100/0", "2028-01-06T22:59:59", (0, 1)),
        ("AAA0BBB,J365/167,J100/0", "2028-04-09T22:59:59", (1, 0)),
        ("AAA0BBB,J1/-167,J100/0", "1971-12-25T00:59:59", (0, 1)),
        ("AAA0BBB,J1/-167,J100/0", "2026-12-25T00:59:59", (0, 1)),
        ("AAA0BBB,J100/0,J1/-167", "2026-12-24T23:59:59", (1, 0)),
        ("AAA-14BBB,J1/0,J100/0", "2026-12-31T09:59:59", (14, 15)),
        ("AAA12BBB,J365/23,J100/0", "2027-01-01T10:59:59", (-12, -11)),
        ("AAA0BBB,J100/0,J365/24", "2027-12-31T22:59:59", (1, 0)),
        ("AAA0BBB,J365/167,J1/0", "2028-01-06T22:59:59", (0, 1)),
        ("AAA0BBB,J365/167,J1/0", "2028-12-31T22:59:59", (1, 0)),
    ],
)
def test_clocks_change_at_the_second_that_the_table_names(text: str, before: str, offsets: tuple[int, int]) -> None:
    rule = parse_tz(text)
    instant = epoch(before)
    assert (rule.offset_at(instant) / HOUR, rule.offset_at(instant + 1) / HOUR) == offsets


@pytest.mark.parametrize("year", [2027, 2028, 2100])
def test_both_forms_of_a_day_of_the_year_name_the_calendars_day(year: int) -> None:
    for day in range(330):
        zero_based = datetime(year, 1, 1, tzinfo=UTC) + timedelta(day)
        julian = (datetime(2027, 1, 1, tzinfo=UTC) + timedelta(day)).replace(year=year)
        for date, begin in ((f"{day}", zero_based), (f"J{day + 1}", julian)):
            rule, instant = parse_tz(f"AAA0BBB,{date}/0,J365/0"), int(begin.timestamp())
            assert (rule.offset_at(instant - 1), rule.offset_at(instant)) == (0, HOUR), (date, begin)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("UTC0", 0),
        ("<-03>3", -3),
        ("XXX3EDT4,0/0,J365/23", -4),
        ("EST5EDT,0/0,J365/25", -4),
        ("AAA0BBB,J100/0,J100/1", 1),
    ],
)
def test_a_permanent_offset_holds_at_every_hour_around_new_year(text: str, hours: int) -> None:
    rule = parse_tz(text)
    new_years = [epoch(f"{year}-01-01") for year in (1970, 1999, 2024, 2025, 2100, 2101)]
    hours_around = [new_year + hour * HOUR for new_year in new_years for hour in range(-26, 27)]
    assert {rule.offset_at(instant) for instant in hours_around} == {hours * HOUR}


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("<+0530>-5:30", 5 * HOUR + 1800),
        ("AAA+01:02:03", -(HOUR + 123)),
        ("AAA-24:59:59", 24 * HOUR + 3599),
        ("abc05", -5 * HOUR),
        ("A" * 63 + "0", 0),
    ],
)
def test_offsets_are_read_with_their_sign_minutes_and_seconds(text: str, offset: int) -> None:
    assert parse_tz(text) == TzRule(standard=offset)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AAA",
        "5",
        "AA0",
        "A1B0",
        "<AA>0",
        "<AAA0",
        "<A_A>0",
        "ÀÀÀ0",
        "AAA٣",
        "AAA0\n",
        " AAA0",
        ":Europe/Warsaw",
        "Europe/Warsaw",
        "AAA25",
        "AAA1:60",
        "AAA1:0",
        "AAA1:00:60",
        "AAA1:00:00:00",
        "AAA--1",
        "AAA0BBB",  # daylight time without dates
        "AAA0BBB,M3.5.0",
        "AAA0BBB,M3.5.0,M10.5.0,M10.5.0",
        "AAA0,M3.5.0,M10.5.0",
        "AAA0BBB25,M3.5.0,M10.5.0",
        "AAA0BBB,M0.5.0,M10.5.0",
        "AAA0BBB,M13.5.0,M10.5.0",
        "AAA0BBB,M3.0.0,M10.5.0",
        "AAA0BBB,M3.6.0,M10.5.0",
        "AAA0BBB,M3.5.7,M10.5.0",
        "AAA0BBB,M3.5,M10.5.0",
        "AAA0BBB,J0,J100",
        "AAA0BBB,J366,J100",
        "AAA0BBB,0,366",
        "AAA0BBB,-1,100",
        "AAA0BBB,M3.5.0/168,M10.5.0",
        "AAA0BBB,M3.5.0/-168,M10.5.0",
        "AAA0BBB,M3.5.0/,M10.5.0",
        "AAA0BBB,,",
        "A" * 64 + "0",
    ],
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_tz(text)


def clocks(max_hours: int) -> st.SearchStrategy[str]:
    sizes = st.tuples(st.integers(-max_hours, max_hours), st.integers(0, 59))
    return sizes.map(lambda size: f"{size[0]}:{size[1]:02}")


def rules(first_dates: st.SearchStrategy[str], second_dates: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Rules with the two dates in either order, so of both hemispheres."""
    dates = st.tuples(first_dates, second_dates).flatmap(st.permutations)
    parts = st.tuples(clocks(14), clocks(14), dates, clocks(167), clocks(167))
    return parts.map(lambda part: f"AAA{part[0]}<B+2>{part[1]},{part[2][0]}/{part[3]},{part[2][1]}/{part[4]}")


def weekdays_of_months(first: int, last: int) -> st.SearchStrategy[str]:
    forms = st.tuples(st.integers(first, last), st.integers(1, 5), st.integers(0, 6))
    return forms.map(lambda form: "M{}.{}.{}".format(*form))


def days_of_the_year(first: int, last: int) -> st.SearchStrategy[str]:
    return st.integers(first, last).map("J{}".format)


ANY_DATE = weekdays_of_months(1, 12) | days_of_the_year(1, 365) | st.integers(0, 365).map(str)
# zoneinfo looks at one calendar year alone, reads J59 as 29 February and n a day early: none of these here.
SPRING = weekdays_of_months(2, 4) | days_of_the_year(60, 130)
AUTUMN = weekdays_of_months(8, 11) | days_of_the_year(230, 320)


@given(rules(SPRING, AUTUMN), st.integers(1971, 2104))
@settings(max_examples=120, deadline=None)
def test_any_rule_with_changes_within_the_year_agrees_with_zoneinfo(text: str, year: int) -> None:
    assert_agrees(parse_tz(text), zone_of_rule(text), epoch(f"{year}-01-01"), epoch(f"{year + 1}-01-15"))


@given(rules(ANY_DATE, ANY_DATE), st.integers(0, LAST_EPOCH))
@settings(max_examples=300, deadline=None)
def test_any_rule_gives_one_of_its_two_offsets_at_any_instant(text: str, instant: int) -> None:
    rule = parse_tz(text)
    assert rule.daylight is not None
    assert rule.offset_at(instant) in {rule.standard, rule.daylight.offset}


@st.composite
def damaged_rules(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(sorted(ZONES_BY_FOOTER)))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(start + 2, len(text))))
    return text[:start] + draw(st.text("019MJ./:,+-<>aZ\n\0é", max_size=3)) + text[end:]


@given(st.text(st.characters(), max_size=70) | damaged_rules())
@settings(max_examples=600, deadline=None)
def test_any_text_is_a_rule_or_malformed(text: str) -> None:
    try:
        rule = parse_tz(text)
    except MalformedError:
        return
    assert all(abs(rule.offset_at(instant)) <= 26 * HOUR for instant in (0, LAST_EPOCH))
