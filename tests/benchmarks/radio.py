"""A ping and a pin create over Bluetooth, against a bare bleak echo of as many bytes on the same air, without a radio.

Lock, echo and the stand-in for BlueZ are processes of their own.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from unittest.mock import patch

from bleak import BleakClient, BleakScanner

from bridge.client import LockClient
from bridge.engine import Engine
from bridge.links.ble_hearing import advertised
from bridge.pairing import PairingWish
from bridge.records import LockRecord
from bridge.sessions import KnownLock
from firmware_sim.control import call
from protocol.bluetooth import ATT_HEADER, LARGEST_MTU, NOTIFY, SERVICE, SMALLEST_MTU, WRITE
from protocol.messages.device import PingRequest, PingResponse
from protocol.messages.pins import PinCreateResponse

from . import echo
from .exchanges import PAYLOAD, sizes
from .locks import bridge, simulated_lock, started
from .measuring import Aim, Figure, Race, awaited
from .samples import REQUEST, entries

INTERVAL_MS = 15
SETTINGS = [(mtu, interval) for interval in (0, INTERVAL_MS) for mtu in (SMALLEST_MTU, LARGEST_MTU)]
OPENINGS = 20
FIND_SECONDS = 10
_NOTICE_SECONDS = 0.05
"""For bleak to see that a bus has ended; until then it would go on using that."""
AIMS = {
    0: Aim(sentence="an exchange over Bluetooth within 3 × a bare echo", ratio=3),
    INTERVAL_MS: Aim(sentence=f"an exchange over Bluetooth within 1.5 × a bare echo, at {INTERVAL_MS} ms", ratio=1.5),
}


class _BareEcho:
    """Stock bleak at the echo, and nothing else."""

    def __init__(self, client: BleakClient) -> None:
        self._client = client
        self._left = 0
        self._answered = asyncio.Event()

    @classmethod
    async def open(cls) -> "_BareEcho":
        device = await BleakScanner.find_device_by_filter(
            lambda _, data: advertised(data) == echo.ADVERTISED, timeout=FIND_SECONDS, service_uuids=[SERVICE]
        )
        assert device is not None
        made = cls(BleakClient(device))
        await made._client.connect()
        await made._client.start_notify(NOTIFY, lambda _, data: made._take(bytes(data)))
        return made

    async def exchange(self, mtu: int, request: int, answer: int) -> None:
        """Write so many bytes, and wait for as many as are asked for."""
        self._left = answer
        self._answered.clear()
        said, size = echo.request(request, answer), mtu - ATT_HEADER
        for start in range(0, len(said), size):
            await self._client.write_gatt_char(WRITE, said[start : start + size], response=False)
        await self._answered.wait()

    async def close(self) -> None:
        await self._client.disconnect()

    def _take(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left <= 0:
            self._answered.set()


class _Air:
    """A lock and an echo on an air, and a stand-in that is started anew for each setting of MTU and interval."""

    def __init__(self, folder: Path, label: str, lock_id: int, engine: Engine) -> None:
        self.engine = engine
        self.target = f"ble:{lock_id:08X}"
        self.control = folder / "control"
        self._folder = folder
        self._label = label
        self._setting: tuple[int, int] | None = None
        self._stack = AsyncExitStack()
        self._record: LockRecord | None = None
        self.client: LockClient
        self.echo: _BareEcho

    async def tune(self, setting: tuple[int, int], pair: Callable[[PairingWish, str], Awaitable[LockRecord]]) -> None:
        """Have both clients connected by a stand-in with this MTU and interval."""
        if self._setting == setting:
            return
        await self.close()
        mtu, interval = setting
        words = [f"unix-client:{self._folder / 'air'}", "--mtu", str(mtu), "--interval", str(interval)]
        bus = self._stack.enter_context(started("hil.bluetooth", *words))["bus"]
        self._stack.enter_context(patch.dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=bus))
        if self._record is None:
            self._record = await pair(PairingWish(target=self.target, name="bench", zone="UTC", id=1), self._label)
        self.client = self.new_client()
        self._stack.push_async_callback(self.client.close)
        await self.client.info()
        self.echo = await _BareEcho.open()
        self._stack.push_async_callback(self.echo.close)
        self._setting = setting

    def new_client(self) -> LockClient:
        """Return a client without a link."""
        assert self._record is not None
        known = KnownLock(wire_id=self._record.wire_id, public_key=self._record.public_key, version=1)
        return LockClient(known, self.engine.keys, partial(self.engine.connect, self.target))

    async def close(self) -> None:
        """Give up both links and the stand-in."""
        self._setting = None
        await self._stack.aclose()
        self._stack = AsyncExitStack()
        await asyncio.sleep(_NOTICE_SECONDS)


@asynccontextmanager
async def _air(folder: Path) -> AsyncIterator[Callable[[tuple[int, int]], Awaitable[_Air]]]:
    """Yield what returns the air, tuned."""
    async with AsyncExitStack() as stack:
        place, control = f"unix-server:{folder / 'air'}", str(folder / "control")
        lock, label = stack.enter_context(simulated_lock(folder, "--ble", place, "--control", control))
        stack.enter_context(started("tests.benchmarks.echo", f"unix-client:{folder / 'air'}"))
        service, engine = await stack.enter_async_context(bridge(folder / "state"))
        air = _Air(folder, label, lock["lock_id"], engine)
        stack.push_async_callback(air.close)

        async def tuned(setting: tuple[int, int]) -> _Air:
            await air.tune(setting, service.pair)
            return air

        yield tuned


@asynccontextmanager
async def over_radio(folder: Path) -> AsyncIterator[list[Race]]:
    """Yield the rows of both exchanges, at each MTU, without a connection interval and with one."""
    async with _air(folder) as tuned:
        yield [race for setting in SETTINGS for race in _races(tuned, setting)]


async def radio(folder: Path, share: float) -> AsyncIterator[Figure]:
    """Yield how long it takes to reach a lock, at first and after a drop."""
    openings = max(2, round(OPENINGS * share))
    async with _air(folder) as tuned:
        air = await tuned((LARGEST_MTU, 0))
        yield _figure("first session over Bluetooth", "scan, connection and session", 1, await _opened(air, openings))
        yield _figure("session after a drop", "from the drop to an answer", 0.5, await _reconnected(air, openings))


def _races(tuned: Callable[[tuple[int, int]], Awaitable[_Air]], setting: tuple[int, int]) -> list[Race]:
    mtu, interval = setting
    where = f"Bluetooth, MTU {mtu}" + (f", {interval} ms" if interval else "")
    share = 4 if interval else 1
    new = entries()

    async def pings(calls: int) -> list[float]:
        client = (await tuned(setting)).client
        return await awaited(lambda: client.ping(PAYLOAD), max(1, calls // share))

    async def creates(calls: int) -> list[float]:
        client = (await tuned(setting)).client
        taken = await awaited(lambda: client.create_pin(next(new)), max(1, calls // share))
        await client.clear_pins()
        return taken

    def bare(request: int, answer: int) -> Callable[[int], Awaitable[list[float]]]:
        async def echoes(calls: int) -> list[float]:
            bare_echo = (await tuned(setting)).echo
            return await awaited(lambda: bare_echo.exchange(mtu, request, answer), max(1, calls // share))

        return echoes

    ping = bare(*sizes(PingRequest(payload=PAYLOAD), PingResponse(payload=PAYLOAD)))
    create = bare(*sizes(REQUEST, PinCreateResponse(id=1, list_version=1)))
    against = "a bare bleak echo of as many bytes on the same air"
    return [
        Race(name=f"ping over {where}", against=against, ours=pings, limit=ping, aim=AIMS[interval]),
        Race(name=f"create over {where}", against=against, ours=creates, limit=create, aim=AIMS[interval]),
    ]


def _figure(name: str, what: str, aim: float, taken: list[float]) -> Figure:
    value = median(taken)
    return Figure(
        name=name,
        value=value * 1000,
        unit="ms",
        note=f"{what}, the median of {len(taken)}",
        aim=f"{what} over Bluetooth within {aim:g} s",
        met=value <= aim,
    )


async def _opened(air: _Air, times: int) -> list[float]:
    taken = []
    await air.client.close()
    for _ in range(times):
        client = air.new_client()
        start = perf_counter()
        await client.ping()
        taken.append(perf_counter() - start)
        await client.close()
    return taken


async def _reconnected(air: _Air, times: int) -> list[float]:
    taken = []
    client = air.new_client()
    for _ in range(times):
        await client.ping()
        await call(air.control, {"do": "power-cycle"})
        start = perf_counter()
        await client.ping()
        taken.append(perf_counter() - start)
    await client.close()
    return taken
