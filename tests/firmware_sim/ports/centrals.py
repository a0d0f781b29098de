"""Centrals that reach the lock over the virtual air: a Bumble host each, with a controller behind a socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bumble.core import UUID
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt_client import CharacteristicProxy
from bumble.hci import Address, OwnAddressType
from bumble.transport import open_transport

from protocol.bluetooth import NOTIFY, SERVICE, WRITE
from protocol.framing import Damage, Frame, FrameDecoder, Kind
from tests.firmware_sim.ports.clients import hello
from tests.waiting import PATIENCE


class BleClient:
    """A central that is connected to the lock; `pieces` are the notifications that came."""

    def __init__(self, connection: Connection, peer: Peer) -> None:
        self.connection = connection
        self.peer = peer
        self.pieces: list[bytes] = []
        self.writes: CharacteristicProxy[bytes]
        self.notifies: CharacteristicProxy[bytes]
        self._frames: asyncio.Queue[Frame | Damage] = asyncio.Queue()
        self._decoder = FrameDecoder()
        self._ended = asyncio.Event()
        connection.on(connection.EVENT_DISCONNECTION, lambda _: self._ended.set())

    async def discover(self) -> None:
        """Find the lock's service and its two characteristics."""
        (service,) = await self.peer.discover_service(SERVICE)
        found = {item.uuid: item for item in await self.peer.discover_characteristics(service=service)}
        self.writes, self.notifies = found[UUID(WRITE)], found[UUID(NOTIFY)]

    async def subscribe(self) -> None:
        """Listen to the lock's notifications."""
        await self.notifies.subscribe(self._heard)

    async def unsubscribe(self) -> None:
        """Listen no more."""
        await self.notifies.unsubscribe(self._heard)

    async def write(self, data: bytes, *, response: bool = True, size: int | None = None) -> None:
        """Write bytes in pieces of `size`, or of what the connection carries."""
        size = size or self.connection.att_mtu - 3
        for at in range(0, len(data), size):
            await self.writes.write_value(data[at : at + size], with_response=response)

    async def frame(self) -> Frame | Damage:
        """Wait for the next frame."""
        async with asyncio.timeout(PATIENCE):
            return await self._frames.get()

    async def greets(self, counter: int, *, response: bool = True, size: int | None = None) -> bool:
        """Say hello; whether the answer is the one to this hello."""
        await self.write(hello(counter), response=response, size=size)
        answer = await self.frame()
        return isinstance(answer, Frame) and (answer.kind, answer.counter) == (Kind.HELLO_RESPONSE, counter)

    async def is_disconnected(self) -> bool:
        """Wait for the end of the connection."""
        async with asyncio.timeout(PATIENCE):
            return await self._ended.wait()

    def _heard(self, piece: bytes) -> None:
        self.pieces.append(piece)
        for frame in self._decoder.feed(piece):
            self._frames.put_nowait(frame)


def to_client(place: str) -> str:
    """Return the transport by which a client reaches the air at `place`."""
    return place.replace("unix-server:", "unix:").replace("tcp-server:", "tcp-client:")


@asynccontextmanager
async def central_at(place: str, number: int = 1) -> AsyncIterator[Device]:
    """A central that is on the air, with an address of its own."""
    async with await open_transport(to_client(place)) as transport:
        address = Address(f"C{number}:00:00:00:00:0{number}")
        device = Device.with_hci("central", address, transport.source, transport.sink)
        await device.power_on()
        try:
            yield device
        finally:
            await device.power_off()


async def seen_by(device: Device) -> Advertisement:
    """Scan until the lock was seen."""
    async with asyncio.timeout(PATIENCE):
        found: asyncio.Future[Advertisement] = asyncio.get_running_loop().create_future()

        def look(advertisement: Advertisement) -> None:
            if not found.done():
                found.set_result(advertisement)

        device.on(device.EVENT_ADVERTISEMENT, look)
        await device.start_scanning()
        try:
            return await found
        finally:
            await device.stop_scanning()
            device.remove_listener(device.EVENT_ADVERTISEMENT, look)


@asynccontextmanager
async def connected_to(
    place: str, number: int = 1, *, mtu: int | None = None, own: OwnAddressType = OwnAddressType.RANDOM
) -> AsyncIterator[BleClient]:
    """A central that has connected to the first lock that it saw."""
    async with central_at(place, number) as device:
        seen = await seen_by(device)
        async with asyncio.timeout(PATIENCE):
            connection = await device.connect(seen.address, own_address_type=own)
        peer = Peer(connection)
        if mtu:
            await peer.request_mtu(mtu)
        yield BleClient(connection, peer)


@asynccontextmanager
async def client_at(place: str, number: int = 1, *, mtu: int | None = None) -> AsyncIterator[BleClient]:
    """A central that listens to the lock."""
    async with connected_to(place, number, mtu=mtu) as client:
        await client.discover()
        await client.subscribe()
        yield client
