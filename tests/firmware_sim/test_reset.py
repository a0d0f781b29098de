"""The reset: everything of the owner goes in one flash record, and the bolt stays where it is."""

from itertools import count

import pytest

from firmware_sim.behaviours.audit import Audit
from firmware_sim.behaviours.reset import stage_reset
from firmware_sim.clock import Clock
from firmware_sim.device import GEOMETRY
from firmware_sim.errors import PowerCut
from firmware_sim.failing_flash import FailingFlash
from firmware_sim.flash import NorFlash
from firmware_sim.memory import Memory
from firmware_sim.records import AUDIT_RECORDS
from protocol.messages.audit import AuditReadRequest, AuditReadResponse
from protocol.vocabulary import AuditEvent, BoltState, PinEntry
from tests.firmware_sim.bench import ANNA, Bench, RefusedByLock, peer_of
from tests.firmware_sim.test_lockout import copied


def test_a_reset_forgets_the_owner_and_counts_on() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    last, version, key = bench.device.firmware.audit.last, bench.list_version, bridge.lock_key
    bench.open(2)
    bench.hold_button(10)
    assert bench.closed == [2]
    assert (bench.peers, bench.list_version, bench.window_open) == ([], version + 1, False)
    assert not bench.opens(ANNA.digits)
    again = peer_of(bench, 2)
    assert again.lock_key != key
    page = again.told(AuditReadRequest(after=0), AuditReadResponse)
    assert (page.first, page.records[0].event) == (last + 1, AuditEvent.RESET)
    assert again.created(ANNA) == 2


def test_the_bolt_goes_on_as_before_a_reset() -> None:
    bench = Bench()
    peer_of(bench).created(ANNA)
    bench.enter(ANNA.digits)
    bolt = bench.device.firmware.bolt
    bench.hold_button(10)
    assert (bench.device.firmware.bolt, bolt.state) == (bolt, BoltState.UNLOCKING)


def test_a_hold_that_is_too_short_for_a_reset_opens_the_window() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bench.hold_button(9.9)
    assert (bench.peers, bench.window_open) == ([bridge.peer_id], True)


def test_a_full_lock_with_a_full_audit_can_be_reset() -> None:
    bench = Bench(slots=250)
    bridge = peer_of(bench)
    for number in range(250):
        bridge.created(PinEntry(digits=f"1357{number:04}", alias="a" * 32))
    assert bench.device.firmware.audit.last > AUDIT_RECORDS
    bench.hold_button(10)
    assert (bench.peers, bench.device.firmware.pins.used) == ([], 0)


def test_power_lost_in_a_reset_leaves_the_lock_as_before_or_reset() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    image = bench.bytes()
    whole = NorFlash(GEOMETRY)
    copied(whole, image, 0)
    start = whole.operations
    Bench(flash=whole)
    boot = whole.operations - start
    outcomes = []
    for operation in count(1):
        flash = NorFlash(GEOMETRY)
        cut = copied(flash, image, boot + operation)
        try:
            Bench(flash=cut).hold_button(10)
            break
        except PowerCut:
            after = Bench(flash=flash)
        wiped = not after.peers
        assert after.device.firmware.pins.used == (0 if wiped else 1)
        assert after.device.firmware.bolt.state is BoltState.LOCKED
        outcomes.append(wiped)
        bridge.bench, bridge.lock_key = after, bridge.lock_key
        try:
            bridge.connect()
            assert not wiped
        except RefusedByLock:
            assert wiped
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {False, True}


def test_a_reset_after_which_flash_takes_no_new_key_leaves_a_lock_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    flash = FailingFlash(NorFlash(GEOMETRY))
    bench = Bench(flash=flash)
    peer_of(bench).created(ANNA)

    def reset_and_fail(memory: Memory, clock: Clock, audit: Audit) -> None:
        stage_reset(memory, clock, audit)
        memory.afterwards(lambda: flash.bad_pages.update(range(1, GEOMETRY.pages)))

    monkeypatch.setattr("firmware_sim.firmware.stage_reset", reset_and_fail)
    bench.hold_button(10)
    assert flash.bad_pages
    assert bench.peers == []
    assert not bench.opens(ANNA.digits)
    bench.power_cycle()
    assert not bench.opens(ANNA.digits)
