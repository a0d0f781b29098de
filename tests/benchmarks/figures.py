"""Rows without a limit of the same machine: what time, flash and memory a simulated lock takes."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from random import Random
from time import perf_counter

from firmware_sim.clock import NANOSECONDS
from firmware_sim.device import GEOMETRY, Device
from firmware_sim.events import Woken
from firmware_sim.flash import WORD, NorFlash
from protocol.messages.clock import ClockSetRequest
from protocol.messages.declaration import Refusal, Response
from protocol.messages.device import StatusRequest
from protocol.vocabulary import PinEntry, Schedule, Weekdays, Window
from tests.firmware_sim.bench import Bench, Bridge, peer_of

from .measuring import BenchmarkFailed, Figure

NOW = 1_800_000_000
MINUTES_A_YEAR = 365 * 24 * 60
CHANGES, LOCKS, REQUESTS, SESSIONS = 1000, 10_000, 5000, 50
OFFICE = Schedule(valid_until=NOW + 365 * 86_400, windows=(Window(weekdays=Weekdays(31), start=480, end=960),))


def figures(share: float) -> Iterator[Figure]:
    """Yield each figure, measured with that share of its ticks, changes, locks and requests."""
    yield _year(max(1, round(MINUTES_A_YEAR * share)))
    yield from _wear(max(3, round(CHANGES * share)))
    yield from _crowd(max(2, round(LOCKS * share)), max(1, round(REQUESTS * share)))


def _year(ticks: int) -> Figure:
    bench, bridge = _lock()
    _granted(bridge.create(PinEntry(digits="86420", alias="office", schedule=OFFICE)))
    step, now_ns, event = bench.device.firmware.step, bench.now_ns, Woken()
    start = perf_counter()
    for _ in range(ticks):
        now_ns += 60 * NANOSECONDS
        step(now_ns, event)
    seconds = (perf_counter() - start) / ticks * MINUTES_A_YEAR
    return Figure(
        name="a simulated year of minutes",
        value=seconds,
        unit="s",
        note=f"from {ticks} steps of a lock with a trusted clock and a pin that ends; floor and sweep each day",
        aim="a simulated year of minute ticks under 10 s",
        met=seconds < 10,
    )


def _wear(changes: int) -> Iterator[Figure]:
    bench, bridge = _lock()
    flash = bench.flash
    assert isinstance(flash, NorFlash)
    operations, erases = flash.operations, sum(flash.wear)
    for number in range(changes):
        _change(bridge, number)
    erased = sum(flash.wear) - erases
    written = (flash.operations - operations - erased) * WORD
    note = f"{changes} changes in turn: a pin with a window created, updated, deleted; operation and audit with each"
    yield Figure(name="flash written per pin change", value=written / changes, unit="bytes", note=note)
    yield Figure(name="erases per 1,000 changes", value=erased / changes * 1000, unit="pages", note=note)


def _change(bridge: Bridge, number: int) -> None:
    entry = PinEntry(digits=f"1357{number % 10_000:04}", alias="office", schedule=OFFICE)
    if number % 3 == 0:
        _granted(bridge.create(entry))
    elif number % 3 == 1:
        _granted(bridge.update(number // 3 + 1, entry))
    else:
        _granted(bridge.delete(number // 3 + 1))


def _crowd(count: int, requests: int) -> Iterator[Figure]:
    """Keep so many locks in this process, and ask some of them."""
    entropy = Random(count).randbytes  # noqa: S311  these locks guard nothing
    gc.collect()
    tracemalloc.start()
    traced = -(-count // 10)
    idle = [_idle(entropy) for _ in range(traced)]
    gc.collect()
    each = tracemalloc.get_traced_memory()[0] / traced
    tracemalloc.stop()  # which makes each lock three times as slow to start
    idle += [_idle(entropy) for _ in range(count - traced)]
    yield Figure(
        name="memory of an idle lock",
        value=each,
        unit="bytes",
        note=f"{traced} of {count} locks in one process, never paired; with their flash but for what is erased",
        aim=f"{LOCKS} idle locks in one process, each under 2 KB",
        met=each < 2048,
    )
    bridges = [_lock(seed)[1] for seed in range(min(SESSIONS, requests))]
    start = perf_counter()
    for number in range(requests):
        _granted(bridges[number % len(bridges)].ask(StatusRequest()))
    taken = perf_counter() - start
    yield Figure(
        name="requests among many locks",
        value=requests / taken,
        unit="a second",
        note=f"encrypted status of {len(bridges)} paired locks in turn beside {len(idle)} idle ones, bridge's side too",
    )


def _idle(entropy: Callable[[int], bytes]) -> Device:
    return Device(NorFlash(GEOMETRY), slots=20, epoch=0, now=_never, entropy=entropy)


def _lock(seed: int = 0) -> tuple[Bench, Bridge]:
    """A paired lock with a trusted clock."""
    bench = Bench(slots=20, seed=seed)
    bridge = peer_of(bench)
    _granted(bridge.ask(ClockSetRequest(time=NOW, force=False, zone="UTC", rule="UTC0")))
    return bench, bridge


def _granted(answer: Response | Refusal) -> None:
    if isinstance(answer, Refusal):
        raise BenchmarkFailed(f"the lock refused with {answer.status.name}")


def _never() -> int:
    return 0
