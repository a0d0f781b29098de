"""How fast whole runs are: exchanges in virtual time over a link that fails."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter_ns
from unittest.mock import patch

from firmware_sim.faults import CpuKind, Fault, LinkKind
from protocol import codec
from tests.simulation.world import World, prepare
from tests.virtual_time import run

from .measuring import Aim, Race, Side

BATCH = 50
HOSTILE = (
    Fault(kind=LinkKind.DROP, probability=0.02),
    Fault(kind=LinkKind.DUPLICATE, probability=0.02),
    Fault(kind=LinkKind.BIT_FLIP, probability=0.01),
    Fault(kind=LinkKind.REORDER, probability=0.01),
    Fault(kind=LinkKind.SPLIT, probability=0.05, size=20),
    Fault(kind=LinkKind.LATE, probability=0.01, seconds=0.2),
    Fault(kind=CpuKind.RESET, probability=0.0005),
)
EXCHANGES_AIM = Aim(sentence="3,000 simulated exchanges a second with faults on", p50=1_000_000 / 3000)


def races() -> list[Race]:
    """Return the rows; each call is the mean of a batch, as faults strike only now and then."""
    against = "the same exchange over a link in memory that carries everything"
    hostile, kind = partial(_exchanges, HOSTILE), partial(_exchanges, ())
    return [
        Race(
            name="simulated exchange, hostile",
            against=against,
            ours=_in_virtual_time(hostile),
            limit=_in_virtual_time(kind),
            aim=EXCHANGES_AIM,
        ),
        Race(
            name="interpreted exchange, hostile",
            against=f"{against}, also by the interpreted codec",
            ours=_in_virtual_time(partial(_interpreted, hostile)),
            limit=_in_virtual_time(partial(_interpreted, kind)),
            aim=EXCHANGES_AIM,
        ),
    ]


@contextmanager
def interpreted() -> Iterator[None]:
    """Read and write each record by its layout, as if no module had been generated from the layouts."""
    with patch.dict(codec._READERS, clear=True), patch.dict(codec._WRITERS, clear=True):
        yield


async def _interpreted(measure: Callable[[int], Awaitable[list[float]]], calls: int) -> list[float]:
    with interpreted():
        return await measure(calls)


def _in_virtual_time(measure: Callable[[int], Coroutine[object, object, list[float]]]) -> Side:
    """Return a side that runs in a loop of its own, which needs a thread of its own; this one waits for it."""

    def in_thread(calls: int) -> list[float]:
        prepare()
        return run(measure(calls))

    async def side(calls: int) -> list[float]:
        return await asyncio.to_thread(in_thread, calls)

    return side


async def _exchanges(plan: Sequence[Fault], calls: int) -> list[float]:
    world = World(1, bridges=1, steps=0, plan=plan)
    client = world.bridges[0].client()
    try:
        await client.ping()
        return await _timed(partial(client.ping, bytes(32)), calls)
    finally:
        await client.close()
        world.lock.stop()


async def _timed(call: Callable[[], Awaitable[object]], calls: int) -> list[float]:
    taken = []
    for _ in range(calls):
        start = perf_counter_ns()
        for _ in range(BATCH):
            await call()
        taken.append((perf_counter_ns() - start) / 1000 / BATCH)
    return taken
