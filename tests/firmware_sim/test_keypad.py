"""Entries at the keypad: each reason to deny, local time, every slot visited, and no digits in what is kept."""

import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from firmware_sim.events import Decided, DigitsEntered
from firmware_sim.keypad import SENTENCES, Decision
from firmware_sim.records import Pin
from protocol.messages.clock import ClockSetRequest, ClockSetResponse
from protocol.messages.pins import PinCreateRequest
from protocol.vocabulary import Denial, PinEntry, Schedule, Weekdays, Window
from tests.firmware_sim.bench import ANNA, BOB, CARL, Bench, Bridge, peer_of

WARSAW = "CET-1CEST,M3.5.0,M10.5.0/3"
KATHMANDU = "<+0545>-5:45"
EVERY_DAY = Weekdays(127)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
DIGITS = "8640197"


def at(text: str, zone: str = "UTC") -> int:
    """Epoch seconds of a local time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def lock(*, time: int = at("2026-03-01T12:00"), rule: str = "UTC0") -> tuple[Bench, Bridge]:
    """A lock with a clock that is set; one that is shown an earlier time is not believed."""
    bench = Bench()
    bridge = peer_of(bench)
    set_clock(bridge, time, rule)
    return bench, bridge


def set_clock(bridge: Bridge, time: int, rule: str = "UTC0") -> None:
    assert isinstance(bridge.ask(ClockSetRequest(time=time, force=True, zone="Zone", rule=rule)), ClockSetResponse)


def pin(*windows: Window, valid_from: int = 0, valid_until: int = 0) -> PinEntry:
    schedule = Schedule(valid_from=valid_from, valid_until=valid_until, windows=windows)
    return PinEntry(digits=DIGITS, alias="Guest", schedule=schedule)


def denial_at(bench: Bench, time: int) -> Denial | None:
    """Type DIGITS at a time."""
    bench.show(time)
    decision = bench.enter(DIGITS)
    assert decision.granted is (decision.denial is None)
    return decision.denial


# --- reasons ---


def test_a_granted_entry_names_its_pin() -> None:
    bench, bridge = lock()
    bridge.created(BOB)
    bridge.created(ANNA)
    assert bench.enter(ANNA.digits) == Decision(granted=True, pin_id=2)


@pytest.mark.parametrize("typed", ["", "1234", "123456789", "12a45", "97531 ", "９７５３１", "97531\n", "\ud800"])
def test_an_entry_that_no_keypad_has_is_malformed(typed: str) -> None:
    bench, bridge = lock()
    bridge.created(ANNA)
    assert bench.enter(typed) == Decision(granted=False, denial=Denial.MALFORMED)


@pytest.mark.parametrize("typed", ["12345", "11111", "097531", "975310", "13579"])
def test_an_entry_of_other_digits_is_unknown(typed: str) -> None:
    bench, bridge = lock()
    bridge.created(ANNA)
    assert bench.enter(typed) == Decision(granted=False, denial=Denial.UNKNOWN)


def test_each_reason_denies_with_the_pin_that_it_is_about() -> None:
    bench, bridge = lock(time=at("2026-11-23T12:00"))
    noon, later = at("2026-11-23T12:00"), at("2026-11-23T13:00")
    reasons = {
        Denial.DISABLED: replace(pin(valid_until=1), enabled=False),
        Denial.NOT_YET_VALID: pin(valid_from=later),
        Denial.EXPIRED: pin(valid_until=noon),
        Denial.WRONG_WEEKDAY: pin(Window(weekdays=Weekdays.TUESDAY, start=0, end=1440)),
        Denial.OUTSIDE_WINDOW: pin(Window(weekdays=Weekdays.MONDAY, start=0, end=720)),
        None: pin(Window(weekdays=Weekdays.MONDAY, start=720, end=721), valid_from=noon, valid_until=noon + 1),
    }
    bridge.created(pin())
    for denial, entry in reasons.items():
        bridge.update(1, entry)
        assert bench.enter(DIGITS) == Decision(granted=denial is None, pin_id=1, denial=denial)


NOON = at("2026-11-23T12:00")
TUESDAY = Window(weekdays=Weekdays.TUESDAY, start=0, end=1440)
MONDAY_EVENING = Window(weekdays=Weekdays.MONDAY, start=1200, end=1260)


@pytest.mark.parametrize("disabled", [None, Denial.DISABLED])
@pytest.mark.parametrize("untrusted", [None, Denial.CLOCK_UNTRUSTED])
@pytest.mark.parametrize(
    ("valid_from", "valid_until", "invalid"),
    [(0, 0, None), (NOON + 1, 0, Denial.NOT_YET_VALID), (0, NOON, Denial.EXPIRED)],
)
@pytest.mark.parametrize(
    ("windows", "closed"),
    [([TUESDAY], Denial.WRONG_WEEKDAY), ([TUESDAY, MONDAY_EVENING], Denial.OUTSIDE_WINDOW)],
)
def test_of_several_reasons_the_first_in_the_order_of_the_contract_is_told(
    disabled: Denial | None,
    untrusted: Denial | None,
    valid_from: int,
    valid_until: int,
    invalid: Denial | None,
    windows: list[Window],
    closed: Denial,
) -> None:
    bench, bridge = lock(time=NOON)
    entry = pin(*windows, valid_from=valid_from, valid_until=valid_until)
    bridge.created(replace(entry, enabled=disabled is None))
    if untrusted:
        bench.show(None)
    assert bench.enter(DIGITS).denial is (disabled or untrusted or invalid or closed)


def test_every_denial_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Denial)


def test_an_untrusted_clock_denies_limited_pins_alone() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    always = Window(weekdays=EVERY_DAY, start=0, end=1440)
    for limited in (pin(always), pin(valid_until=0xFFFFFFFF), pin(valid_from=1)):
        bridge.clear()
        bridge.created(ANNA)
        bridge.created(limited)
        bench.show(None)
        assert bench.opens(ANNA.digits)
        bench.show(at("2026-11-23T12:00"))
        assert bench.enter(DIGITS).denial is Denial.CLOCK_UNTRUSTED
        set_clock(bridge, at("2026-11-23T12:00"))
        assert bench.opens(DIGITS)


def test_validity_begins_and_ends_as_time_passes_at_the_lock() -> None:
    now = at("2026-11-23T12:00")
    bench, bridge = lock(time=now)
    bridge.created(pin(valid_from=now + 10, valid_until=now + 20))
    seen = []
    for _ in range(30):
        seen.append(bench.enter(DIGITS).denial)
        bench.wait(1)
    assert seen == [Denial.NOT_YET_VALID] * 10 + [None] * 10 + [Denial.EXPIRED] * 10


# --- local time ---


def test_windows_are_judged_by_the_zone_and_not_by_utc() -> None:
    bench, bridge = lock(rule=WARSAW)
    bridge.created(pin(Window(weekdays=EVERY_DAY, start=8 * 60, end=9 * 60)))
    assert denial_at(bench, at("2026-07-20T08:30", "Europe/Warsaw")) is None
    assert denial_at(bench, at("2026-07-20T09:30", "Europe/Warsaw")) is Denial.OUTSIDE_WINDOW
    assert denial_at(bench, at("2026-11-23T08:30", "Europe/Warsaw")) is None
    assert denial_at(bench, at("2026-11-23T08:30", "UTC")) is Denial.OUTSIDE_WINDOW


def test_weekdays_are_those_of_the_zone() -> None:
    bench, bridge = lock(rule=KATHMANDU)
    bridge.created(pin(Window(weekdays=Weekdays.MONDAY, start=0, end=1440)))
    for minute, opens in ((-1, False), (0, True), (1439, True), (1440, False)):
        local = at("2026-11-23T00:00", "Asia/Kathmandu") + minute * 60
        assert (denial_at(bench, local) is None) is opens


def test_a_new_zone_moves_the_windows_with_the_wall_clock() -> None:
    bench, bridge = lock()
    bridge.created(pin(Window(weekdays=EVERY_DAY, start=8 * 60, end=9 * 60)))
    time = at("2026-11-23T07:30")
    assert denial_at(bench, time) is Denial.OUTSIDE_WINDOW
    set_clock(bridge, time, WARSAW)
    assert bench.enter(DIGITS).denial is None
    bench.power_cycle()
    assert denial_at(bench, time) is None


@pytest.mark.parametrize("day", range(7))
def test_each_weekday_bit_opens_on_its_own_day(day: int) -> None:
    bench, bridge = lock()
    bridge.created(pin(Window(weekdays=Weekdays(1 << day), start=0, end=1440)))
    opens = [denial_at(bench, int((MONDAY + timedelta(days=other)).timestamp())) is None for other in range(7)]
    assert opens == [other == day for other in range(7)]


def test_a_window_opens_with_its_first_minute_and_closes_before_its_end() -> None:
    bench, bridge = lock()
    bridge.created(pin(Window(weekdays=EVERY_DAY, start=8 * 60, end=9 * 60)))
    edges = {"07:59:59": False, "08:00:00": True, "08:59:59": True, "09:00:00": False}
    for clock, opens in edges.items():
        assert (denial_at(bench, at(f"2026-11-23T{clock}")) is None) is opens


def test_a_window_that_crosses_midnight_opens_and_belongs_to_the_day_on_which_it_began() -> None:
    bench, bridge = lock()
    bridge.created(pin(Window(weekdays=Weekdays.FRIDAY, start=22 * 60, end=6 * 60)))
    moments = {
        "2026-11-27T05:59": Denial.OUTSIDE_WINDOW,  # Friday morning belongs to Thursday
        "2026-11-27T21:59": Denial.OUTSIDE_WINDOW,
        "2026-11-27T22:00": None,
        "2026-11-28T05:59": None,
        "2026-11-28T06:00": Denial.OUTSIDE_WINDOW,
        "2026-11-28T22:00": Denial.OUTSIDE_WINDOW,
        "2026-11-29T05:00": Denial.WRONG_WEEKDAY,
    }
    assert {moment: denial_at(bench, at(moment)) for moment in moments} == moments


def test_the_hour_that_spring_skips_does_not_open_and_the_one_that_autumn_repeats_opens_twice() -> None:
    bench, bridge = lock(rule=WARSAW)
    bridge.created(pin(Window(weekdays=EVERY_DAY, start=2 * 60, end=3 * 60)))

    def minutes_open(day: str) -> int:
        start = at(f"{day}T00:00", "Europe/Warsaw")
        return sum(denial_at(bench, start + 60 * minute) is None for minute in range(0, 6 * 60, 5)) * 5

    assert [minutes_open(day) for day in ("2026-03-28", "2026-03-29", "2026-10-25")] == [60, 0, 120]


# --- nothing tells which slot ---


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The digits that were compared with an entry, one after another."""
    seen: list[bytes] = []

    def spy(left: bytes, right: bytes) -> bool:
        seen.append(left)
        return left == right

    monkeypatch.setattr(hmac, "compare_digest", spy)
    return seen


@pytest.mark.parametrize("typed", [ANNA.digits, BOB.digits, CARL.digits, "55443"])
def test_an_entry_visits_every_slot_whichever_matches(typed: str, compared: list[bytes]) -> None:
    bench, bridge = lock()
    for entry in (ANNA, BOB, replace(CARL, enabled=False)):
        bridge.created(entry)
    compared.clear()
    bench.enter(typed)
    assert compared == [entry.digits.encode() for entry in (ANNA, BOB, CARL)]


def test_no_event_record_request_or_decision_shows_digits() -> None:
    bench, bridge = lock()
    entry = pin()
    bridge.created(entry)
    decision = bench.enter(DIGITS)
    kept: list[object] = [
        DigitsEntered(digits=DIGITS),
        Decided(decision=decision),
        decision,
        entry,
        Pin(id=1, entry=entry),
        PinCreateRequest(operation=1, entry=entry),
        list(bench.device.firmware.memory.slots()),
        bridge.listed(),
        *bench.passed,
    ]
    assert [type(shown) for shown in kept if DIGITS in f"{shown!r} {shown}"] == []
