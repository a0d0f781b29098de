"""A Bluetooth central on Bumble: it looks for peripherals, connects to them, and outlives the way to its radio."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bumble.core import AdvertisingData, BaseBumbleError
from bumble.device import Advertisement, Connection, Device
from bumble.hci import Address, HCI_Error, HCI_LE_Create_Connection_Cancel_Command
from bumble.transport import open_transport
from bumble.transport.common import Transport, TransportInitError, TransportSpecError

from ..errors import BenchError
from .link import Link
from .radio import Radio
from .refusals import aborted

RETRY = 0.2
"""Seconds between two attempts to open the transport."""
POWER_ON = 5.0
"""Seconds that a controller may take to come up."""
CONNECT = 4.0
"""Seconds in which a connection must have come about."""
CALL_OFF = 0.2
"""Seconds in which a controller must have called off a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One advertisement that was heard."""

    address: Address
    uuids: tuple[str, ...]
    manufacturer: dict[int, bytes]
    rssi: int

    @property
    def text(self) -> str:
        """The address as people and BlueZ write it."""
        return self.address.to_string(with_type_qualifier=False)


class Central:
    """One host with its controller at the far end of an HCI transport, which is opened again whenever it ends.

    Enter it to begin. `ready` is set while the controller is there; `endings` has the HCI reason of each link's end.
    """

    def __init__(self, transport: str, *, mtu: int, radio: Radio, connect_within: float = CONNECT) -> None:
        self.ready = asyncio.Event()
        self.radio = radio
        self.on_sighting: Callable[[Sighting], None] = lambda _: None
        self.endings: list[int] = []
        self._name = transport
        self._mtu = mtu
        self._connect_within = connect_within
        self._connecting = asyncio.Lock()
        self._switching = asyncio.Lock()
        self._scanning = False
        self._device: Device | None = None
        self._transport: Transport | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        transport = await self._open()
        self._task = asyncio.create_task(self._keep(transport))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:  # fmt: skip
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.result()  # never expected: raises what has ended it

    async def scan(self, wanted: bool) -> None:
        """Look for peripherals from now on, or no more; a controller that comes later will do so as well."""
        self._scanning = wanted
        if self._device is not None:
            with suppress(BaseBumbleError):  # the transport has just ended: the next controller will be told
                await self._scan(self._device)

    async def connect(self, address: Address) -> Link:
        """Return a link to this peripheral; raise Refusal where none comes about in time."""
        try:
            async with self._connecting, asyncio.timeout(self._connect_within):
                await self.ready.wait()
                transport = self.radio.terminated
                link = Link(await self._connect(address), self._mtu)
        except (TimeoutError, BaseBumbleError) as error:
            raise aborted() from error
        transport.add_done_callback(lambda _: link.end())
        link.ended.add_done_callback(lambda ended: self.endings.append(ended.result()))
        return link

    async def _connect(self, address: Address) -> Connection:
        device = self._device
        if device is None:  # gone again, before we could run
            raise TimeoutError
        attempt = asyncio.create_task(device.connect(address, timeout=None))
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            if attempt.cancelled():  # by Bumble: the transport has ended
                raise TimeoutError from None
            await asyncio.shield(self._call_off(device, attempt))
            raise

    async def _call_off(self, device: Device, attempt: asyncio.Task[Connection]) -> None:
        """Have the controller stop connecting, and wait until it has: it takes no other attempt before.

        One that says yes and goes on, as Bumble's own virtual controller, is left for a new one.
        """
        try:
            async with asyncio.timeout(CALL_OFF):
                with suppress(HCI_Error):  # it has just come about
                    await device.send_sync_command(HCI_LE_Create_Connection_Cancel_Command())
                connection = await attempt
                await connection.disconnect()
        except TimeoutError:
            self.ready.clear()
            if self._transport is not None:
                await self._transport.close()
        except BaseBumbleError:
            pass  # as it should be: there is no connection

    async def _open(self) -> Transport | None:
        """Return the transport, or None while nothing is at its other end."""
        try:
            return await open_transport(self._name)
        except (OSError, TransportInitError):
            return None
        except (TransportSpecError, ValueError, AssertionError):  # Bumble asserts that there is a place at all
            raise BenchError(
                f"There is no HCI transport {self._name!r}: name one such as unix-client:PATH or tcp-client:HOST:PORT."
            ) from None
        except Exception as error:  # whatever the libraries of so many kinds of transport raise
            raise BenchError(f"The HCI transport {self._name!r} cannot be used here: {error or type(error)}.") from None

    async def _keep(self, transport: Transport | None) -> None:
        while True:
            if transport is not None:
                with suppress(TimeoutError, BaseBumbleError, OSError):
                    await self._serve(transport)
            await asyncio.sleep(RETRY)
            transport = await self._open()

    async def _serve(self, transport: Transport) -> None:
        self._transport = transport
        self.radio.attach(transport.source, transport.sink)
        try:
            device = Device.with_hci("bench", Address.generate_static_address(), self.radio, self.radio)
            device.on(Device.EVENT_ADVERTISEMENT, self._hear)
            async with asyncio.timeout(POWER_ON):
                await device.power_on()
                self._device = device
                await self._scan(device)
            self.ready.set()
            await asyncio.wait({self.radio.terminated})
        finally:
            await self._abandon(transport)

    async def _abandon(self, transport: Transport) -> None:
        self.ready.clear()
        self._device = self._transport = None
        await transport.close()

    async def _scan(self, device: Device) -> None:
        """Look for peripherals if that is wanted by now."""
        async with self._switching:
            if self._scanning and not device.is_scanning:
                await device.start_scanning(active=False)
            elif device.is_scanning and not self._scanning:
                await device.stop_scanning()

    def _hear(self, advertisement: Advertisement) -> None:
        data = advertisement.data
        services = data.get_all(AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS)
        self.on_sighting(
            Sighting(
                address=advertisement.address,
                uuids=tuple(uuid.to_hex_str("-").lower() for uuids in services for uuid in uuids),
                manufacturer=dict(data.get_all(AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA)),
                rssi=advertisement.rssi,
            )
        )
