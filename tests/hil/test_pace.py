"""A bench without a hand at the clock keeps to the lock's limits by waiting, and looks for it without counting."""

import asyncio
from pathlib import Path

from hil.line import Pace
from protocol.framing import Kind
from tests.hil.outlets import bench_in
from tests.virtual_time import run


def test_hellos_wait_until_the_lock_takes_them() -> None:
    async def scenario() -> list[float]:
        pace, times = Pace(), []
        for _ in range(9):
            await pace.before(Kind.HELLO_REQUEST)
            times.append(round(asyncio.get_running_loop().time(), 1))
        return [time - times[0] for time in times]

    times = run(scenario())
    assert times == [0, 0, 0, 0, 10.5, 10.5, 10.5, 10.5, 21.0]


def test_whatever_is_said_waits_where_the_lock_would_fall_silent() -> None:
    async def scenario() -> float:
        pace = Pace()
        for _ in range(9):
            await pace.before(Kind.TRANSPORT)
            pace.after(Kind.REFUSED)
        pace.after(Kind.TRANSPORT)
        begun = asyncio.get_running_loop().time()
        await pace.before(Kind.TRANSPORT)
        return asyncio.get_running_loop().time() - begun

    assert round(run(scenario()), 1) == 10.5


def test_a_lock_is_seen_however_often_somebody_looks(tmp_path: Path) -> None:
    async def scenario() -> list[bool]:
        async with bench_in(tmp_path) as bench:
            return [await bench.presence() for _ in range(40)]

    assert all(asyncio.run(scenario()))
