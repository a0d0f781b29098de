"""Faults that a hand starts and ends while a lock runs: over the control socket, and by `sim faults`."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_sim.control import answer, call, serve_control
from firmware_sim.device import GEOMETRY
from firmware_sim.errors import ControlError
from firmware_sim.failing_flash import FailingFlash
from firmware_sim.faults import CpuKind, Fault, LinkKind
from firmware_sim.flash import NorFlash
from firmware_sim.hostile import HostileSimulator
from firmware_sim.simulator import Simulator
from tests.firmware_sim.bench import ANNA
from tests.firmware_sim.test_hostile import (
    Wire,
    flash_with_anna,
    in_virtual_time,
    lock_under,
)
from tests.together.processes import Place, place


@pytest.fixture
def folder() -> Iterator[Place]:
    with place(way="pty") as made:
        yield made


@in_virtual_time
async def test_faults_strike_from_now_on_beside_those_that_strike_already() -> None:
    lock = lock_under(Fault(kind=LinkKind.DUPLICATE, probability=1))
    wire = Wire(lock)
    await asyncio.sleep(5)
    lock.strike([Fault(kind=CpuKind.RESET, at=1), Fault(kind=LinkKind.DROP, at=3)])
    assert lock.fired == []
    await asyncio.sleep(2)
    assert (lock.fired, wire.hung_up) == ([CpuKind.RESET], 1)
    await asyncio.sleep(2)
    other = Wire(lock)
    other.ask()
    assert other.heard == []  # the due one takes all that the other makes of it
    assert lock.fired[1:] == [LinkKind.DUPLICATE, LinkKind.DROP]


@in_virtual_time
async def test_a_mended_lock_is_as_new_but_for_what_it_has_lost() -> None:
    flash = flash_with_anna()
    lock = lock_under(flash=flash)
    assert isinstance(lock._failing, FailingFlash)
    lock._failing.bad_pages.add(3)
    lock._failing.endurance = 0
    lock.drift_clock(100_000)
    lock.keep_busy(600)
    lock.strike([Fault(kind=CpuKind.STALL, at=0, seconds=600), Fault(kind=CpuKind.RESET, at=5)])
    await asyncio.sleep(1)
    wire = Wire(lock)
    assert wire.ask() == 0
    lock.mend()
    assert len(wire.heard) == 1
    assert lock._failing.bad_pages == set()
    assert lock.snapshot().damage == ""
    start = lock.snapshot().time
    await asyncio.sleep(1000)
    assert lock.snapshot().time - start == 1000
    assert lock.fired == [CpuKind.STALL]
    assert lock.enter(ANNA.digits).granted


# --- over the control socket ---


class Heard(Wire):
    """A wire in real time."""

    def send(self, data: bytes) -> None:
        self.heard.append(data)


def test_a_hand_lets_faults_strike_and_ends_them(tmp_path: Path) -> None:
    path = tmp_path / "ctl"

    async def main() -> None:
        lock = HostileSimulator(FailingFlash(NorFlash(GEOMETRY)), [], luck=1, slots=3)
        async with serve_control(lock, path):
            wire = Heard(lock)
            drop = {"link": "drop", "probability": 1}
            assert (await call(path, {"do": "faults", "plan": [drop]}))["faults"] == 0
            assert wire.ask() == 0
            assert (await call(path, {"do": "faults", "end": True}))["faults"] == 1
            assert wire.ask() == 1
        lock.stop()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({}, "this lock knows "),
        ({"end": False}, "this lock knows "),
        ({"plan": None}, "a plan is a list with a table for each fault"),
        ({"plan": "drop"}, "a plan is a list"),
        ({"plan": [7]}, "a plan is a list"),
        ({"plan": [{"link": "drop", "at": 1}, {}]}, 'fault 2, "link": give each fault one of link, flash, clock, cpu'),
        ({"plan": [{"link": "melt", "at": 1}]}, 'fault 1, "link": there is no such fault, only drop'),
        ({"plan": [{"link": "drop", "at": -1}]}, 'fault 1, "at": give seconds after the start'),
        ({"plan": [{"link": "drop", "at": 1, "8640197": 1}]}, 'fault 1, "?": a drop has no such key'),
        ({"plan": [{"link": ["8640197"], "at": 1}]}, 'fault 1, "link": there is no such fault'),
    ],
)
def test_a_plan_that_makes_no_sense_is_told_and_none_of_it_strikes(request_: dict[str, object], sentence: str) -> None:
    async def main() -> None:
        lock = HostileSimulator(FailingFlash(NorFlash(GEOMETRY)), [], luck=1, slots=3)
        told = answer(lock, json.dumps({"do": "faults"} | request_).encode())
        assert told["ok"] is False
        assert f"did not understand: {sentence}" in told["error"]
        assert "8640197" not in told["error"]
        assert lock._timers == []
        lock.stop()

    asyncio.run(main())


def test_a_lock_that_was_started_without_faults_says_how_to_start_one(tmp_path: Path) -> None:
    path = tmp_path / "ctl"

    async def main() -> None:
        lock = Simulator(NorFlash(GEOMETRY), slots=3)
        async with serve_control(lock, path):
            with pytest.raises(ControlError, match=r"takes no faults\. Start it with `sim run --faults FILE`"):
                await call(path, {"do": "faults", "end": True})
        lock.stop()

    asyncio.run(main())


# --- by a command ---


def test_the_command_reads_a_file_and_ends_faults(folder: Place) -> None:
    control = ("--control", folder.path("ctl"))
    empty, plan, wrong = (Path(folder.path(name)) for name in ("empty.toml", "plan.toml", "wrong.toml"))
    empty.touch()
    plan.write_text('[[fault]]\ncpu = "reset"\nat = 0\n')
    wrong.write_text('[[fault]]\nlink = "drop"\n')
    with folder.staying("sim", "run", "--tcp", "127.0.0.1:0", *control, "--faults", str(empty)):
        assert folder.latchwire("sim", "faults", str(plan), *control).code == 0
        ended = folder.latchwire("sim", "faults", "--end", *control, "--json")
        assert (ended.code, ended.json()["faults"]) == (0, 1)
        for words in ((), (str(plan), "--end"), (str(wrong),), (folder.path("none"),)):
            refused = folder.latchwire("sim", "faults", *words, *control)
            assert (refused.code, refused.err.count("\n")) == (2, 1), refused.err
        assert 'wrong.toml, line 1, "probability"' in folder.latchwire("sim", "faults", str(wrong), *control).err
