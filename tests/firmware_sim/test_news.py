"""What the lock tells to everybody around it: who it is, what a hello would tell, and whether anything is new."""

from firmware_sim.clock import NANOSECONDS
from firmware_sim.device import GEOMETRY, Device
from firmware_sim.events import DigitsEntered
from firmware_sim.flash import NorFlash
from firmware_sim.records import IDENTITY_KEY, Identity
from protocol.bluetooth import Advertisement
from protocol.messages.bolt import BoltOperateRequest
from protocol.messages.device import StatusRequest
from protocol.messages.hello import HelloFlag, Mode
from protocol.vocabulary import BoltAction, BoltState
from tests.firmware_sim.bench import ANNA, BOB, Bench, Bridge, peer_of


def told(bench: Bench) -> Advertisement:
    return bench.device.firmware.advertisement


def change(bench: Bench) -> int:
    return told(bench).change


def test_the_flags_are_those_of_a_hello_now() -> None:
    bench = Bench()
    for flags in (HelloFlag(0), HelloFlag.PAIRING_OPEN):
        assert told(bench).lock_id == bench.device.factory.lock_id
        assert told(bench).flags == Bridge(bench).greet(Mode.SESSION).lock.flags == flags
        bench.hold_button()
    bridge = peer_of(bench)
    assert told(bench).flags == bridge.greet(Mode.SESSION).lock.flags == HelloFlag.PAIRED


def test_the_lock_is_awake_when_its_pairing_window_ends() -> None:
    bench = Bench()
    bench.wait(1)
    bench.hold_button()
    assert bench.device.wake_ns == 121 * NANOSECONDS
    bench.wait(120)
    bench.wake()
    assert told(bench).flags == HelloFlag(0)
    assert bench.device.wake_ns != 121 * NANOSECONDS


def test_a_change_of_the_list_is_news_and_a_question_is_not() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    before = change(bench)
    pin_id = bridge.created(ANNA)
    assert change(bench) == before + 1
    bridge.update(pin_id, BOB)
    assert change(bench) == before + 2
    bridge.ask(StatusRequest())
    bridge.update(99, BOB)  # no such pin
    bench.wait(10)
    bench.wake()
    assert change(bench) == before + 2
    bridge.delete(pin_id)
    assert change(bench) == before + 3


def test_an_entry_is_news_and_so_is_each_step_of_the_bolt() -> None:
    bench = Bench()
    peer_of(bench).created(ANNA)
    counts, states = [change(bench)], [bench.device.firmware.bolt.state]
    bench.happen(DigitsEntered(digits=ANNA.digits))
    for _ in range(4):
        counts.append(change(bench))
        states.append(bench.device.firmware.bolt.state)
        wake = bench.device.wake_ns
        assert wake is not None
        bench.now_ns = wake
        bench.wake()
    assert [count - counts[0] for count in counts] == [0, 1, 2, 3, 4]
    assert states == [
        BoltState.LOCKED,
        BoltState.UNLOCKING,
        BoltState.UNLOCKED,
        BoltState.LOCKING,
        BoltState.LOCKED,
    ]


def test_a_wrong_entry_is_news_by_its_audit_record_alone() -> None:
    bench = Bench()
    before = change(bench)
    assert not bench.opens("13579")
    assert change(bench) == before + 1


def test_a_jam_is_news_and_so_is_its_end() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bench.device.hardware.blocked = True
    bridge.change(lambda operation: BoltOperateRequest(operation=operation, action=BoltAction.UNLOCK))
    before = change(bench)
    bench.wait(1)
    bench.wake()
    assert bench.device.firmware.bolt.jammed
    assert change(bench) == before + 1


def test_each_start_draws_a_counter_of_its_own() -> None:
    first = {change(Bench(seed=seed)) for seed in range(20)}
    assert len(first) > 10
    bench = Bench()
    again = []
    for _ in range(20):
        bench.power_cycle()
        again.append(change(bench))
    assert len(set(again)) > 10


def test_the_counter_begins_with_a_byte_that_is_none_of_the_key_and_wraps() -> None:
    entropy = bytes(range(200, 200 + 32)) + b"\xff"
    lock = Device(NorFlash(GEOMETRY), slots=1, epoch=0, now=lambda: 0, entropy=lambda count: entropy[-count:])
    identity = lock.firmware.memory.get(IDENTITY_KEY, Identity)
    assert identity is not None
    assert identity.private == entropy[:32]
    assert lock.firmware.advertisement.change == 0xFF
    lock.happen(DigitsEntered(digits="13579"))
    assert lock.firmware.advertisement.change == 0
