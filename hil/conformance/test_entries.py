"""Entries at the keypad, and the schedules that they are judged by (SPEC 8.2)."""

import pytest

from hil.conformance.moments import DIGITS, ZONES, epoch, limited, says, show, verdict, window
from hil.hands import Hands
from hil.station import NOON, Session
from protocol.messages.clock import ClockSetRequest
from protocol.messages.declaration import Refusal
from protocol.messages.pins import PinCreateRequest
from protocol.vocabulary import PinEntry, Rule, Status, Window

EVERY_DAY, WORKDAYS, FRIDAY, SUNDAY = 127, 31, 16, 64


@pytest.mark.req("LW-052")
async def test_each_denial_is_told_and_a_pin_without_limits_opens(session: Session, keypad: Hands) -> None:
    await session.create(PinEntry(digits="86420", alias="always"))
    await session.create(PinEntry(digits="13579", alias="disabled", enabled=False))
    assert verdict(await keypad.enter("86420")) == "granted"
    assert verdict(await keypad.enter("13579")) == "disabled"
    assert verdict(await keypad.enter("24680")) == "unknown"
    assert verdict(await keypad.enter("12")) == "malformed"
    assert verdict(await keypad.enter("86420")) == "granted"


@pytest.mark.req("LW-052", "LW-053")
async def test_of_several_reasons_the_first_is_told(session: Session, keypad: Hands, clock: Hands) -> None:
    past = limited(window(SUNDAY, "08:00", "09:00"), valid_until=NOON - 60, enabled=False)
    created = await session.create(past)
    assert verdict(await keypad.enter(DIGITS)) == "disabled"
    await clock.show(None)
    assert verdict(await keypad.enter(DIGITS)) == "disabled"
    assert created


@pytest.mark.req("LW-051", "LW-053")
async def test_a_clock_that_has_lost_the_time_is_untrusted_and_opens_no_pin_with_a_schedule(
    session: Session, keypad: Hands, clock: Hands
) -> None:
    await session.create(limited(window(EVERY_DAY, "00:00", "24:00")))
    await session.create(PinEntry(digits="86420", alias="always"))
    assert verdict(await keypad.enter(DIGITS)) == "granted"
    await clock.show(None)
    assert verdict(await keypad.enter(DIGITS)) == "clock_untrusted"
    assert verdict(await keypad.enter("86420")) == "granted"
    assert (await session.status()).clock.name == "UNTRUSTED"
    assert await says(session, keypad, NOON) == "granted"


@pytest.mark.req("LW-052")
async def test_a_validity_begins_with_its_second_and_is_over_at_its_end(session: Session, keypad: Hands) -> None:
    begin, end = epoch("2030-01-08T10:00:00"), epoch("2030-01-08T11:00:00")
    await session.create(limited(valid_from=begin, valid_until=end))
    said = [await says(session, keypad, at) for at in (begin - 1, begin, end - 1, end)]
    assert said == ["not_yet_valid", "granted", "granted", "expired"]


@pytest.mark.req("LW-054")
async def test_a_window_opens_with_its_first_minute_and_not_with_its_last(session: Session, keypad: Hands) -> None:
    await session.create(limited(window(WORKDAYS, "08:00", "16:00")))
    moments = ("2030-01-07T07:59:59", "2030-01-07T08:00:00", "2030-01-07T15:59:59", "2030-01-07T16:00:00")
    said = [await says(session, keypad, epoch(moment)) for moment in moments]
    assert said == ["outside_window", "granted", "granted", "outside_window"]


@pytest.mark.req("LW-054")
@pytest.mark.parametrize("day", range(7))
async def test_a_weekday_is_that_of_the_lock(session: Session, keypad: Hands, day: int) -> None:
    await session.create(limited(window(1 << day, "00:00", "24:00")))
    said = [await says(session, keypad, epoch(f"2030-01-{7 + other:02}T12:00:00")) for other in range(7)]
    assert said == ["granted" if other == day else "wrong_weekday" for other in range(7)]


@pytest.mark.req("LW-054")
async def test_a_window_across_midnight_belongs_to_the_day_on_which_it_begins(session: Session, keypad: Hands) -> None:
    await session.create(limited(window(FRIDAY, "22:00", "06:00")))
    moments = {
        "2030-01-11T05:59:59": "outside_window",
        "2030-01-11T21:59:59": "outside_window",
        "2030-01-11T22:00:00": "granted",
        "2030-01-12T05:59:59": "granted",
        "2030-01-12T06:00:00": "outside_window",
        "2030-01-12T22:00:00": "outside_window",
        "2030-01-13T01:00:00": "wrong_weekday",
    }
    assert {moment: await says(session, keypad, epoch(moment)) for moment in moments} == moments


@pytest.mark.req("LW-054")
@pytest.mark.parametrize(
    ("zone", "opens", "closed"),
    [
        ("Europe/Warsaw", ("01-07T08:00:00", "07-08T08:00:00"), ("01-07T07:59:59", "07-08T07:59:59")),
        ("America/New_York", ("03-11T08:00:00", "11-04T08:00:00"), ("03-11T07:59:00", "11-04T07:59:00")),
        ("Australia/Lord_Howe", ("01-07T08:00:00", "07-08T08:00:00"), ("01-07T07:59:59", "07-08T16:00:00")),
        ("Asia/Kolkata", ("01-07T08:00:00", "01-07T15:59:59"), ("01-07T07:59:59", "01-07T16:00:00")),
    ],
)
async def test_windows_are_judged_by_the_wall_clock_of_the_zone_summer_and_winter(
    session: Session, keypad: Hands, zone: str, opens: tuple[str, str], closed: tuple[str, str]
) -> None:
    await session.create(limited(window(WORKDAYS, "08:00", "16:00")))
    assert [await says(session, keypad, epoch(f"2030-{moment}", zone), zone) for moment in opens] == [
        "granted",
        "granted",
    ]
    assert [await says(session, keypad, epoch(f"2030-{moment}", zone), zone) for moment in closed] == [
        "outside_window"
    ] * 2


@pytest.mark.req("LW-054")
async def test_the_hour_that_spring_skips_does_not_open_and_the_one_that_autumn_repeats_opens_twice(
    session: Session, keypad: Hands
) -> None:
    zone = "Europe/Warsaw"
    await session.create(limited(window(SUNDAY, "02:00", "03:00")))
    skipped = epoch("2030-03-31T01:00:00")  # 02:00 becomes 03:00
    said = [await says(session, keypad, skipped + seconds, zone) for seconds in (-1, 0, 1800, 3599)]
    assert said == ["outside_window"] * 4
    repeated = epoch("2030-10-27T00:00:00")  # 02:00 for the first time; an hour later for the second
    said = [await says(session, keypad, repeated + seconds, zone) for seconds in (-1, 0, 3599, 3600, 7199, 7200)]
    assert said == ["outside_window", "granted", "granted", "granted", "granted", "outside_window"]


@pytest.mark.req("LW-054")
async def test_one_open_window_of_several_is_enough(session: Session, keypad: Hands) -> None:
    windows = [window(EVERY_DAY, f"{hour:02}:00", f"{hour:02}:30") for hour in (6, 9, 12, 15)]
    await session.create(limited(*windows))
    said = [await says(session, keypad, epoch(f"2030-01-07T{hour:02}:15:00")) for hour in (6, 7, 9, 12, 15, 16)]
    assert said == ["granted", "outside_window", "granted", "granted", "granted", "outside_window"]


@pytest.mark.req("LW-055")
@pytest.mark.parametrize(
    "rule",
    [
        *ZONES.values(),
        "WGT3WGST,M3.5.0/-2,M10.5.0/-1",
        "AAA0BBB,J60,J300",
        "AAA0BBB,59,300",
        "<-03>3",
        "AAA24BBB,0/0,J365/167",
    ],
)
async def test_a_rule_that_the_grammar_allows_is_taken(session: Session, rule: str) -> None:
    answer = await session.ask(ClockSetRequest(time=NOON, force=True, zone="Test/Zone", rule=rule))
    assert not isinstance(answer, Refusal)
    await show(session, NOON)


@pytest.mark.req("LW-055", "LW-038")
@pytest.mark.parametrize(
    "rule", ["", "CET", "C-1", "CET-1CEST", "CET-25", "CET-1CEST,M13.1.0,M10.5.0", "CET-1:60", "<C>1"]
)
async def test_a_rule_that_the_grammar_does_not_allow_is_refused(session: Session, rule: str) -> None:
    answer = await session.ask(ClockSetRequest(time=NOON, force=True, zone="Test/Zone", rule=rule))
    assert answer == Refusal(status=Status.INVALID, rule=Rule.ZONE_RULE)


@pytest.mark.req("LW-038")
@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        (limited(window(EVERY_DAY, "08:00", "08:00")), Rule.WINDOW_TIMES),
        (limited(Window(weekdays=window(127, "0:0", "1:0").weekdays, start=0, end=1441)), Rule.WINDOW_TIMES),
        (limited(valid_from=NOON, valid_until=NOON), Rule.VALIDITY_ORDER),
        (PinEntry(digits="1234", alias="a"), Rule.DIGITS_LENGTH),
        (PinEntry(digits="123456789", alias="a"), Rule.DIGITS_LENGTH),
        (PinEntry(digits="97a31", alias="a"), Rule.DIGITS_DECIMAL),
        (PinEntry(digits="11112", alias="a"), Rule.DIGITS_VARIETY),
        (PinEntry(digits="345678", alias="a"), Rule.DIGITS_SEQUENCE),
        (PinEntry(digits="97531", alias=""), Rule.ALIAS_LENGTH),
        (PinEntry(digits="97531", alias="x" * 33), Rule.ALIAS_LENGTH),
        (PinEntry(digits="97531", alias="a\nb"), Rule.ALIAS_CONTROL),
    ],
    ids=lambda value: value.name if isinstance(value, Rule) else None,
)
async def test_the_rule_that_a_pin_breaks_is_told(session: Session, entry: PinEntry, rule: Rule) -> None:
    before = await session.status()
    answer = await session.try_change(lambda operation: PinCreateRequest(operation=operation, entry=entry))
    assert answer == Refusal(status=Status.INVALID, rule=rule)
    assert await session.status() == before
