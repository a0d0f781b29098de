"""The lock in a running loop: it is woken when it asks for it, and its links come, go and lose power."""

import asyncio
from dataclasses import dataclass, field

import pytest

from firmware_sim.clock import DAY, NANOSECONDS
from firmware_sim.device import GEOMETRY
from firmware_sim.flash import NorFlash
from firmware_sim.simulator import Simulator, Snapshot, seeded_entropy
from protocol.bluetooth import Advertisement
from protocol.framing import encode_frame
from protocol.messages.hello import HelloFlag
from protocol.vocabulary import BoltState, Denial
from tests.firmware_sim.bench import ANNA, Bench, peer_of, transport
from tests.virtual_time import run, virtual_loop


@dataclass(eq=False)
class Light:
    """A beacon that keeps what it was told to show."""

    shown: list[Advertisement] = field(default_factory=list)

    def show(self, advertisement: Advertisement) -> None:
        self.shown.append(advertisement)


@dataclass
class Wire:
    """One end of a link that keeps what the lock does with it."""

    simulator: Simulator
    connection: bool = True
    heard: bytes = b""
    hung_up: int = 0
    number: int = field(init=False)

    def __post_init__(self) -> None:
        self.number = self.simulator.attach(self, connection=self.connection)

    def send(self, data: bytes) -> None:
        self.heard += data

    def hang_up(self) -> None:
        self.hung_up += 1

    def is_answered(self) -> bool:
        """Say something that the lock refuses, and see whether it does."""
        self.heard = b""
        self.simulator.receive(self.number, encode_frame(transport()))
        return self.heard != b""


def simulator(flash: NorFlash | None = None) -> Simulator:
    return Simulator(flash or NorFlash(GEOMETRY), slots=3, entropy=seeded_entropy(1), now=virtual_loop().now_ns)


def flash_with_anna() -> NorFlash:
    bench = Bench()
    peer_of(bench).created(ANNA)
    assert isinstance(bench.flash, NorFlash)
    return bench.flash


def test_a_seed_repeats_its_random_bytes_and_no_seed_does_not() -> None:
    assert seeded_entropy(5)(32) == seeded_entropy(5)(32) != seeded_entropy(6)(32)
    assert seeded_entropy(None)(32) != seeded_entropy(None)(32)


def test_a_link_is_answered_until_it_is_detached() -> None:
    async def main() -> None:
        wire = Wire(simulator())
        assert wire.is_answered()
        for _ in range(2):
            wire.simulator.detach(wire.number)
        assert not wire.is_answered()

    run(main())


def test_a_silent_connection_is_hung_up_after_ten_seconds_without_anybody_looking() -> None:
    async def main() -> None:
        lock = simulator()
        wires = [Wire(lock, connection=False), Wire(lock)]
        await asyncio.sleep(5)
        wires.append(Wire(lock))
        await asyncio.sleep(5)
        assert [wire.hung_up for wire in wires] == [0, 1, 0]
        await asyncio.sleep(5)
        assert [wire.hung_up for wire in wires] == [0, 1, 1]

    run(main())


def test_a_fourth_link_is_hung_up_at_once_and_a_free_place_is_taken_again() -> None:
    async def main() -> None:
        lock = simulator()
        wires = [Wire(lock) for _ in range(4)]
        assert [wire.hung_up for wire in wires] == [0, 0, 0, 1]
        lock.detach(wires[3].number)
        lock.detach(wires[1].number)
        another = Wire(lock)
        assert another.hung_up == 0
        assert another.is_answered()

    run(main())


def test_the_bolt_moves_by_the_timer_alone() -> None:
    async def main() -> None:
        lock = simulator(flash_with_anna())
        assert lock.enter(ANNA.digits).granted
        states = []
        for _ in range(9):
            states.append(lock.device.firmware.bolt.state)
            await asyncio.sleep(1)
        locked = [BoltState.LOCKED] * 2
        assert states == [BoltState.UNLOCKING, *[BoltState.UNLOCKED] * 5, BoltState.LOCKING, *locked]

    run(main())


def test_entries_and_the_button_reach_the_lock() -> None:
    async def main() -> None:
        lock = simulator(flash_with_anna())
        assert lock.enter("13579").denial is Denial.UNKNOWN
        lock.hold_button(4)
        assert not lock.snapshot().pairing_open
        lock.hold_button(5)
        assert lock.snapshot().pairing_open
        await asyncio.sleep(120)
        assert not lock.snapshot().pairing_open

    run(main())


def test_a_loss_of_power_hangs_up_connections_and_leaves_wires() -> None:
    async def main() -> None:
        lock = simulator()
        wire, connection = Wire(lock, connection=False), Wire(lock)
        lock.hold_button(5)
        lock.power_cycle()
        assert (wire.hung_up, connection.hung_up) == (0, 1)
        assert wire.is_answered()
        assert not connection.is_answered()
        lock.detach(connection.number)
        assert not lock.snapshot().pairing_open
        assert [Wire(lock).hung_up for _ in range(3)] == [0, 0, 1]

    run(main())


def test_the_hands_of_the_clock_are_moved_from_now_on() -> None:
    async def main() -> None:
        lock = simulator()
        await asyncio.sleep(3600)
        lock.move_clock(1_800_000_000)
        assert lock.snapshot().time == 1_800_000_000
        await asyncio.sleep(3600)
        assert lock.snapshot().time == 1_800_003_600
        lock.move_clock(None)
        assert lock.snapshot().time == 0

    run(main())


def test_a_snapshot_tells_what_can_be_seen() -> None:
    async def main() -> None:
        lock = simulator(flash_with_anna())
        await asyncio.sleep(9)
        factory = lock.device.factory
        assert lock.snapshot() == Snapshot(
            lock_id=factory.lock_id,
            serial=factory.serial,
            slots=3,
            used=1,
            list_version=2,
            peers=1,
            pairing_open=False,
            bolt=BoltState.LOCKED,
            jammed=False,
            battery=100,
            locked_out=False,
            wrong_entries=0,
            audit_last=lock.device.firmware.audit.last,
            time=9,
            clock_trusted=False,
            zone="UTC",
            damage="",
        )

    run(main())


def test_a_snapshot_tells_of_damage_and_of_records_that_nobody_can_read() -> None:
    async def main() -> None:
        flash = flash_with_anna()
        Bench(flash=flash).device.store.commit({0x0004: b"from the future"})
        lock = simulator(flash)
        assert "cannot read some of the stored records (1)" in lock.snapshot().damage
        image = flash.read(0, GEOMETRY.size)
        at = image.index(ANNA.digits.encode())
        flash.program(at // 4 * 4, bytes(4))
        damaged = simulator(flash).snapshot().damage
        assert damaged.startswith("Flash was damaged (lost values: 1")
        assert "cannot read some of the stored records (1)" in damaged

    run(main())


def test_a_simulator_that_was_stopped_wakes_no_more() -> None:
    async def main() -> None:
        lock = simulator()
        wire = Wire(lock)
        lock.stop()
        await asyncio.sleep(60)
        assert wire.hung_up == 0

    run(main())


@pytest.mark.parametrize("seconds", [1, 30 * 24 * 3600])
def test_a_lock_that_nobody_talks_to_asks_for_its_daily_sweep_alone(seconds: int) -> None:
    async def main() -> None:
        lock = simulator()
        Wire(lock, connection=False)
        await asyncio.sleep(seconds)
        assert lock.device.wake_ns == (seconds // DAY + 1) * DAY * NANOSECONDS

    run(main())


def test_time_that_passes_at_once_brings_everything_that_falls_due_in_its_turn() -> None:
    async def main() -> None:
        lock = simulator()
        wire = Wire(lock)
        lock.device.clock.set(1_800_000_000)
        lock.pass_time(9)
        assert wire.hung_up == 0
        lock.pass_time(1)
        assert wire.hung_up == 1
        lock.pass_time(3 * DAY)
        floor = lock.device.firmware.memory.floor
        assert floor == 1_800_000_000 + 3 * DAY
        assert (lock.snapshot().time, virtual_loop().time()) == (floor + 10, 0)
        await asyncio.sleep(DAY)
        assert lock.snapshot().time == floor + 10 + DAY

    run(main())


# --- beacons ---


def test_a_beacon_shows_what_is_now_and_whatever_is_new_once() -> None:
    async def main() -> None:
        lock, light = simulator(flash_with_anna()), Light()
        lock.attach_beacon(light)
        assert light.shown == [lock.device.firmware.advertisement]
        lock.snapshot()
        Wire(lock).is_answered()
        assert len(light.shown) == 1
        assert lock.enter(ANNA.digits).granted
        await asyncio.sleep(60)
        first = light.shown[0].change
        assert [(each.change - first) % 256 for each in light.shown] == [0, 1, 2, 3, 4]

    run(main())


def test_a_pairing_window_is_shown_from_its_beginning_to_its_end() -> None:
    async def main() -> None:
        lock, light = simulator(), Light()
        lock.attach_beacon(light)
        lock.hold_button(5)
        assert light.shown[-1].flags is HelloFlag.PAIRING_OPEN
        await asyncio.sleep(119.9)
        assert light.shown[-1].flags is HelloFlag.PAIRING_OPEN
        await asyncio.sleep(0.1)
        assert light.shown[-1].flags == HelloFlag(0)

    run(main())


def test_a_beacon_shows_what_a_start_has_drawn_and_one_that_is_detached_nothing() -> None:
    async def main() -> None:
        lock, stays, goes = simulator(), Light(), Light()
        lock.attach_beacon(stays)
        lock.attach_beacon(goes)
        lock.detach_beacon(goes)
        lock.power_cycle()
        assert stays.shown[-1] == lock.device.firmware.advertisement
        assert (len(stays.shown), len(goes.shown)) == (2, 1)

    run(main())


def test_a_link_begins_anew_and_is_answered_on() -> None:
    async def main() -> None:
        wire = Wire(simulator())
        wire.simulator.receive(wire.number, encode_frame(transport())[:5])
        wire.simulator.reset(wire.number)
        assert wire.is_answered()

    run(main())
