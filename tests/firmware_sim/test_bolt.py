"""The bolt over time: drawn by a granted entry alone, thrown again by itself."""

import pytest

from firmware_sim.behaviours.bolt import OPEN_NS, TRAVEL_NS
from firmware_sim.events import Woken
from protocol.messages.audit import AuditReadRequest, AuditReadResponse
from protocol.messages.bolt import BoltOperateRequest
from protocol.messages.device import StatusRequest, StatusResponse
from protocol.messages.pairing import UnpairRequest
from protocol.vocabulary import AuditEvent, BoltAction, BoltState, Cause
from tests.firmware_sim.bench import ANNA, BOB, Bench, Bridge, peer_of

TRAVEL, HOLD = TRAVEL_NS / 1e9, OPEN_NS / 1e9
LOCKED, UNLOCKING, UNLOCKED, LOCKING = (
    BoltState.LOCKED,
    BoltState.UNLOCKING,
    BoltState.UNLOCKED,
    BoltState.LOCKING,
)


def lock() -> tuple[Bench, Bridge]:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    return bench, bridge


def bolt(bench: Bench) -> BoltState:
    bench.happen(Woken())
    return bench.device.firmware.bolt.state


def test_the_bolt_travels_holds_and_travels_back() -> None:
    bench, _ = lock()
    assert bolt(bench) is LOCKED
    assert bench.opens(ANNA.digits)
    for seconds, before, after in ((TRAVEL, UNLOCKING, UNLOCKED), (HOLD, UNLOCKED, LOCKING), (TRAVEL, LOCKING, LOCKED)):
        assert bolt(bench) is before
        bench.wait(seconds - 0.001)
        assert bolt(bench) is before
        bench.wait(0.001)
        assert bolt(bench) is after
    bench.wait(1000)
    assert bolt(bench) is LOCKED


def test_the_lock_asks_to_be_woken_for_each_movement_and_rests_when_locked() -> None:
    bench, _ = lock()
    bench.enter(ANNA.digits)
    wishes = []
    while (wake := bench.device.firmware.bolt.wake_ns) is not None:
        assert bench.device.wake_ns == wake
        wishes.append(wake)
        bench.now_ns = wake
        bench.happen(Woken())
    assert wishes == [TRAVEL_NS, TRAVEL_NS + OPEN_NS, 2 * TRAVEL_NS + OPEN_NS]
    assert bolt(bench) is LOCKED


def test_a_driver_that_sleeps_too_long_finds_every_movement_ended() -> None:
    bench, _ = lock()
    bench.enter(ANNA.digits)
    bench.wait(TRAVEL + HOLD)
    assert bolt(bench) is LOCKING
    bench.enter(ANNA.digits)
    bench.wait(3600)
    assert bolt(bench) is LOCKED


@pytest.mark.parametrize(
    ("wait", "then", "until_thrown"),
    [
        (TRAVEL / 2, UNLOCKING, TRAVEL / 2 + HOLD),
        (TRAVEL + HOLD / 2, UNLOCKED, HOLD),
        (TRAVEL + HOLD, UNLOCKING, TRAVEL + HOLD),
    ],
    ids=["while unlocking", "while unlocked", "while locking"],
)
def test_another_entry_keeps_the_bolt_drawn_or_turns_it_round(
    wait: float, then: BoltState, until_thrown: float
) -> None:
    bench, _ = lock()
    bench.enter(ANNA.digits)
    bench.wait(wait)
    bolt(bench)
    bench.enter(ANNA.digits)
    assert bolt(bench) is then
    bench.wait(until_thrown - 0.001)
    assert bolt(bench) is UNLOCKED
    bench.wait(0.001)
    assert bolt(bench) is LOCKING


def test_nothing_but_a_granted_entry_draws_the_bolt() -> None:
    bench, bridge = lock()
    for typed in (BOB.digits, "1", ""):
        assert not bench.opens(typed)
        assert bolt(bench) is LOCKED
    bench.hold_button()
    bridge.listed()
    bridge.clear()
    assert not bench.opens(ANNA.digits)
    bridge.ask(UnpairRequest())
    assert bolt(bench) is LOCKED
    bench.power_cycle()
    assert bolt(bench) is LOCKED


# --- power, jams and requests ---


def told(bridge: Bridge) -> list[tuple[AuditEvent, Cause]]:
    page = bridge.told(AuditReadRequest(after=0), AuditReadResponse)
    moves = {AuditEvent.LOCK, AuditEvent.UNLOCK, AuditEvent.PULL, AuditEvent.JAM}
    return [(record.event, record.cause) for record in page.records if record.event in moves]


def unlock(operation: int) -> BoltOperateRequest:
    return BoltOperateRequest(operation=operation, action=BoltAction.UNLOCK)


@pytest.mark.parametrize(("wait", "found"), [(0.1, BoltState.UNKNOWN), (TRAVEL, UNLOCKED)])
def test_a_lock_that_starts_throws_a_bolt_that_is_not_thrown_after_the_hold(wait: float, found: BoltState) -> None:
    bench, bridge = lock()
    bridge.change(unlock)
    bench.wait(wait)
    bolt(bench)
    bench.power_cycle()
    assert bolt(bench) is found
    bench.wait(HOLD - 0.001)
    assert bolt(bench) is found
    bench.wait(0.001)
    assert bolt(bench) is LOCKING
    bridge.connect()
    assert told(bridge) == [(AuditEvent.UNLOCK, Cause.REQUEST), (AuditEvent.LOCK, Cause.AUTOMATIC)]


def test_a_jam_is_told_and_tried_again_by_the_next_entry_alone() -> None:
    bench, bridge = lock()
    bench.device.hardware.blocked = True
    bench.enter(ANNA.digits)
    bench.wait(1000)
    assert bolt(bench) is BoltState.UNKNOWN
    assert bridge.told(StatusRequest(), StatusResponse).jammed
    assert told(bridge) == [(AuditEvent.JAM, Cause.NONE)]
    bench.device.hardware.blocked = False
    bench.wait(1000)
    assert bolt(bench) is BoltState.UNKNOWN
    bench.enter(ANNA.digits)
    bench.wait(TRAVEL)
    assert bolt(bench) is UNLOCKED
    assert not bridge.told(StatusRequest(), StatusResponse).jammed


def test_a_repeated_operation_moves_nothing_after_a_loss_of_power() -> None:
    bench, bridge = lock()
    request = unlock(bridge.operation + 1)
    answer = bridge.ask(request)
    bench.power_cycle()
    bench.wait(HOLD)
    bolt(bench)
    bench.wait(TRAVEL)
    bridge.connect()
    assert bridge.ask(request) == answer
    assert bolt(bench) is LOCKED


def test_an_unlock_ends_the_hold_of_an_entry() -> None:
    bench, bridge = lock()
    bench.enter(ANNA.digits)
    bench.wait(TRAVEL)
    bridge.change(unlock)
    bench.wait(1000)
    assert bolt(bench) is UNLOCKED
