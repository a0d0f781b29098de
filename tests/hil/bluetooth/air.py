"""A small air: an echo with a lock's GATT profile on it, and a socket at which each client finds a controller."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import (
    Address,
    HCI_ErrorCode,
    HCI_LE_Connection_Complete_Event,
    HCI_LE_Create_Connection_Cancel_Command,
    HCI_StatusReturnParameters,
)
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import StreamPacketSink, StreamPacketSource

from protocol.bluetooth import COMPANY, LARGEST_MTU, NOTIFY, SERVICE, WRITE, Advertisement, encode_advertisement
from protocol.messages.hello import HelloFlag

ADDRESS = "F0:F1:F2:F3:F4:01"
ADVERTISED = Advertisement(lock_id=0x01020304, flags=HelloFlag(0), change=7)
_FLAGS = b"\x06"
_OFTEN = 10.0
"""Milliseconds between two advertisements."""


class Obedient(Controller):
    """Calls off a connection when it is told to, which Bumble's controller says, but does not do."""

    def on_hci_le_create_connection_cancel_command(
        self, command: HCI_LE_Create_Connection_Cancel_Command
    ) -> HCI_StatusReturnParameters:
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is not None:
            failed = HCI_LE_Connection_Complete_Event(
                status=HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR, connection_handle=0, role=0,
                peer_address_type=pending.peer_address.address_type, peer_address=pending.peer_address,
                connection_interval=0, peripheral_latency=0, supervision_timeout=0, central_clock_accuracy=0,
            )  # fmt: skip
            asyncio.get_running_loop().call_soon(self.send_hci_packet, failed)
        return super().on_hci_le_create_connection_cancel_command(command)


class Air:
    """What controllers are on, and may be taken off as by the death of their process; `kind` is the clients'."""

    def __init__(self, kind: type[Controller] = Obedient) -> None:
        self.kind = kind
        self.link = LocalLink()  # type: ignore[no-untyped-call]

    def new(self, client: StreamPacketSource, sink: StreamPacketSink) -> Controller:
        return self.kind("client", host_source=client, host_sink=sink, link=self.link)

    def take_off(self, controller: Controller) -> None:
        """Let the others see what they see when a radio goes: nothing, until the supervision timeout."""
        self.link.remove_controller(controller)
        for connection in controller.le_connections.values():
            peer = self.link.find_le_controller(connection.peer_address)
            if peer is not None:
                theirs = peer.le_connections[connection.self_address]
                peer.on_le_disconnected(theirs, HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)


class _Client(StreamPacketSource):
    """A program that has connected to the socket: it has a controller for as long as it stays."""

    def __init__(self, air: Air, everyone: set["_Client"]) -> None:
        super().__init__()
        self._air = air
        self._everyone = everyone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)
        self._everyone.add(self)
        self.controller = self._air.new(self, StreamPacketSink(self.transport))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._everyone.discard(self)
        self._air.take_off(self.controller)


@asynccontextmanager
async def socket_at(air: Air, path: Path) -> AsyncIterator[str]:
    """Offer controllers at a socket, and yield the transport's name."""
    everyone: set[_Client] = set()
    server = await asyncio.get_running_loop().create_unix_server(lambda: _Client(air, everyone), path)
    try:
        yield f"unix-client:{path}"
    finally:
        server.close()
        for client in tuple(everyone):
            client.transport.abort()
        await server.wait_closed()
        await asyncio.to_thread(path.unlink)


class Echo:
    """Notifies whatever is written to it. `received` has all pieces; it answers while `speaks` is set."""

    def __init__(self, air: Air) -> None:
        self.received: list[bytes] = []
        self.links: list[Connection] = []
        self.endings: list[int] = []
        self.subscriptions: list[bool] = []
        self.speaks = asyncio.Event()
        self.speaks.set()
        self._device = Device("echo", address=Address(ADDRESS), host=Host())
        self._device.host.controller = Controller("echo", link=air.link)
        self._write = Characteristic[bytes](
            WRITE,
            Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
            Characteristic.WRITEABLE,
            CharacteristicValue(write=self._take),
        )
        self._notify = Characteristic[bytes](NOTIFY, Characteristic.Properties.NOTIFY, Characteristic.READABLE, b"")
        self._device.add_service(Service(SERVICE, [self._write, self._notify]))
        self._notify.on(Characteristic.EVENT_SUBSCRIPTION, lambda _, on, __: self.subscriptions.append(on))
        self._device.on(Device.EVENT_CONNECTION, self._linked)

    async def begin(self) -> None:
        self._device.gatt_server.max_mtu = LARGEST_MTU
        await self._device.power_on()
        await self.advertise()

    async def advertise(self, advertised: Advertisement = ADVERTISED) -> None:
        manufacturer = COMPANY.to_bytes(2, "little") + encode_advertisement(advertised)
        data = AdvertisingData([
            (AdvertisingData.Type.FLAGS, _FLAGS),
            (AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, bytes(UUID(SERVICE))),
            (AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA, manufacturer),
        ])  # fmt: skip
        await self._device.start_advertising(
            advertising_data=bytes(data), auto_restart=True,
            advertising_interval_min=_OFTEN, advertising_interval_max=_OFTEN,
        )  # fmt: skip

    async def fall_silent(self) -> None:
        await self._device.stop_advertising()

    def _linked(self, connection: Connection) -> None:
        self.links.append(connection)
        connection.on(Connection.EVENT_DISCONNECTION, self.endings.append)

    async def _take(self, connection: Connection, value: bytes) -> None:
        self.received.append(value)
        await self.speaks.wait()
        await self._device.notify_subscriber(connection, self._notify, value)

    async def say(self, value: bytes) -> None:
        """Notify what nobody has asked for."""
        await self._device.notify_subscribers(self._notify, value)


@asynccontextmanager
async def echoing(kind: type[Controller] = Obedient) -> AsyncIterator[tuple[Air, Echo]]:
    air = Air(kind)
    echo = Echo(air)
    await echo.begin()
    try:
        yield air, echo
    finally:
        await echo.fall_silent()
