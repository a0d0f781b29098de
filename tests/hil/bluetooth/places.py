"""A bench at an echo, with stock bleak before it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice

from firmware_sim.ports.air import Air
from hil.bluetooth.bench import RadioBench
from protocol.bluetooth import NOTIFY, SERVICE, WRITE
from tests.hil.bluetooth.air import Echo, echoing, socket_at
from tests.waiting import PATIENCE


def play(scenario: Coroutine[Any, Any, None]) -> None:
    """Run a scenario, which must come to its end."""

    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await scenario

    asyncio.run(bounded())


class Client:
    """Stock bleak at the echo: `heard` has what it notified."""

    def __init__(self, device: BLEDevice, timeout: float = PATIENCE) -> None:
        self.lost = asyncio.Event()
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.bleak = BleakClient(device, disconnected_callback=lambda _: self.lost.set(), timeout=timeout)

    async def open(self) -> None:
        await self.bleak.connect()
        await self.bleak.start_notify(NOTIFY, lambda _, value: self.heard.put_nowait(bytes(value)))

    async def write(self, value: bytes, *, response: bool) -> None:
        await self.bleak.write_gatt_char(WRITE, value, response=response)

    async def echoes(self, value: bytes, *, response: bool = True) -> bool:
        """Write one piece; whether it comes back."""
        await self.write(value, response=response)
        return await self.heard.get() == value

    def heard_so_far(self) -> list[bytes]:
        return [self.heard.get_nowait() for _ in range(self.heard.qsize())]


async def find() -> BLEDevice:
    """Return the echo, found by its service."""
    found = await BleakScanner.find_device_by_filter(lambda _, told: SERVICE in told.service_uuids, timeout=PATIENCE)
    assert found is not None
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An air with an echo, and a bench that reaches it."""

    air: Air
    echo: Echo
    bench: RadioBench

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Yield a client that has subscribed."""
        client = Client(await find())
        try:
            await client.open()
            yield client
        finally:
            await client.bleak.disconnect()


@asynccontextmanager
async def at_echo(bus: str, folder: Path, kind: type[Air] = Air, **options: Any) -> AsyncIterator[Place]:
    """Yield a bench on this bus with this folder's socket for its radio."""
    async with (
        echoing(kind) as (air, echo),
        socket_at(air, folder / "hci") as transport,
        RadioBench(transport, bus=bus, **options) as bench,
    ):
        yield Place(air=air, echo=echo, bench=bench)
