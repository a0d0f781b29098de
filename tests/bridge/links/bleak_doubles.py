"""A backend of bleak's that does what a test tells it, step by step, and counts what it is asked."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection

from protocol.bluetooth import COMPANY, NOTIFY, SERVICE, WRITE
from tests.bridge.links.peripherals import manufacturer_data

Properties = list[CharacteristicPropertyName]


def advertisement(told: bytes, *, service: str = SERVICE, company: int = COMPANY, rssi: int = -50) -> AdvertisementData:
    """Return an advertisement as bleak hands it out."""
    return AdvertisementData(
        local_name=None,
        manufacturer_data={company: told},
        service_data={},
        service_uuids=[service],
        tx_power=None,
        rssi=rssi,
        platform_data=(),
    )


class World:
    """What is on the air and how it behaves: a step fails, hangs, or does `meanwhile` what a test wants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: list[tuple[str, AdvertisementData]] = [("right", advertisement(manufacturer_data()))]
        self.fails: dict[str, Exception] = {}
        self.hangs: set[str] = set()
        self.clings: set[str] = set()
        """Steps that hang on when they are cancelled, as bleak does for a service that never answers."""
        self.meanwhile: dict[str, Callable[[], object]] = {}
        self.calls: list[str] = []
        self.clients: list[DoubleClient] = []
        self.service = SERVICE
        self.offers: dict[str, Properties] = {WRITE: ["write", "write-without-response"], NOTIFY: ["notify"]}
        self.size = 244
        self.written: list[tuple[bytes, bool]] = []
        monkeypatch.setattr("bridge.links.ble.options", lambda *_: {"backend": DoubleClient, "world": self})
        monkeypatch.setattr("bridge.links.ble_hearing.options", lambda *_: {"backend": DoubleScanner, "world": self})

    @property
    def client(self) -> "DoubleClient":
        """The only client."""
        (client,) = self.clients
        return client

    def drop(self) -> None:
        """End the connection of the only client unasked."""
        self.client.drop()

    async def step(self, name: str) -> None:
        """Do one step as the test wants it."""
        self.calls.append(name)
        self.meanwhile.get(name, lambda: None)()
        await asyncio.sleep(0)  # whoever was cancelled meanwhile learns it here
        if name in self.hangs:
            try:
                await asyncio.Event().wait()
            finally:
                if name in self.clings:
                    await asyncio.Event().wait()
        if name in self.fails:
            raise self.fails[name]


class DoubleScanner(BaseBleakScanner):
    """Hears what the world says once, when it starts."""

    def __init__(self, detection_callback: Any, *_: Any, world: World, **__: Any) -> None:
        super().__init__(detection_callback, None)  # a real one lets strangers through at times
        self.world = world

    async def start(self) -> None:
        await self.world.step("start")
        for name, data in self.world.heard:
            self.call_detection_callbacks(BLEDevice(name, None, None), data)

    async def stop(self) -> None:
        await self.world.step("stop")
        self.world.calls.append("stopped")


class DoubleClient(BaseBleakClient):
    """One client of the world."""

    def __init__(self, device: BLEDevice | str, *, world: World, **keywords: Any) -> None:
        super().__init__(device, **keywords)
        self.world = world
        self.notify: NotifyCallback = lambda _: None
        self._connected = False
        world.clients.append(self)

    @property
    def mtu_size(self) -> int:
        return self.world.size + 3

    @property
    def is_connected(self) -> bool:
        return self._connected

    def drop(self) -> None:
        """End the connection unasked."""
        self._connected = False
        assert self._disconnected_callback is not None
        self._disconnected_callback()

    async def connect(self, pair: bool, **_: Any) -> None:
        assert not pair
        await self.world.step("connect")
        self._connected = True
        self.services = BleakGATTServiceCollection()
        service = BleakGATTService(None, 1, self.world.service)
        self.services.add_service(service)
        for handle, (uuid, properties) in enumerate(self.world.offers.items(), start=2):
            characteristic = BleakGATTCharacteristic(None, handle, uuid, properties, lambda: self.world.size, service)
            self.services.add_characteristic(characteristic)

    async def disconnect(self) -> None:
        await self.world.step("disconnect")
        self._connected = False
        self.services = None
        self.world.calls.append("disconnected")

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: Any, response: bool) -> None:
        assert characteristic.uuid == WRITE
        await self.world.step("write")
        self.world.written.append((bytes(data), response))

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any) -> None:
        assert characteristic.uuid == NOTIFY
        await self.world.step("subscribe")
        self.notify = callback

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        raise NotImplementedError

    async def pair(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError

    async def unpair(self) -> None:
        raise NotImplementedError

    async def read_gatt_char(self, *_: Any, **__: Any) -> bytearray:
        raise NotImplementedError

    async def read_gatt_descriptor(self, *_: Any, **__: Any) -> bytearray:
        raise NotImplementedError

    async def write_gatt_descriptor(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError
