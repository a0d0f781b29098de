"""A backend of bleak's over Bumble, for whoever has no BlueZ: the same bridge, with an HCI transport for its radio.

Bumble's API churns: its version is pinned, and what is odd about it is dealt with here.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode
from bleak.uuids import normalize_uuid_str
from bumble.att import ATT_Error
from bumble.core import AdvertisingData, BaseBumbleError
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt import GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR
from bumble.hci import Address, HCI_LE_Create_Connection_Cancel_Command
from bumble.transport import open_transport
from bumble.transport.common import Transport

from protocol.bluetooth import LARGEST_MTU, SMALLEST_MTU

from .link import has_ended

START_SECONDS = 3.0
END_SECONDS = 0.5
_UUID_SIZE = 16
_UUID_LISTS = (
    AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)

_log = logging.getLogger(__name__)


class Host:
    """A controller behind an HCI transport; whoever uses it joins, and the last to leave closes it."""

    def __init__(self, hci: str) -> None:
        self._hci = hci
        self._users = 0
        self._opening = asyncio.Lock()
        self._connecting = asyncio.Lock()
        self._transport: Transport | None = None
        self._device: Device | None = None

    @property
    def device(self) -> Device:
        """The host itself, which is there for whoever has joined."""
        if self._device is None:
            raise BleakError("the transport is closed")
        return self._device

    async def join(self) -> None:
        """Open the transport unless somebody has; raise BleakError."""
        self._users += 1
        try:
            with bumble_errors():
                async with self._opening, asyncio.timeout(START_SECONDS):
                    if self._device is None:
                        self._device = await self._open()
        except BaseException:
            await self.leave()
            raise

    async def leave(self) -> None:
        """Close the transport unless somebody still uses it."""
        self._users -= 1
        if self._users == 0:
            transport, self._transport, self._device = self._transport, None, None
            _hosts.pop((asyncio.get_running_loop(), self._hci), None)
            if transport is not None:
                await transport.close()

    async def connect(self, address: Address) -> Connection:
        """Connect to a peripheral, one at a time as controllers want it; raise BleakError."""
        with bumble_errors():
            async with self._connecting:
                try:
                    return await self.device.connect(address, timeout=None)
                except asyncio.CancelledError:  # Bumble forgets it, the controller would not
                    with suppress(BaseBumbleError, TimeoutError):
                        async with asyncio.timeout(END_SECONDS):
                            await self.device.send_sync_command(HCI_LE_Create_Connection_Cancel_Command())
                    raise

    async def _open(self) -> Device:
        try:
            self._transport = await open_transport(self._hci)
        except Exception as error:  # whatever the libraries of so many kinds of transport raise
            raise BleakError(f"{self._hci} cannot be opened: {error}") from None
        source, sink = self._transport.source, self._transport.sink
        device = Device.with_hci("latchwire", Address.generate_static_address(), source, sink)
        await device.power_on()
        return device

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Call back once the transport has ended by itself."""
        if self._transport is not None:
            self._transport.source.terminated.add_done_callback(lambda _: callback())


_hosts: dict[tuple[asyncio.AbstractEventLoop, str], Host] = {}
"""The hosts that are in use: a controller has one, however many scan and connect by it."""


async def _join(hci: str) -> Host:
    host = _hosts.setdefault((asyncio.get_running_loop(), hci), Host(hci))
    await host.join()
    return host


@contextmanager
def bumble_errors() -> Iterator[None]:
    """Let Bumble's errors be bleak's, and what it cancels at a disconnection an error, too."""
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise BleakError("the connection has ended") from None
    except ATT_Error as error:
        raise BleakGATTProtocolError(BleakGATTProtocolErrorCode(error.error_code)) from None
    except (BaseBumbleError, OSError, ValueError) as error:
        raise BleakError(str(error) or type(error).__name__) from None


class HciScanner(BaseBleakScanner):
    """Hears advertisements by the controller behind `hci`."""

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        *,
        hci: str,
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._hci = hci
        self._active = scanning_mode == "active"
        self._host: Host | None = None

    async def start(self) -> None:
        """Begin to listen; raise BleakError."""
        self.seen_devices = {}
        self._host = await _join(self._hci)
        self._host.device.on(Device.EVENT_ADVERTISEMENT, self._hear)
        with bumble_errors():
            if not self._host.device.is_scanning:
                await self._host.device.start_scanning(active=self._active)

    async def stop(self) -> None:
        """Listen no more; twice is harmless."""
        host, self._host = self._host, None
        if host is None:
            return
        try:
            host.device.remove_listener(Device.EVENT_ADVERTISEMENT, self._hear)
            with bumble_errors():
                if not host.device.listeners(Device.EVENT_ADVERTISEMENT):
                    await host.device.stop_scanning()
        finally:
            await host.leave()

    def _hear(self, advertisement: Advertisement) -> None:
        uuids = _service_uuids(advertisement.data)
        if not self.is_allowed_uuid(uuids):
            return
        data = AdvertisementData(
            local_name=None,
            manufacturer_data=_manufacturer_data(advertisement.data),
            service_data={},
            service_uuids=uuids,
            tx_power=None,
            rssi=advertisement.rssi,
            platform_data=(advertisement,),
        )
        address = advertisement.address.to_string(with_type_qualifier=False)
        device = self.create_or_update_device(address, address, None, advertisement.address, data)
        self.call_detection_callbacks(device, data)


def _service_uuids(data: AdvertisingData) -> list[str]:
    raw = [part for kind in _UUID_LISTS for part in data.get_all(kind, raw=True)]
    whole = [part[at : at + _UUID_SIZE] for part in raw for at in range(0, len(part) - _UUID_SIZE + 1, _UUID_SIZE)]
    return [str(UUID(bytes=uuid[::-1])) for uuid in whole]


def _manufacturer_data(data: AdvertisingData) -> dict[int, bytes]:
    parts = data.get_all(AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA, raw=True)
    return {int.from_bytes(part[:2], "little"): part[2:] for part in parts if len(part) >= 2}


class HciClient(BaseBleakClient):
    """One connection by the controller behind `hci`, to a device that an HciScanner has heard; it asks for this MTU."""

    def __init__(
        self, address_or_ble_device: BLEDevice | str, *, hci: str, mtu: int = LARGEST_MTU, **keywords: Any
    ) -> None:
        super().__init__(address_or_ble_device, **keywords)
        self._mtu = mtu
        if not isinstance(address_or_ble_device, BLEDevice):
            raise BleakError("a device is needed, as a scan returns it")
        self._hci = hci
        self._address: Address = address_or_ble_device.details
        self._host: Host | None = None
        self._connection: Connection | None = None

    @property
    def name(self) -> str:
        """What stands in place of a name, which no lock advertises."""
        return self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """The ATT MTU that was agreed to."""
        return SMALLEST_MTU if self._connection is None else int(self._connection.att_mtu)

    @property
    def is_connected(self) -> bool:
        """Whether the connection is known to be there."""
        return self._connection is not None

    async def connect(self, pair: bool, **keywords: Any) -> None:
        """Connect and look the services up; raise BleakError or TimeoutError, with nothing left open."""
        if pair:
            _log.warning("A lock is never paired with by means of Bluetooth (SPEC 9.3).")
        try:
            async with asyncio.timeout(keywords.get("timeout", self._timeout)):
                self._host = await _join(self._hci)
                self._connection = await self._host.connect(self._address)
                self._connection.on(Connection.EVENT_DISCONNECTION, lambda _: self._lose())
                if has_ended(self._connection):
                    raise BleakError("the connection has ended as soon as it began")
                self._host.when_gone(self._lose)
                with bumble_errors():
                    self.services = await self._discover(Peer(self._connection))
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        """End the connection, and leave the controller to others; twice is harmless."""
        connection, self._connection = self._connection, None
        host, self._host = self._host, None
        self.services = None
        try:
            if connection is not None:
                with suppress(BleakError, TimeoutError), bumble_errors():
                    async with asyncio.timeout(END_SECONDS):
                        await connection.disconnect()
        finally:
            if host is not None:
                await host.leave()

    def _lose(self) -> None:
        lost, self._connection = self._connection, None
        if lost is not None and self._disconnected_callback is not None:
            self._disconnected_callback()

    async def _discover(self, peer: Peer) -> BleakGATTServiceCollection:
        await peer.request_mtu(self._mtu)
        found = BleakGATTServiceCollection()
        for service in await peer.discover_services():
            told = BleakGATTService(service, service.handle, _text(service.uuid))
            found.add_service(told)
            for each in await service.discover_characteristics():
                names = list(gatt_char_props_to_strs(each.properties))
                characteristic = BleakGATTCharacteristic(
                    each, each.handle, _text(each.uuid), names, lambda: self.mtu_size - 3, told
                )
                found.add_characteristic(characteristic)
                for descriptor in await each.discover_descriptors():
                    uuid = _text(descriptor.type)
                    found.add_descriptor(BleakGATTDescriptor(descriptor, descriptor.handle, uuid, characteristic))
        return found

    @contextmanager
    def _connected(self) -> Iterator[None]:
        if self._connection is None:
            raise BleakError("Not connected")
        with bumble_errors():
            yield

    async def pair(self, *_: Any, **__: Any) -> None:
        """Raise NotImplementedError: neither side pairs by means of Bluetooth (SPEC 9.3)."""
        raise NotImplementedError

    async def unpair(self) -> None:
        """Raise NotImplementedError, as `pair` does."""
        raise NotImplementedError

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        """Return the value of a characteristic; raise BleakError."""
        with self._connected():
            return bytearray(await characteristic.obj.read_value())

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_: Any) -> bytearray:
        """Return the value of a descriptor; raise BleakError."""
        with self._connected():
            return bytearray(await descriptor.obj.read_value())

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        """Write a characteristic, and with `response` wait until it is taken; raise BleakError."""
        with self._connected():
            await characteristic.obj.write_value(bytes(data), with_response=response)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor; raise BleakError."""
        with self._connected():
            await descriptor.obj.write_value(bytes(data), with_response=True)

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any) -> None:
        """Subscribe to a characteristic; raise BleakError."""
        with self._connected():
            if characteristic.obj.get_descriptor(GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR) is None:
                raise BleakError("this characteristic takes no subscription")
            await characteristic.obj.subscribe(lambda value: callback(bytearray(value)))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """End all subscriptions to a characteristic; raise BleakError."""
        with self._connected():
            await characteristic.obj.unsubscribe(force=True)


def _text(uuid: Any) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))
