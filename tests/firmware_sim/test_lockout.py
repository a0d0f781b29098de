"""The keypad's lock-out: how long, what ends it, and that no loss of power wins a try."""

import hmac
from itertools import count

import pytest

from firmware_sim.device import GEOMETRY
from firmware_sim.errors import PowerCut
from firmware_sim.events import Woken
from firmware_sim.failing_flash import FailingFlash
from firmware_sim.flash import NorFlash
from protocol.messages.audit import AuditReadRequest, AuditReadResponse
from protocol.vocabulary import AuditEvent, Denial
from tests.firmware_sim.bench import ANNA, BOB, Bench, Bridge, peer_of
from tests.firmware_sim.flashes import TEARS, cut_flash

WRONG = BOB.digits


def lock() -> tuple[Bench, Bridge]:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    return bench, bridge


def type_wrong(bench: Bench, times: int = 5) -> None:
    for _ in range(times):
        assert bench.enter(WRONG).denial is Denial.UNKNOWN


def events(bridge: Bridge) -> list[tuple[AuditEvent, int]]:
    page = bridge.told(AuditReadRequest(after=0), AuditReadResponse)
    return [(record.event, record.detail) for record in page.records]


def test_each_lock_out_is_twice_as_long_up_to_an_hour() -> None:
    bench, _ = lock()
    for seconds in (60, 120, 240, 480, 960, 1920, 3600, 3600):
        type_wrong(bench)
        bench.wait(seconds - 0.001)
        assert bench.enter(ANNA.digits).denial is Denial.LOCKED_OUT
        bench.wait(0.001)
    assert bench.opens(ANNA.digits)
    type_wrong(bench)
    bench.wait(60)
    assert bench.opens(ANNA.digits)


def test_four_wrong_entries_and_a_granted_one_begin_again() -> None:
    bench, _ = lock()
    for _ in range(3):
        type_wrong(bench, 4)
        assert bench.opens(ANNA.digits)


def test_nothing_is_compared_in_a_lock_out(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _ = lock()
    type_wrong(bench)
    compared: list[bytes] = []
    monkeypatch.setattr(hmac, "compare_digest", lambda left, _: compared.append(left))
    assert bench.enter(ANNA.digits).denial is Denial.LOCKED_OUT
    assert bench.enter("1").denial is Denial.LOCKED_OUT
    assert compared == []


def test_entries_in_a_lock_out_are_not_recorded() -> None:
    bench, bridge = lock()
    before = len(events(bridge))
    type_wrong(bench)
    recorded = events(bridge)[before:]
    assert recorded == [(AuditEvent.ENTRY_DENIED, Denial.UNKNOWN)] * 5 + [(AuditEvent.LOCKED_OUT, 1)]
    image = bench.bytes()
    bench.enter(ANNA.digits)
    assert (events(bridge)[before:], bench.bytes()) == (recorded, image)


def test_a_loss_of_power_begins_a_lock_out_anew_and_neither_clock_nor_time_before_ends_it() -> None:
    bench, _ = lock()
    type_wrong(bench)
    bench.wait(59)
    bench.power_cycle()
    bench.show(4_000_000_000)
    bench.wait(59)
    assert bench.enter(ANNA.digits).denial is Denial.LOCKED_OUT
    bench.wait(1)
    assert bench.opens(ANNA.digits)


def test_a_lock_out_that_is_over_does_not_begin_again() -> None:
    bench, _ = lock()
    type_wrong(bench)
    bench.wait(60)
    bench.happen(Woken())
    bench.power_cycle()
    assert bench.opens(ANNA.digits)


def copied(flash: NorFlash, image: bytes, cut: int) -> FailingFlash:
    for address in range(0, GEOMETRY.size, 4):
        if (word := image[address : address + 4]) != b"\xff" * 4:
            flash.program(address, word)
    return cut_flash(flash, cut, TEARS[cut % 5])


@pytest.mark.parametrize("before", [0, 4])
def test_a_denial_that_shows_has_been_counted_wherever_power_is_lost(before: int) -> None:
    bench, _ = lock()
    type_wrong(bench, before)
    image = bench.bytes()
    whole = NorFlash(GEOMETRY)
    copied(whole, image, 0)
    start = whole.operations
    Bench(flash=whole)
    boot = whole.operations - start
    for operation in count(1):
        flash = NorFlash(GEOMETRY)
        shown = False
        try:
            Bench(flash=copied(flash, image, boot + operation)).enter(WRONG)
            shown = True
        except PowerCut:
            pass
        after = Bench(flash=flash)
        lockout, last = after.device.firmware.lockout, after.device.firmware.audit.last
        counted = lockout.locked_out if before == 4 else lockout.wrong == 1
        assert counted or not shown
        assert counted is (last > bench.device.firmware.audit.last + 2)  # two starts, and the entry's own record
        if shown:
            assert operation > 5
            return
