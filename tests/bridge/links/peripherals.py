"""Peripherals on a virtual air, as a test holds them: they say what it likes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from bumble.controller import Controller
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address

from firmware_sim.ports.air import Air as RealAir
from firmware_sim.ports.air import serve_air
from protocol.bluetooth import COMPANY, LARGEST_MTU, NOTIFY, SERVICE, WRITE, Advertisement, encode_advertisement
from protocol.messages.hello import HelloFlag

LOCK_ID = 0xA0B0C0D0
BOTH = Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE
_INTERVAL_MS = 20


def manufacturer_data(lock_id: int = LOCK_ID, flags: int = 0) -> bytes:
    """Return what a lock says behind the company identifier."""
    return encode_advertisement(Advertisement(lock_id=lock_id, flags=HelloFlag(flags), change=7))


def payload(told: bytes, service: str = SERVICE, company: int = COMPANY) -> bytes:
    """Return an advertisement with `told` behind its company identifier."""
    uuid = UUID(service).bytes[::-1]
    data = company.to_bytes(2, "little") + told
    return bytes([2, 1, 6, 17, 7, *uuid, len(data) + 1, 0xFF, *data])


class Air(RealAir):
    """The simulated lock's own air, with what a test puts there in place of a lock."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.hci = f"unix-client:{path}"
        self._peripherals = 0

    async def peripheral(
        self,
        advertisement: bytes,
        *,
        mtu: int = LARGEST_MTU,
        write: Characteristic.Properties = BOTH,
        notify: Characteristic.Properties = Characteristic.Properties.NOTIFY,
    ) -> "Peripheral":
        """Put a peripheral on the air; without any `write` or `notify` it lacks that characteristic."""
        self._peripherals += 1
        made = Peripheral(self.controller(), self._peripherals, mtu, write, notify)
        await made.start(advertisement)
        return made


@asynccontextmanager
async def open_air(folder: Path) -> AsyncIterator[Air]:
    """Yield an air whose socket lies in `folder`."""
    air = Air(folder / "hci")
    async with serve_air(air, f"unix-server:{folder / 'hci'}"):
        yield air


class Peripheral:
    """One device with a lock's service, without a lock behind it."""

    def __init__(
        self,
        controller: Controller,
        number: int,
        mtu: int,
        write: Characteristic.Properties,
        notify: Characteristic.Properties,
    ) -> None:
        self.pieces: list[bytes] = []
        self.heard: Callable[[bytes], object] = self.pieces.append
        self.subscribed: Callable[[], object] = lambda: None
        self.connected: Callable[[], object] = lambda: None
        self._device = Device.with_hci("peripheral", Address(f"C0:00:00:00:00:{number:02X}"), controller, controller)
        self._notify = Characteristic[bytes](NOTIFY, notify, Characteristic.READABLE)
        self._notify.on(self._notify.EVENT_SUBSCRIPTION, self._hear_subscription)
        value = CharacteristicValue(read=lambda _: b"read", write=lambda _, piece: self.heard(piece))
        self._write = Characteristic[bytes](WRITE, write, Characteristic.WRITEABLE, value)
        parts = [part for part in (self._write, self._notify) if part.properties]
        self._device.gatt_server.max_mtu = mtu
        self._device.add_service(Service(SERVICE, parts))
        self._device.on(self._device.EVENT_CONNECTION, self._hear_connection)

    def _hear_subscription(self, *_: object) -> None:
        self.subscribed()

    def _hear_connection(self, _: Connection) -> None:
        self.connected()

    async def start(self, advertisement: bytes) -> None:
        await self._device.power_on()
        await self._device.start_advertising(
            advertising_data=advertisement,
            advertising_interval_min=_INTERVAL_MS,
            advertising_interval_max=_INTERVAL_MS,
            auto_restart=True,
        )

    async def stop(self) -> None:
        await self._device.stop_advertising()

    async def say(self, data: bytes) -> None:
        """Notify every central, in pieces that its MTU carries."""
        for connection in self.connections:
            size = connection.att_mtu - 3
            for start in range(0, len(data), size):
                await self._device.notify_subscriber(connection, self._notify, data[start : start + size])

    async def go(self) -> None:
        """Disconnect every central."""
        for connection in self.connections:
            await connection.disconnect()

    @property
    def connections(self) -> list[Connection]:
        return list(self._device.connections.values())
