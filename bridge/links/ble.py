"""A link over Bluetooth Low Energy by bleak: found by what the lock advertises, and always disconnected at its end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import cycle
from typing import Any

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak_retry_connector import establish_connection

from protocol.bluetooth import ATT_HEADER, NOTIFY, SERVICE, SMALLEST_MTU, WRITE

from ..errors import BridgeError, LinkLost, Obstacle, Unreachable
from ..finishing import finishing, within
from .base import Inbox
from .ble_hearing import find, options
from .radio import Bluetooth

SCAN_SECONDS = 4.0
OTHERS_SECONDS = 0.3
"""For whoever else advertises as the lock, once the first who did was none."""
OPEN_SECONDS = 5.0
"""For all of opening, the scan included: with what giving it up may take, less than a use case has to tell why."""
GIVE_UP_SECONDS = 0.5
OPERATION_SECONDS = 2.0
CLOSE_SECONDS = 1.5
_INTERVAL = 0.05
"""Seconds between two moments at which lock and bridge may talk, where the connection is a slow one."""
_LOCK_SECONDS = 0.3
_SMALLEST_PIECE = SMALLEST_MTU - ATT_HEADER


class _KeptClient(BleakClient):
    """A client that can be disconnected whatever becomes of its connecting: `keep` is told of it before."""

    def __init__(self, *arguments: Any, keep: Callable[[BleakClient], None], **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        keep(self)


class BleLink:
    """One connection; a piece that is not known to have been sent ends it, for the rest would be another stream."""

    ack_timeout = _LOCK_SECONDS + 4 * _INTERVAL
    """A request and its answer may each miss a moment to talk."""

    def __init__(self, wanted: Bluetooth) -> None:
        self.bytes_per_second = _SMALLEST_PIECE / _INTERVAL
        self.wanted = wanted
        """Which lock this is, and by which radio."""
        self._name = f"{wanted.lock_id:08X}"
        self._inbox = Inbox()
        self._client: BleakClient | None = None
        self._write: BleakGATTCharacteristic | None = None
        self._notify: BleakGATTCharacteristic | None = None
        self._with_response = False
        self.refusal: Unreachable | None = None
        """Why the first that advertised as the lock was none, as soon as that is known."""

    @property
    def lost(self) -> bool:
        """Whether the link is known to be gone."""
        return self._inbox.lost

    @property
    def piece(self) -> int:
        """The bytes that a write or a notification carries, as far as bleak knows."""
        return _SMALLEST_PIECE if self._write is None else self._piece(self._write)

    async def open(self) -> None:
        """Find the lock, connect and subscribe; raise Unreachable, and leave the closing to the caller.

        Anybody can advertise as this lock: where one who does is none, whoever else does is tried.
        """
        refused: set[str] = set()
        while True:
            try:
                device = await find(self.wanted, OTHERS_SECONDS if refused else SCAN_SECONDS, but=refused)
            except Unreachable as error:
                raise (self.refusal or error) from None
            try:
                return await self._open_at(device)
            except Unreachable as error:
                self.refusal = self.refusal or error
                refused.add(device.address)
                await self._leave()

    async def _open_at(self, device: BLEDevice) -> None:
        with self._explaining("was heard, but cannot be connected to. Is it near enough, and is a link of it free?"):
            client = await self._connect(device)
        with self._explaining("has connected, but what it offers is not a lock's. Is this a lock of ours?"):
            self._write = self._writable(client)
            self._notify = _characteristic(client, NOTIFY, {"notify"})
        with self._explaining("has connected, but takes no subscription. Switch it off and on, and try again."):
            async with asyncio.timeout(OPERATION_SECONDS):
                await client.start_notify(self._notify, self._notified)
        if self._inbox.lost:
            raise Unreachable(f"The lock {self._name} has ended the connection at once. Is a link of it free?")

    async def write(self, data: bytes) -> None:
        """Send the bytes in pieces that the connection carries, each under a timeout."""
        await self.write_in_ways(data, [self._with_response])

    async def write_in_ways(self, data: bytes, ways: Sequence[bool]) -> None:
        """Send the bytes, piece by piece in these ways in turn, True with response; for whoever tests a lock."""
        if self._client is None or self._write is None:
            raise LinkLost(self._sentence)
        size = self._piece(self._write)
        for start, way in zip(range(0, len(data), size), cycle(ways), strict=False):
            async with self._losing():
                await self._client.write_gatt_char(self._write, data[start : start + size], response=way)

    async def subscribe_again(self) -> None:
        """End the subscription and begin another, as a program would that finds this connection there."""
        if self._client is None or self._notify is None:
            raise LinkLost(self._sentence)
        async with self._losing():
            await self._client.stop_notify(self._notify)
            await self._client.start_notify(self._notify, self._notified)

    async def read(self) -> bytes:
        """Return the next bytes."""
        return await self._inbox.get(self._sentence)

    async def close(self) -> None:
        """Disconnect, also what the lock has disconnected before: bleak keeps a socket for each client until then."""
        self._inbox.lose()
        await self._leave()

    async def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await _disconnect(client)

    async def _connect(self, device: BLEDevice) -> BleakClient:
        client = await establish_connection(
            _KeptClient,
            device,
            self._name,
            lambda _: self._inbox.lose(),
            use_services_cache=False,
            keep=self._keep,
            **options(self.wanted.radio, "client", self.wanted.mtu),
        )
        self._inbox = Inbox()  # attempts before this one have lost theirs
        return client

    def _keep(self, client: BleakClient) -> None:
        self._client = client

    def _writable(self, client: BleakClient) -> BleakGATTCharacteristic:
        """Return what to write to, and choose how."""
        ways = {None: {"write", "write-without-response"}, True: {"write"}, False: {"write-without-response"}}
        found = _characteristic(client, WRITE, ways[self.wanted.with_response])
        chosen = self.wanted.with_response
        self._with_response = "write-without-response" not in found.properties if chosen is None else chosen
        self.bytes_per_second = self._piece(found) / (_INTERVAL * (2 if self._with_response else 1))
        return found

    def _piece(self, characteristic: BleakGATTCharacteristic) -> int:
        return max(_SMALLEST_PIECE, characteristic.max_write_without_response_size)

    def _notified(self, _: BleakGATTCharacteristic, data: bytearray) -> None:
        self._inbox.put(bytes(data))

    @property
    def _sentence(self) -> str:
        return f"The connection to the lock {self._name} was lost. Is it still near enough, and powered? Try again."

    @asynccontextmanager
    async def _losing(self) -> AsyncIterator[None]:
        """Bound one operation; whatever goes wrong with it, the link is lost."""
        if self._inbox.lost:
            raise LinkLost(self._sentence)
        try:
            async with asyncio.timeout(OPERATION_SECONDS):
                yield
        except Exception:  # bleak tells a drop by half a dozen types
            self._inbox.lose()
            raise LinkLost(self._sentence) from None

    @contextmanager
    def _explaining(self, sentence: str) -> Iterator[None]:
        """Let whatever goes wrong in a step of opening be Unreachable."""
        try:
            yield
        except BridgeError:
            raise
        except Exception:  # bleak tells a drop by half a dozen types
            raise Unreachable(f"The lock {self._name} {sentence}", obstacle=Obstacle.OTHER) from None


async def open_ble(wanted: Bluetooth) -> BleLink:
    """Open a link to a lock that is near; raise Unreachable, within 7 s whatever bleak and its service do."""
    link = BleLink(wanted)
    opening = asyncio.ensure_future(link.open())
    try:
        await asyncio.wait({opening}, timeout=OPEN_SECONDS)
        if not opening.done():
            sentence = f"The lock {wanted.lock_id:08X} was not connected to within {OPEN_SECONDS:g} s."
            raise link.refusal or Unreachable(f"{sentence} Is it near enough? Try again.", obstacle=Obstacle.OTHER)
        opening.result()
    except BaseException:
        await _give_up(opening, link)
        raise
    return link


@finishing
async def _give_up(opening: asyncio.Future[None], link: BleLink) -> None:
    opening.cancel()
    await within(GIVE_UP_SECONDS, _ended(opening))
    await link.close()


async def _ended(opening: asyncio.Future[None]) -> None:
    await opening


def _characteristic(client: BleakClient, uuid: str, properties: set[str]) -> BleakGATTCharacteristic:
    """Return a characteristic of the lock's service that has one of `properties`; raise LookupError."""
    service = client.services.get_service(SERVICE)
    found = service.get_characteristic(uuid) if service else None
    if found is None or properties.isdisjoint(found.properties):
        raise LookupError(uuid)
    return found


@finishing
async def _disconnect(client: BleakClient) -> None:
    await within(CLOSE_SECONDS, client.disconnect())  # what is not gone then will be when this process ends
