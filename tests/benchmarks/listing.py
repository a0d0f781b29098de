"""A hundred pins, listed over a cable as slow as they are at the door, against the time that the bytes need there."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter_ns

from bridge.client import LockClient
from bridge.journal import COMMAND_LINE
from bridge.pairing import PairingWish
from bridge.sessions import KnownLock

from .locks import bridge, simulated_lock
from .measuring import Aim, BenchmarkFailed, Race
from .samples import entries
from .slow_line import BAUD, Meter, slow_pty

PINS = 100
AIM = Aim(sentence=f"{PINS} pins listed at {BAUD} baud within 1.3 × the time of their bytes", ratio=1.3)


@asynccontextmanager
async def over_a_cable(folder: Path) -> AsyncIterator[list[Race]]:
    """Yield the one row."""
    async with AsyncExitStack() as stack:
        lock, label = stack.enter_context(simulated_lock(folder, "--tcp", "127.0.0.1:0"))
        service, engine = await stack.enter_async_context(bridge(folder / "state"))
        wish = PairingWish(target=f"tcp:{lock['tcp']}", name="bench", zone="UTC", id=1)
        record = await service.pair(wish, label)
        for entry in islice(entries(), PINS):
            await engine.change(record, COMMAND_LINE, LockClient.create_pin, entry)
        await engine.forget(record.id)
        meter = Meter()
        path = await stack.enter_async_context(slow_pty(int(lock["tcp"].rpartition(":")[2]), meter))
        known = KnownLock(wire_id=record.wire_id, public_key=record.public_key, version=record.version)
        client = LockClient(known, engine.keys, partial(engine.connect, f"serial:{path}?baud={BAUD}"))
        stack.push_async_callback(client.close)
        await client.info()
        yield [_race(client, meter)]


def _race(client: LockClient, meter: Meter) -> Race:
    needed: list[float] = []

    async def ours(_calls: int) -> list[float]:
        meter.carried, start = 0, perf_counter_ns()
        listed = await client.list_pins()
        taken = (perf_counter_ns() - start) / 1000
        if len(listed.pins) != PINS:
            raise BenchmarkFailed(f"{len(listed.pins)} pins were listed")
        needed.append(meter.seconds * 1_000_000)
        return [taken]

    async def limit(_calls: int) -> list[float]:
        return [needed.pop()]

    return Race(
        name=f"listing {PINS} pins, {BAUD} baud",
        against="the time that the same bytes need on that line, one after another",
        ours=ours,
        limit=limit,
        aim=AIM,
    )
