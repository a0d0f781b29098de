"""How a row of the table is measured: two sides take turns, so that a noisy machine is unfair to neither."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, inf
from statistics import median
from time import perf_counter_ns

MAX_CALLS = 200
"""The most calls of one side in one round: each may leave a pin behind, and a lock has no more than 250 slots."""

Side = Callable[[int], Awaitable[list[float]]]
"""One round of one side: makes so many calls and returns the microseconds of each."""


class BenchmarkFailed(Exception):
    """What was to be measured did not happen; a figure would be one of something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """The most that a row may show: of its ratio, or of its p50 in microseconds."""

    sentence: str
    ratio: float = inf
    p50: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """A row to be: `ours` is what people use, `limit` the least that the same machine needs, as `against` says."""

    name: str
    against: str
    ours: Side
    limit: Side
    aim: Aim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as measured, in microseconds: p50 is the median of the rounds' medians, p99 is that of all calls."""

    name: str
    p50: float
    p99: float
    limit_p50: float
    limit_p99: float
    ratio: float
    against: str
    aim: str | None
    met: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A row that has no limit of the same machine; `note` says what was measured."""

    name: str
    value: float
    unit: str
    note: str
    aim: str | None = None
    met: bool | None = None


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this thread, and all processes that it starts, on one core where the system allows that.

    Two processes that take turns are mostly put on one core, and sometimes on two, which makes a raw ping-pong two to
    ten times slower: left to the scheduler, that choice alone would decide a ratio. The kernel's worker that carries
    the bytes of a pty cannot be kept: the raw ping-pong over a pty has two speeds for that reason.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


async def run(race: Race, rounds: int, calls: int) -> Row:
    """Let both sides make `rounds` rounds of `calls` calls in turn, after one round of each that does not count."""
    await race.ours(calls)
    await race.limit(calls)
    ours, limit = [], []
    for _ in range(rounds):
        await asyncio.sleep(0)  # plain calls never give way, and an interrupt waits for that
        ours.append(await race.ours(calls))
        limit.append(await race.limit(calls))
    p50, limit_p50 = _p50(ours), _p50(limit)
    ratio = p50 / limit_p50
    return Row(
        name=race.name,
        p50=p50,
        p99=_p99(ours),
        limit_p50=limit_p50,
        limit_p99=_p99(limit),
        ratio=ratio,
        against=race.against,
        aim=race.aim.sentence if race.aim else None,
        met=ratio <= race.aim.ratio and p50 <= race.aim.p50 if race.aim else None,
    )


async def awaited(call: Callable[[], Awaitable[object]], calls: int) -> list[float]:
    """Time calls that are awaited."""
    taken = []
    for _ in range(calls):
        start = perf_counter_ns()
        await call()
        taken.append((perf_counter_ns() - start) / 1000)
    return taken


def plain(call: Callable[[], object], *, batch: int = 1) -> Side:
    """Return a side of plain calls; what is too short for the clock is timed in a `batch` and divided by its size."""

    async def side(calls: int) -> list[float]:
        taken = []
        for _ in range(calls):
            start = perf_counter_ns()
            for _ in range(batch):
                call()
            taken.append((perf_counter_ns() - start) / 1000 / batch)
        return taken

    return side


def _p50(rounds: list[list[float]]) -> float:
    return median(median(calls) for calls in rounds)


def _p99(rounds: list[list[float]]) -> float:
    """Return the least figure that 99 of 100 calls do not exceed."""
    ordered = sorted(call for calls in rounds for call in calls)
    return ordered[ceil(0.99 * len(ordered)) - 1]
