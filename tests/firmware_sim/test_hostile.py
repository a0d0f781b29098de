"""A simulated lock under a fault plan: what each kind does, that it is counted, and that a seed repeats it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from firmware_sim.device import GEOMETRY
from firmware_sim.errors import FlashWorn, PowerCut
from firmware_sim.events import Busied
from firmware_sim.failing_flash import FailingFlash, Tear
from firmware_sim.faults import ClockKind, CpuKind, Direction, Fault, FlashKind, LinkKind
from firmware_sim.flash import NorFlash
from firmware_sim.hostile import HostileSimulator
from firmware_sim.hostile_link import Channel
from firmware_sim.luck import stream
from firmware_sim.simulator import seeded_entropy
from protocol.framing import encode_frame
from protocol.messages.declaration import Refusal
from protocol.messages.device import PingRequest, PingResponse
from protocol.vocabulary import Status
from tests.firmware_sim.bench import ANNA, Bench, peer_of, transport
from tests.virtual_time import run, virtual_loop

ASKED = encode_frame(transport())
"""What a lock without any session answers with a refusal."""


@dataclass
class Wire:
    """One end of a link that keeps what the lock does with it, and when."""

    lock: HostileSimulator
    connection: bool = True
    heard: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    hung_up: int = 0
    number: int = field(init=False)

    def __post_init__(self) -> None:
        self.number = self.lock.attach(self, connection=self.connection)

    def send(self, data: bytes) -> None:
        self.heard.append(data)
        self.times.append(virtual_loop().time())

    def hang_up(self) -> None:
        self.hung_up += 1

    def ask(self) -> int:
        """Say something that is refused, and return how many refusals have been heard in all."""
        self.lock.receive(self.number, ASKED)
        return len(self.heard)


def lock_under(*plan: Fault, luck: int = 1, flash: NorFlash | None = None) -> HostileSimulator:
    return HostileSimulator(
        FailingFlash(flash or NorFlash(GEOMETRY)), plan, luck=luck, slots=3, entropy=seeded_entropy(1),
        now=virtual_loop().now_ns,
    )  # fmt: skip


def in_virtual_time(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Run a test in a loop of virtual time."""

    def plain() -> None:
        async def main() -> None:
            await test()

        run(main())

    plain.__name__ = test.__name__
    return plain


# --- one direction of a link ---


def carried(*faults: Sequence[Fault], pieces: Sequence[bytes] = (b"first", b"second", b"third")) -> list[bytes]:
    """Return what comes out where each piece is hit by the faults at its place; a hung-up link says so."""
    left = iter(faults)
    out: list[bytes] = []

    async def main() -> None:
        channel = Channel(stream(3, "test"), lambda _: next(left, ()), out.append, lambda: out.append(b"HUNG UP"))
        for piece in pieces:
            channel.carry(piece)
        await asyncio.sleep(10)

    run(main())
    return out


def fault(kind: LinkKind, *, seconds: float = 0.0, size: int = 1, byte: int | None = None) -> list[Fault]:
    return [Fault(kind=kind, at=0, seconds=seconds, size=size, byte=byte)]


@pytest.mark.parametrize(
    ("struck", "out"),
    [
        ([], [b"first", b"second", b"third"]),
        (fault(LinkKind.DROP), [b"second", b"third"]),
        (fault(LinkKind.DUPLICATE), [b"first", b"first", b"second", b"third"]),
        (fault(LinkKind.REORDER), [b"second", b"first", b"third"]),
        (fault(LinkKind.COALESCE), [b"firstsecond", b"third"]),
        (fault(LinkKind.SPLIT, size=2), [b"fi", b"rs", b"t", b"second", b"third"]),
        (fault(LinkKind.LATE, seconds=1), [b"second", b"third", b"first"]),
        (fault(LinkKind.DISCONNECT, byte=2), [b"fi", b"HUNG UP", b"second", b"third"]),
        (fault(LinkKind.DISCONNECT, byte=0), [b"HUNG UP", b"second", b"third"]),
        (
            fault(LinkKind.DUPLICATE) + fault(LinkKind.SPLIT, size=3),
            [b"fir", b"st", b"fir", b"st", b"second", b"third"],
        ),
        (fault(LinkKind.COALESCE) + fault(LinkKind.DROP), [b"firstsecond", b"third"]),
    ],
)
def test_a_fault_does_to_the_first_piece_what_its_name_says(struck: Sequence[Fault], out: list[bytes]) -> None:
    assert carried(struck) == out


def test_a_flipped_bit_is_one_bit() -> None:
    (piece,) = carried(fault(LinkKind.BIT_FLIP), pieces=[bytes(40)])
    assert len(piece) == 40
    assert int.from_bytes(piece).bit_count() == 1


def test_a_piece_is_cut_short_by_chance_and_a_link_is_cut_within_it() -> None:
    pieces = [bytes(40)] * 50
    lengths = {len(piece) for piece in carried(*[fault(LinkKind.TRUNCATE)] * 50, pieces=pieces)}
    assert len(lengths) > 20
    assert max(lengths) <= 40
    cut = carried(fault(LinkKind.DISCONNECT), pieces=[b"x" * 40])
    assert cut[-1] == b"HUNG UP"
    assert len(b"".join(cut[:-1])) <= 40


# --- links of a lock ---


@in_virtual_time
async def test_a_fault_strikes_in_its_direction_alone_and_is_counted() -> None:
    for direction in Direction:
        lock = lock_under(Fault(kind=LinkKind.DUPLICATE, probability=1, direction=direction))
        wire = Wire(lock)
        assert wire.ask() == 2
        assert lock.fired == [LinkKind.DUPLICATE]
        assert lock.snapshot().faults == 1
    lock = lock_under(Fault(kind=LinkKind.DUPLICATE, probability=1))
    assert Wire(lock).ask() == 4
    assert lock.snapshot().faults == 3


@in_virtual_time
async def test_a_due_fault_strikes_the_first_piece_that_it_can_and_no_other() -> None:
    lock = lock_under(Fault(kind=LinkKind.DROP, at=5, direction=Direction.OUT))
    wires = [Wire(lock, connection=False), Wire(lock, connection=False)]
    assert [wire.ask() for wire in wires] == [1, 1]
    await asyncio.sleep(5)
    assert [wire.ask() for wire in wires] == [1, 2]
    assert [wire.ask() for wire in wires] == [2, 3]
    assert lock.fired == [LinkKind.DROP]


@in_virtual_time
async def test_a_cut_ends_a_connection_for_good_and_takes_no_more_than_the_piece_from_a_wire() -> None:
    lock = lock_under(Fault(kind=LinkKind.DISCONNECT, at=0, direction=Direction.OUT, byte=3))
    connection = Wire(lock)
    await asyncio.sleep(0.1)
    assert connection.ask() == 1
    assert (len(connection.heard[0]), connection.hung_up) == (3, 1)
    assert connection.ask() == 1
    lock = lock_under(Fault(kind=LinkKind.DISCONNECT, at=0, direction=Direction.OUT, byte=3))
    wire = Wire(lock, connection=False)
    await asyncio.sleep(0.1)
    assert wire.ask() == 1
    assert wire.ask() == 2
    assert [len(piece) for piece in wire.heard] == [3, len(connection.heard[0]) + 10]


@in_virtual_time
async def test_what_is_under_way_when_a_link_ends_is_lost() -> None:
    lock = lock_under(Fault(kind=LinkKind.LATE, probability=1, seconds=1, direction=Direction.IN))
    wire = Wire(lock)
    wire.ask()
    await asyncio.sleep(0.5)
    lock.detach(wire.number)
    lock.detach(wire.number)
    await asyncio.sleep(1)
    assert wire.heard == []


@in_virtual_time
async def test_each_link_and_direction_draws_for_itself() -> None:
    plan = Fault(kind=LinkKind.DROP, probability=0.5, direction=Direction.OUT)

    async def heard(luck: int, disturb: Callable[[HostileSimulator], object]) -> list[float]:
        lock = lock_under(plan, luck=luck)
        wire = Wire(lock, connection=False)
        other = Wire(lock, connection=False)
        began = virtual_loop().time()
        for _ in range(40):
            await asyncio.sleep(11)  # refusals are limited
            wire.ask()
            disturb(lock)
            other.ask()
        return [time - began for time in wire.times]

    calm = await heard(1, lambda _: None)
    assert 5 < len(calm) < 35
    assert calm == await heard(1, lambda _: None)
    assert calm != await heard(2, lambda _: None)

    def busy_neighbour(lock: HostileSimulator) -> None:
        lock.receive(2, ASKED)

    assert calm == await heard(1, busy_neighbour)


# --- flash ---


def flash_with_anna() -> NorFlash:
    bench = Bench()
    peer_of(bench).created(ANNA)
    assert isinstance(bench.flash, NorFlash)
    return bench.flash


@pytest.mark.parametrize("model", Tear)
@pytest.mark.parametrize("operation", [1, 9, 30])
def test_a_brown_out_starts_the_lock_anew_in_that_operation_and_flash_stays_whole(model: Tear, operation: int) -> None:
    async def main() -> None:
        brown_out = Fault(kind=FlashKind.BROWN_OUT, at=1, operation=operation, model=model)
        lock = lock_under(brown_out, flash=flash_with_anna())
        wire, connection = Wire(lock, connection=False), Wire(lock)
        await asyncio.sleep(1)
        assert lock.fired == [FlashKind.BROWN_OUT]
        cuts = 0
        while not cuts:
            try:
                assert lock.enter(ANNA.digits).granted
            except PowerCut:
                cuts += 1
        assert connection.hung_up == 1
        assert wire.ask() == 1
        assert lock.enter(ANNA.digits).granted
        assert lock.snapshot().damage == ""

    run(main())


@in_virtual_time
async def test_power_can_be_cut_again_during_the_boot() -> None:
    brown_out = Fault(kind=FlashKind.BROWN_OUT, at=1, operation=3, model=Tear.RANDOM)
    lock = lock_under(brown_out, flash=flash_with_anna())
    wire = Wire(lock, connection=False)
    await asyncio.sleep(1)
    lock.power_cycle()
    assert wire.ask() == 1
    assert lock.enter(ANNA.digits).granted


@in_virtual_time
async def test_bad_and_worn_pages_take_nothing_more_and_the_lock_says_so() -> None:
    for kinds in (
        [Fault(kind=FlashKind.BAD_BLOCK, at=1, page=page) for page in range(1, 25)],
        [Fault(kind=FlashKind.WORN, at=1, erases=0)],
    ):
        lock = lock_under(*kinds, flash=flash_with_anna())
        await asyncio.sleep(1)
        assert [fault.kind for fault in kinds] == lock.fired
        lock.power_cycle()  # what is stored is still served
        assert lock.device.firmware.pins.used == 1
        assert "Since the start, pages of flash did not keep what was written: " in lock.snapshot().damage


# --- clock and processor ---


@in_virtual_time
async def test_the_clock_is_lost_stepped_and_drifts_as_planned() -> None:
    lock = lock_under(
        Fault(kind=ClockKind.STEP, at=10.25, seconds=3600),
        Fault(kind=ClockKind.STEP, at=20.25, seconds=-100_000),
        Fault(kind=ClockKind.DRIFT, at=30.25, ppm=50_000),
        Fault(kind=ClockKind.LOSE, at=1030.25),
    )
    shown = []
    for until in (9, 10, 20, 30, 1029, 1030, 1040):
        await asyncio.sleep(until + 0.5 - virtual_loop().time())
        shown.append(lock.snapshot().time)
    assert shown == [9, 3610, 1, 11, 1060, 0, 10]
    assert lock.fired == [ClockKind.STEP, ClockKind.STEP, ClockKind.DRIFT, ClockKind.LOSE]


def test_a_busy_lock_says_so_until_it_is_not_and_changes_nothing() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bench.happen(Busied(seconds=2))
    version = bench.list_version
    assert bridge.create(ANNA) == bridge.ask(PingRequest(payload=b"")) == Refusal(status=Status.BUSY)
    bench.wait(1.999)
    assert bridge.ask(PingRequest(payload=b"")) == Refusal(status=Status.BUSY)
    assert (bench.list_version, bench.device.firmware.pins.used) == (version, 0)
    bench.wait(0.001)
    assert bridge.ask(PingRequest(payload=b"")) == PingResponse(payload=b"")
    assert bridge.created(ANNA) == 1


@in_virtual_time
async def test_a_stalled_lock_answers_afterwards_in_order() -> None:
    lock = lock_under(Fault(kind=CpuKind.STALL, at=1, seconds=2), Fault(kind=CpuKind.STALL, at=2, seconds=0.5))
    first, second = Wire(lock, connection=False), Wire(lock, connection=False)
    await asyncio.sleep(1.5)
    assert [first.ask(), second.ask()] == [0, 0]
    await asyncio.sleep(1)
    assert second.ask() == 0
    await asyncio.sleep(1)
    assert (first.times, second.times) == ([3.0], [3.0, 3.0])
    assert [first.ask(), second.ask()] == [2, 3]


@in_virtual_time
async def test_a_reset_ends_connections_and_leaves_wires() -> None:
    lock = lock_under(Fault(kind=CpuKind.RESET, at=1))
    wire, connection = Wire(lock, connection=False), Wire(lock)
    lock.hold_button(5)
    await asyncio.sleep(1)
    assert (wire.hung_up, connection.hung_up) == (0, 1)
    assert not lock.snapshot().pairing_open
    assert wire.ask() == 1


@in_virtual_time
async def test_faults_of_the_lock_by_chance_are_drawn_for_each_piece_and_repeat_themselves() -> None:
    plan = [
        Fault(kind=kind, probability=0.3) for kind in (FlashKind.BROWN_OUT, ClockKind.LOSE, CpuKind.BUSY, CpuKind.RESET)
    ]

    async def fired(luck: int, *more: Fault) -> list[str]:
        lock = lock_under(*plan, *more, luck=luck)
        wire = Wire(lock, connection=False)
        for _ in range(40):
            wire.ask()
        return [str(kind) for kind in lock.fired]

    first = await fired(1)
    assert set(first) == {"brown_out", "lose", "busy", "reset"}
    assert first == await fired(1)
    assert first != await fired(2)
    with_drops = await fired(1, Fault(kind=LinkKind.DROP, probability=0.5))
    assert [kind for kind in with_drops if kind != "drop"] == first


@in_virtual_time
async def test_a_calm_lock_fails_no_more() -> None:
    lock = lock_under(
        Fault(kind=LinkKind.DROP, probability=1),
        Fault(kind=CpuKind.RESET, at=5),
        Fault(kind=FlashKind.BROWN_OUT, at=0, operation=1),
        flash=flash_with_anna(),
    )
    wire = Wire(lock)
    await asyncio.sleep(1)
    assert wire.ask() == 0
    lock.calm()
    assert lock.enter(ANNA.digits).granted
    await asyncio.sleep(5)
    assert (wire.ask(), wire.hung_up) == (1, 0)


@in_virtual_time
async def test_a_stopped_lock_wakes_no_more() -> None:
    lock = lock_under(Fault(kind=CpuKind.STALL, at=0, seconds=5), Fault(kind=CpuKind.RESET, at=3))
    wire = Wire(lock, connection=False)
    await asyncio.sleep(1)
    wire.ask()
    lock.stop()
    await asyncio.sleep(20)
    assert (wire.heard, lock.fired) == ([], [CpuKind.STALL])


def test_a_lock_that_is_bad_from_the_start_says_so() -> None:
    async def main() -> None:
        flash = FailingFlash(NorFlash(GEOMETRY))
        flash.bad_pages.update(range(25))
        with pytest.raises(FlashWorn):
            HostileSimulator(flash, [], luck=1, slots=3)

    run(main())
