"""What a row of the table is and how it is measured: two sides take turns, so that a noisy machine is unfair to none."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter_ns

CALLS = 20
"""Timed calls of one side in one round."""

Side = Callable[[], Awaitable[list[float]]]
"""One round of one side: the microseconds of each of its calls."""


class BenchmarkFailed(Exception):
    """What was to be measured did not happen; a figure of it would be of something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """The most that a row may show: of its ratio, or of its p50 in microseconds."""

    sentence: str
    ratio: float = float("inf")
    p50: float = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """A row to be: `ours` is what people use, `limit` does the same work as `against` says."""

    name: str
    against: str
    ours: Side
    limit: Side
    aim: Aim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as measured, in microseconds: p50 is the median of the rounds' medians, p99 is that of all calls."""

    name: str
    against: str
    p50: float
    p99: float
    limit_p50: float
    limit_p99: float
    ratio: float
    aim: str | None
    met: bool | None


async def run(race: Race, rounds: int) -> Row:
    """Run `rounds` rounds of both sides in turn, after one of each that does not count."""
    await race.ours()
    await race.limit()
    ours, limit = [], []
    for _ in range(rounds):
        ours.append(await race.ours())
        limit.append(await race.limit())
    p50, limit_p50 = _p50(ours), _p50(limit)
    ratio = p50 / limit_p50
    return Row(
        name=race.name,
        against=race.against,
        p50=p50,
        p99=_p99(ours),
        limit_p50=limit_p50,
        limit_p99=_p99(limit),
        ratio=ratio,
        aim=race.aim.sentence if race.aim else None,
        met=ratio <= race.aim.ratio and p50 <= race.aim.p50 if race.aim else None,
    )


async def awaited(call: Callable[[], Awaitable[object]]) -> list[float]:
    """Time a round of calls that are awaited."""
    taken = []
    for _ in range(CALLS):
        start = perf_counter_ns()
        await call()
        taken.append((perf_counter_ns() - start) / 1000)
    return taken


def plain(call: Callable[[], object], *, batch: int = 1) -> Side:
    """Return a side of plain calls; what is too short for the clock is timed in a `batch` and divided by its size."""

    async def side() -> list[float]:
        taken = []
        for _ in range(CALLS):
            start = perf_counter_ns()
            for _ in range(batch):
                call()
            taken.append((perf_counter_ns() - start) / 1000 / batch)
        return taken

    return side


def _p50(rounds: list[list[float]]) -> float:
    return median(median(calls) for calls in rounds)


def _p99(rounds: list[list[float]]) -> float:
    return quantiles([call for calls in rounds for call in calls], n=100, method="inclusive")[-1]
