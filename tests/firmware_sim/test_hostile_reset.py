"""A link that begins anew under a fault plan: nothing that was under way before reaches either end after it."""

import asyncio

import pytest

from firmware_sim.device import GEOMETRY
from firmware_sim.failing_flash import FailingFlash
from firmware_sim.faults import CpuKind, Direction, Fault, LinkKind
from firmware_sim.flash import NorFlash
from firmware_sim.hostile import HostileSimulator
from firmware_sim.simulator import seeded_entropy
from protocol.framing import encode_frame
from tests.firmware_sim.bench import transport
from tests.virtual_time import run, virtual_loop

ASKED = encode_frame(transport())
"""What a lock without any session answers with a refusal."""


class Wire:
    """One end of a link that keeps what the lock does with it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.heard.append(data)

    def hang_up(self) -> None:
        raise AssertionError("the lock hung up")


def lock_under(*plan: Fault) -> HostileSimulator:
    return HostileSimulator(
        FailingFlash(NorFlash(GEOMETRY)), plan, luck=1, slots=3, entropy=seeded_entropy(1), now=virtual_loop().now_ns
    )


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("kind", [LinkKind.REORDER, LinkKind.COALESCE, LinkKind.LATE])
def test_what_was_held_back_or_late_is_lost_and_what_comes_then_is_not(kind: LinkKind, direction: Direction) -> None:
    async def main() -> None:
        lock, wires = lock_under(Fault(kind=kind, at=0, seconds=2, direction=direction)), [Wire(), Wire()]
        first, second = (lock.attach(wire, connection=False) for wire in wires)
        await asyncio.sleep(0.1)
        lock.receive(first, ASKED)
        lock.reset(first)
        await asyncio.sleep(3)
        assert wires[0].heard == []
        lock.receive(first, ASKED)
        lock.receive(second, ASKED)
        assert [len(wire.heard) for wire in wires] == [1, 1]

    run(main())


def test_what_waits_for_a_stalled_lock_is_lost_on_that_link_alone() -> None:
    async def main() -> None:
        lock, wires = lock_under(Fault(kind=CpuKind.STALL, at=0, seconds=2)), [Wire(), Wire()]
        first, second = (lock.attach(wire, connection=False) for wire in wires)
        await asyncio.sleep(1)
        for number in (first, second, first):
            lock.receive(number, ASKED)
        lock.reset(first)
        lock.receive(first, ASKED)
        await asyncio.sleep(2)
        assert [len(wire.heard) for wire in wires] == [1, 1]

    run(main())


def test_a_link_that_is_gone_begins_nothing_anew() -> None:
    async def main() -> None:
        lock, wire = lock_under(), Wire()
        number = lock.attach(wire, connection=False)
        lock.detach(number)
        lock.reset(number)
        lock.receive(number, ASKED)
        assert wire.heard == []

    run(main())
