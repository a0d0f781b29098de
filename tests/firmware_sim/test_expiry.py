"""Expiry: once a day, only with a trusted clock, a day after a pin's end and last change, one pin in one record."""

from dataclasses import replace
from itertools import count

import pytest

from firmware_sim.clock import DAY, NANOSECONDS
from firmware_sim.device import GEOMETRY
from firmware_sim.errors import PowerCut
from firmware_sim.failing_flash import FailingFlash
from firmware_sim.flash import NorFlash
from firmware_sim.records import AUDIT_KEYS
from firmware_sim.store import Region
from protocol.messages.clock import ClockSetRequest
from protocol.messages.pins import LastOperationRequest, LastOperationResponse
from protocol.vocabulary import AuditEvent, AuditRecord, Cause, ClockState, PinEntry, Schedule
from tests.firmware_sim.bench import ANNA, Bench, Bridge, peer_of
from tests.firmware_sim.flashes import TEARS, drawn

NOW = 1_800_000_000
UTC = ClockSetRequest(time=NOW, force=False, zone="UTC", rule="UTC0")


def until(valid_until: int, digits: str = "86420") -> PinEntry:
    return PinEntry(digits=digits, alias="guest", schedule=Schedule(valid_until=valid_until))


def lock(*, flash: NorFlash | FailingFlash | None = None) -> tuple[Bench, Bridge]:
    """A lock whose clock is set at the moment at which it has started."""
    bench = Bench(flash=flash)
    bridge = peer_of(bench)
    bridge.ask(UTC)
    return bench, bridge


def sleep_until(bench: Bench, seconds: float) -> None:
    """Let time pass until so many seconds after the start; the lock is woken as it asks to be."""
    end = round(seconds * NANOSECONDS)
    while (wake := bench.device.wake_ns) is not None and wake <= end:
        bench.wait((wake - bench.now_ns) / NANOSECONDS)
        bench.wake()
    bench.now_ns = end
    bench.wake()


def ids(bench: Bench) -> list[int]:
    return [pin.id for _, pin in bench.device.firmware.memory.slots()]


def expired(bench: Bench) -> list[AuditRecord]:
    kept = (bench.device.firmware.memory.get(key, AuditRecord) for key in AUDIT_KEYS)
    return [record for record in kept if record and record.event is AuditEvent.PIN_EXPIRED]


# --- what is removed ---


def test_a_removal_moves_the_list_version_by_one_is_recorded_and_is_no_operation() -> None:
    bench, bridge = lock()
    for entry in (ANNA, until(NOW + 60), until(NOW + 60, "246813")):
        bridge.created(entry)
    version = bench.list_version
    sleep_until(bench, DAY)
    assert (ids(bench), bench.list_version) == ([1, 2, 3], version)
    sleep_until(bench, 2 * DAY)
    assert (ids(bench), bench.list_version) == ([1], version + 2)
    first, second = expired(bench)
    assert (first.pin_id, second.pin_id, second.sequence) == (2, 3, first.sequence + 1)
    assert (first.time, first.clock, first.cause, first.peer_id) == (
        NOW + 2 * DAY, ClockState.TRUSTED, Cause.AUTOMATIC, 0,
    )  # fmt: skip
    bridge.connect()
    assert bridge.told(LastOperationRequest(), LastOperationResponse).operation == 3
    assert not bench.opens("86420")


@pytest.mark.parametrize(("end", "sweep"), [(NOW, 1), (NOW + 1, 2), (NOW + DAY, 2), (NOW + DAY + 1, 3)])
def test_a_pin_is_removed_by_the_first_sweep_a_whole_day_after_its_end(end: int, sweep: int) -> None:
    bench, bridge = lock()
    bridge.created(until(end))
    for number in range(1, sweep + 1):
        sleep_until(bench, number * DAY - 0.001)
        assert ids(bench) == [1]
        sleep_until(bench, number * DAY)
    assert ids(bench) == []


@pytest.mark.parametrize(("changed", "sweep"), [(0, 1), (1, 2), (DAY - 1, 2)])
def test_a_pin_that_ended_long_ago_stays_a_whole_day_after_its_last_change(changed: int, sweep: int) -> None:
    bench, bridge = lock()
    bridge.created(until(NOW - 100 * DAY))
    bench.wait(changed)
    bridge.update(1, until(NOW - 90 * DAY))
    sleep_until(bench, sweep * DAY - 0.001)
    assert ids(bench) == [1]
    sleep_until(bench, sweep * DAY)
    assert ids(bench) == []


def test_a_pin_without_an_end_stays_for_ever() -> None:
    bench, bridge = lock()
    bridge.created(PinEntry(digits="86420", alias="cleaner", schedule=Schedule(valid_from=NOW - DAY)))
    sleep_until(bench, 400 * DAY)
    assert bench.opens("86420")


def test_a_pin_for_a_year_opens_for_a_year_and_is_removed_a_day_later() -> None:
    bench, bridge = lock()
    bridge.created(until(NOW + 365 * DAY))
    sleep_until(bench, 365 * DAY - 1)
    assert bench.opens("86420")
    sleep_until(bench, 365 * DAY)
    assert (bench.opens("86420"), ids(bench)) == (False, [1])
    sleep_until(bench, 366 * DAY)
    assert ids(bench) == []


# --- trust ---


def test_nothing_is_removed_while_the_clock_is_not_trusted() -> None:
    bench, bridge = lock()
    bridge.created(until(NOW - DAY))
    bench.show(None)
    bench.show(NOW + 10 * DAY)
    version = bench.list_version
    sleep_until(bench, 30 * DAY)
    assert (ids(bench), bench.list_version, expired(bench)) == ([1], version, [])


def test_a_pin_changed_without_trust_counts_as_changed_at_the_first_trusted_sweep() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(until(NOW - 10 * DAY))
    sleep_until(bench, 2 * DAY)
    bridge.connect()
    bridge.ask(UTC)
    version, start = bench.list_version, 2 * DAY
    for days in (1, 1.999):
        sleep_until(bench, start + days * DAY)
        assert (ids(bench), bench.list_version) == ([1], version)
    sleep_until(bench, start + 2 * DAY)
    assert (ids(bench), bench.list_version) == ([], version + 1)


# --- when ---


def test_a_jump_forward_and_back_within_a_day_removes_nothing() -> None:
    bench, bridge = lock()
    bridge.created(until(NOW + 3 * DAY))
    bench.wait(DAY - 1)
    bridge.ask(replace(UTC, time=NOW + 400 * DAY))
    sleep_until(bench, 2 * DAY - 2)
    assert ids(bench) == [1]
    bridge.connect()
    bridge.ask(replace(UTC, time=NOW + 2 * DAY - 2, force=True))
    sleep_until(bench, 3 * DAY - 3)
    assert bench.opens("86420")
    sleep_until(bench, 3 * DAY)
    assert ids(bench) == [1]


@pytest.mark.parametrize(("moved", "sweep"), [(300, DAY), (301, DAY + 100), (-300, DAY), (-301, DAY + 100)])
def test_a_clock_that_is_set_by_more_than_five_minutes_begins_the_day_anew(moved: int, sweep: int) -> None:
    bench, bridge = lock()
    bridge.created(until(NOW - 10 * DAY))
    memory = bench.device.firmware.memory
    ((key, pin),) = memory.slots()
    memory.stage(key, replace(pin, changed=NOW - 10 * DAY))
    memory.commit()
    bench.wait(100)
    bridge.ask(replace(UTC, time=NOW + 100 + moved, force=True))
    sleep_until(bench, sweep - 0.001)
    assert ids(bench) == [1]
    sleep_until(bench, sweep)
    assert ids(bench) == []


def test_the_day_begins_anew_with_the_power() -> None:
    bench, bridge = lock()
    bridge.created(until(NOW - DAY))
    sleep_until(bench, 3600)
    bench.now_ns = (DAY - 1) * NANOSECONDS
    bench.power_cycle()
    sleep_until(bench, 2 * DAY - 1.001)
    assert ids(bench) == [1]
    sleep_until(bench, 2 * DAY - 1)
    assert ids(bench) == []


# --- power is lost ---


def test_a_sweep_cut_off_at_any_operation_leaves_whole_removals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_sim.device.LOG", Region(first_page=1, sectors=3, pages_per_sector=1))
    uncut = swept(0)
    assert ids(Bench(flash=uncut[1])) == []
    for cut in count(1):
        finished_, flash, before = swept(cut)
        again = Bench(flash=flash)
        left, removed = ids(again), [record.pin_id for record in expired(again)]
        assert (left, removed) in [([1, 2], []), ([2], [1]), ([], [1, 2])]
        assert again.list_version == before + len(removed)
        if finished_:
            assert cut > 40
            return


def swept(cut: int) -> tuple[bool, NorFlash, int]:
    """Run a sweep over two pins and lose power at its flash operation `cut`; tell whether it ended."""
    flash = NorFlash(GEOMETRY)
    prepared = FailingFlash(flash)
    bench, bridge = lock(flash=prepared)
    bridge.created(until(NOW - DAY))
    bridge.created(until(NOW - DAY, "246813"))
    before = bench.list_version
    bench.now_ns = DAY * NANOSECONDS
    prepared.cut_after(cut, TEARS[cut % 5], drawn(cut))
    try:
        bench.wake()
    except PowerCut:
        return False, flash, before
    return True, flash, before


def test_a_sweep_that_flash_does_not_take_leaves_the_pin_and_the_keypad_works() -> None:
    flash = FailingFlash(NorFlash(GEOMETRY))
    bench, bridge = lock(flash=flash)
    bridge.created(until(NOW + 10))
    bridge.created(ANNA)
    sleep_until(bench, 1.5 * DAY)
    flash.bad_pages = set(range(1, GEOMETRY.pages))
    bench.wait(2 * DAY)
    assert bench.opens(ANNA.digits)
    assert ids(bench) == [1, 2]
