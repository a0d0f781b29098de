"""The floor under a lost time, what the audit says of the clock, and entries at a lock that has lost it."""

from dataclasses import replace
from datetime import datetime

import pytest

from firmware_sim.clock import DAY, MAX_TIME, NANOSECONDS
from firmware_sim.errors import StoreFull
from firmware_sim.events import ClockDrifted
from firmware_sim.records import AUDIT_KEYS, ZONE_KEY, Zone
from protocol.messages.clock import ClockSetRequest, ClockSetResponse
from protocol.messages.declaration import Refusal
from protocol.vocabulary import (
    AuditEvent,
    AuditRecord,
    Cause,
    ClockState,
    Denial,
    PinEntry,
    Rule,
    Schedule,
    Status,
    Weekdays,
    Window,
)
from tests.firmware_sim.bench import ANNA, Bench, Bridge, peer_of

NOW = 1_800_000_000
SET = ClockSetRequest(time=NOW, force=False, zone="Europe/Warsaw", rule="CET-1CEST,M3.5.0,M10.5.0/3")
BACK = Refusal(status=Status.INVALID, rule=Rule.CLOCK_STEP_BACK)
TAKEN = ClockSetResponse(list_version=2)


def lock() -> tuple[Bench, Bridge]:
    """A lock whose clock is set at the moment at which it has started."""
    bench = Bench()
    bridge = peer_of(bench)
    assert bridge.ask(SET) == TAKEN
    return bench, bridge


def floor(bench: Bench) -> int:
    return bench.device.firmware.memory.floor


# --- the floor ---


def test_a_clock_that_has_lost_the_time_goes_no_further_back_than_its_floor_without_force() -> None:
    bench, bridge = lock()
    bench.show(None)
    bench.show(MAX_TIME - 1000)  # what an untrusted clock shows counts for nothing
    assert bridge.ask(replace(SET, time=NOW - 301)) == BACK
    assert bridge.ask(replace(SET, time=NOW - 300)) == TAKEN
    assert floor(bench) == NOW
    bench.show(None)
    assert bridge.ask(replace(SET, time=NOW - 301)) == BACK


def test_a_floor_goes_back_with_force() -> None:
    bench, bridge = lock()
    assert bridge.ask(replace(SET, time=5, force=True)) == TAKEN
    assert floor(bench) == 5
    bench.show(None)
    assert bridge.ask(replace(SET, time=1)) == TAKEN


def test_a_trusted_clock_that_shows_a_time_behind_its_floor_is_believed_no_more() -> None:
    bench, bridge = lock()
    guest = PinEntry(digits="86420", alias="guest", schedule=Schedule(valid_until=NOW + 3600))
    bridge.created(guest)
    bridge.created(ANNA)
    bench.wait(DAY)
    bench.wake()
    assert floor(bench) == NOW + DAY
    assert bench.enter(guest.digits).denial is Denial.EXPIRED
    bench.show(NOW + 10)
    for _ in range(2):
        assert bench.enter(guest.digits).denial is Denial.CLOCK_UNTRUSTED
        assert bench.opens(ANNA.digits)
        bench.power_cycle()
    assert records(bench, AuditEvent.CLOCK_LOST)
    bridge.shake()
    assert isinstance(bridge.ask(replace(SET, time=NOW + DAY + 60)), ClockSetResponse)
    assert bench.enter(guest.digits).denial is Denial.EXPIRED


def test_a_step_back_that_stays_above_the_floor_is_believed() -> None:
    bench, _ = lock()
    bench.show(NOW + 7200)
    bench.show(NOW + 10)
    assert bench.device.firmware.clock.trusted


def test_a_zone_that_this_firmware_cannot_read_lets_no_schedule_open() -> None:
    bench, bridge = lock()
    daily = Schedule(windows=(Window(weekdays=Weekdays(127), start=0, end=1440),))
    office = PinEntry(digits="86420", alias="office", schedule=daily)
    bridge.created(office)
    bridge.created(ANNA)
    bench.device.firmware.memory.stage(ZONE_KEY, Zone(name="Future", rule="of a later firmware"))
    bench.device.firmware.memory.commit()
    bench.power_cycle()
    assert bench.enter(office.digits).denial is Denial.CLOCK_UNTRUSTED
    assert bench.opens(ANNA.digits)
    bridge.shake()
    assert isinstance(bridge.ask(replace(SET, zone="UTC", rule="UTC0", force=True)), ClockSetResponse)
    assert bench.opens(office.digits)
    bench.power_cycle()
    assert bench.opens(office.digits)


def test_the_floor_follows_a_trusted_clock_that_shows_a_day_more() -> None:
    bench, _ = lock()
    for day in range(1, 4):
        bench.now_ns = day * DAY * NANOSECONDS - 1
        bench.wake()
        assert floor(bench) == NOW + (day - 1) * DAY
        bench.now_ns += 1
        bench.wake()
        assert floor(bench) == NOW + day * DAY


def test_the_lock_asks_to_be_woken_for_its_floor() -> None:
    bench, _ = lock()
    bench.happen(ClockDrifted(ppm=20))
    assert bench.device.wake_ns == bench.device.clock.when(NOW + DAY)
    bench.now_ns = bench.device.wake_ns or 0
    bench.wake()
    assert floor(bench) == NOW + DAY


def test_a_floor_does_not_follow_a_clock_that_is_not_trusted_and_survives_power() -> None:
    bench, _ = lock()
    bench.show(None)
    bench.wait(5 * DAY)
    bench.wake()
    assert floor(bench) == NOW
    bench.power_cycle()
    assert (floor(bench), bench.device.clock.epoch) == (NOW, NOW + 5 * DAY)
    assert Bench(flash=bench.flash).device.clock.epoch == NOW


def test_a_floor_that_flash_does_not_take_is_left_alone_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _ = lock()
    tried: list[int] = []

    def full(*_: object) -> None:
        tried.append(bench.now_ns)
        raise StoreFull("The store is full.")

    monkeypatch.setattr(type(bench.device.store), "commit", full)
    for hour in range(72):
        bench.now_ns = hour * 3600 * NANOSECONDS
        bench.wake()
    assert tried == [DAY * NANOSECONDS, 2 * DAY * NANOSECONDS]
    assert bench.device.wake_ns == 3 * DAY * NANOSECONDS


# --- what is recorded ---


def records(bench: Bench, event: AuditEvent) -> list[AuditRecord]:
    kept = (bench.device.firmware.memory.get(key, AuditRecord) for key in AUDIT_KEYS)
    return [record for record in kept if record and record.event is event]


def test_a_clock_that_becomes_trusted_moves_far_or_changes_its_zone_is_recorded_with_the_new_time() -> None:
    bench, bridge = lock()
    expected = [NOW]
    for request, recorded in (
        (SET, False),
        (replace(SET, time=NOW + 300), False),
        (replace(SET, time=NOW + 601), True),
        (replace(SET, time=NOW + 300, force=True), True),
        (replace(SET, time=NOW), False),
        (replace(SET, zone="Europe/Berlin"), True),
        (replace(SET, time=NOW - 301), False),  # refused
    ):
        bridge.ask(request)
        expected += [request.time] if recorded else []
        assert [record.time for record in records(bench, AuditEvent.CLOCK_SET)] == expected
    assert {(record.clock, record.cause, record.peer_id) for record in records(bench, AuditEvent.CLOCK_SET)} == {
        (ClockState.TRUSTED, Cause.REQUEST, bridge.peer_id)
    }


def test_a_lost_time_is_recorded_once_also_where_it_was_lost_without_power() -> None:
    bench, _ = lock()
    bench.show(None)
    (record,) = records(bench, AuditEvent.CLOCK_LOST)
    assert (record.time, record.clock) == (NOW, ClockState.UNTRUSTED)
    again = Bench(flash=bench.flash)
    assert len(records(again, AuditEvent.CLOCK_LOST)) == 2
    again.power_cycle()
    assert len(records(again, AuditEvent.CLOCK_LOST)) == 2


# --- entries ---

OFFICE = PinEntry(
    digits="86420",
    alias="office",
    schedule=Schedule(windows=(Window(weekdays=Weekdays(127), start=9 * 60, end=10 * 60),)),
)
NIGHT = replace(OFFICE, schedule=Schedule(windows=(Window(weekdays=Weekdays.SUNDAY, start=2 * 60, end=3 * 60),)))


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_a_lost_time_denies_limited_pins_and_no_others() -> None:
    bench, bridge = lock()
    bridge.ask(replace(SET, time=moment("2027-11-23T09:30:00+01:00")))
    bridge.created(OFFICE)
    bridge.created(ANNA)
    assert (bench.opens(OFFICE.digits), bench.opens(ANNA.digits)) == (True, True)
    bench.show(None)
    assert bench.enter(OFFICE.digits).denial is Denial.CLOCK_UNTRUSTED
    assert bench.opens(ANNA.digits)


@pytest.mark.parametrize(
    ("entry", "at", "opens"),
    [
        (OFFICE, "2027-03-27T08:59:59+01:00", False),
        (OFFICE, "2027-03-27T09:00:00+01:00", True),
        (OFFICE, "2027-03-28T08:59:59+02:00", False),
        (OFFICE, "2027-03-28T09:00:00+02:00", True),
        (OFFICE, "2027-03-28T09:59:59+02:00", True),
        (OFFICE, "2027-03-28T10:00:00+02:00", False),
        (OFFICE, "2027-10-31T09:00:00+01:00", True),
        (OFFICE, "2027-10-31T10:00:00+01:00", False),
        (NIGHT, "2027-03-28T01:59:59+01:00", False),
        (NIGHT, "2027-03-28T03:00:00+02:00", False),  # spring skips the hour
        (NIGHT, "2027-10-31T02:00:00+02:00", True),
        (NIGHT, "2027-10-31T02:59:59+02:00", True),
        (NIGHT, "2027-10-31T02:00:00+01:00", True),  # autumn has it twice
        (NIGHT, "2027-10-31T03:00:00+01:00", False),
    ],
)
def test_a_lock_whose_clock_runs_over_an_edge_of_summer_time_opens_by_the_wall(
    entry: PinEntry, at: str, opens: bool
) -> None:
    bench, bridge = lock()
    bridge.ask(replace(SET, time=moment(at) - 7200, force=True))
    bridge.created(entry)
    bench.wait(7200)
    assert bench.opens(entry.digits) is opens
