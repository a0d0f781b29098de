"""An echo with a lock's GATT profile on the simulated lock's own air, and the socket to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from bumble.controller import Controller
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.transport.common import TransportSink

from firmware_sim.ports.air import Air, serve_air
from firmware_sim.ports.radio import RadioController
from protocol.bluetooth import LARGEST_MTU, NOTIFY, SERVICE, WRITE, Advertisement, advertising_data
from protocol.messages.hello import HelloFlag

ADDRESS = "F0:F1:F2:F3:F4:01"
ADVERTISED = Advertisement(lock_id=0x01020304, flags=HelloFlag(0), change=7)
_OFTEN = 10.0
"""Milliseconds between two advertisements."""


class StubbornAir(Air):
    """An air whose controllers go on connecting when they are told to call it off, as Bumble's own do."""

    def controller(self, host: TransportSink | None = None) -> RadioController:
        made = super().controller(host)
        stubborn = Controller.on_hci_le_create_connection_cancel_command
        made.on_hci_le_create_connection_cancel_command = partial(stubborn, made)  # type: ignore[method-assign]
        return made


@asynccontextmanager
async def socket_at(air: Air, path: Path) -> AsyncIterator[str]:
    """Offer controllers at a socket, and yield the transport's name."""
    async with serve_air(air, f"unix-server:{path}"):
        yield f"unix-client:{path}"


class Echo:
    """Notifies whatever is written to it. `received` has all pieces; it answers while `speaks` is set."""

    def __init__(self, air: Air) -> None:
        self.received: list[bytes] = []
        self.links: list[Connection] = []
        self.endings: list[int] = []
        self.subscriptions: list[bool] = []
        self.speaks = asyncio.Event()
        self.speaks.set()
        controller = air.controller()
        self._device = Device.with_hci("echo", Address(ADDRESS), controller, controller)
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
        await self._device.start_advertising(
            advertising_data=advertising_data(advertised), auto_restart=True,
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
async def echoing(kind: type[Air] = Air) -> AsyncIterator[tuple[Air, Echo]]:
    air = kind()
    echo = Echo(air)
    await echo.begin()
    try:
        yield air, echo
    finally:
        await echo.fall_silent()
