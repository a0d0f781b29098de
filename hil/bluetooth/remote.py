"""A peripheral as BlueZ shows it: a device object and, while it is connected, its services and characteristics."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

from bumble.gatt import Characteristic
from bumble.gatt_client import CharacteristicProxy, ServiceProxy
from dbus_fast import Variant

from .central import Central, Sighting
from .link import Link
from .objects import CHARACTERISTIC, DESCRIPTOR, DEVICE, SERVICE, Objects
from .refusals import (
    Refusal,
    aborted,
    already_connected,
    failed,
    in_progress,
    not_connected,
    nothing_to_disconnect,
)

_OWN_SERVICES = {"00001800-0000-1000-8000-00805f9b34fb", "00001801-0000-1000-8000-00805f9b34fb"}
"""Generic Access and Generic Attribute, which BlueZ keeps to itself."""
_FLAGS = {
    Characteristic.Properties.READ: "read",
    Characteristic.Properties.WRITE_WITHOUT_RESPONSE: "write-without-response",
    Characteristic.Properties.WRITE: "write",
    Characteristic.Properties.NOTIFY: "notify",
    Characteristic.Properties.INDICATE: "indicate",
}
_BASE = "-0000-1000-8000-00805f9b34fb"


class Remote:
    """One device object, shown from the first sighting until it is forgotten."""

    def __init__(self, path: str, adapter: str, objects: Objects, central: Central, sighting: Sighting) -> None:
        self._path = path
        self._objects = objects
        self._central = central
        self._address = sighting.address
        self._link: Link | None = None
        self._attempt: asyncio.Task[Link] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._characteristics: dict[str, CharacteristicProxy[bytes]] = {}
        self._subscribers: dict[str, set[str]] = {}
        self._writing: set[str] = set()
        objects.add(path, DEVICE, _new(sighting, adapter) | _heard(sighting))

    @property
    def in_use(self) -> bool:
        """Whether there is a link, or soon may be."""
        return self._link is not None or self._attempt is not None

    def see(self, sighting: Sighting) -> None:
        """Show what was heard of it anew. To be heard at all is news: a real radio's RSSI never stands still."""
        self._objects.change(self._path, _heard(sighting))

    def fade(self) -> None:
        """Show that nobody listens to it any more."""
        self._objects.change(self._path, {}, gone=["RSSI"])

    async def connect(self) -> None:
        """Connect; the services follow. An attempt that fails is followed by Connected=False, as with BlueZ."""
        if self._link is not None:
            raise already_connected()
        if self._attempt is not None:
            raise in_progress("Operation already in progress")
        self._attempt = asyncio.create_task(self._central.connect(self._address))
        try:
            await asyncio.wait({self._attempt})
            if self._attempt.cancelled():
                raise aborted()
            self._begin(self._attempt.result())
        except Refusal:
            asyncio.get_running_loop().call_soon(self._show, {"Connected": False})  # behind the answer
            raise
        finally:
            self._attempt.cancel()
            self._attempt = None

    async def disconnect(self) -> None:
        """End the link, or the attempt at one."""
        if not self.in_use:
            raise nothing_to_disconnect()
        await self.drop()

    async def drop(self) -> None:
        """End whatever there is of a link; return when it is shown."""
        if self._attempt is not None:
            self._attempt.cancel()
            await asyncio.wait({self._attempt})
        if self._link is not None:
            await self._link.disconnect()
            await asyncio.sleep(0)  # `_end` runs as the link's callback

    async def read(self, path: str) -> bytes:
        """Read the characteristic at this path."""
        link, characteristic = self._reach(path)
        return await link.read(characteristic)

    async def write(self, path: str, value: bytes, kind: str) -> None:
        """Write to the characteristic at this path, a `request` with a response or a `command` without one."""
        link, characteristic = self._reach(path)
        if path in self._writing:
            raise in_progress()
        if kind == "command":
            await link.send(characteristic, value)
            return
        self._writing.add(path)
        try:
            await link.write(characteristic, value)
        finally:
            self._writing.discard(path)

    async def start_notify(self, path: str, client: str) -> None:
        """Tell a client the notifications; the peripheral hears of the first client only."""
        link, characteristic = self._reach(path)
        clients = self._subscribers.setdefault(path, set())
        if not clients:
            await link.subscribe(characteristic, lambda value: self._notify(path, value))
        clients.add(client)

    async def stop_notify(self, path: str, client: str) -> None:
        """Tell a client no notifications any more; the peripheral hears of the last client only."""
        link, characteristic = self._reach(path)
        clients = self._subscribers.get(path, set())
        if client not in clients:
            raise failed("No notify session started")
        clients.remove(client)
        if not clients:
            await link.unsubscribe(characteristic)

    def leave(self, client: str) -> None:
        """Take it that a client has left the bus: its subscriptions end, while the link stays."""
        for path, clients in self._subscribers.items():
            if client in clients:
                self._spawn(self._leave(path, client))

    async def _leave(self, path: str, client: str) -> None:
        with suppress(Refusal):  # the link ends, too
            await self.stop_notify(path, client)

    def _begin(self, link: Link) -> None:
        self._link = link
        self._show({"Connected": True})
        link.ended.add_done_callback(lambda _: self._end())
        self._spawn(self._resolve(link))

    async def _resolve(self, link: Link) -> None:
        try:
            services = await link.resolve()
        except (Refusal, TimeoutError):
            await link.disconnect()
            return
        for service in services:
            self._add_service(service, link.mtu)
        self._show({"ServicesResolved": True})

    def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._link = None
        self._show({"ServicesResolved": False})
        self._show({"Connected": False})
        self._objects.clear(self._path)
        self._characteristics.clear()
        self._subscribers.clear()

    def _notify(self, path: str, value: bytes) -> None:
        if path in self._objects:
            self._objects.change(path, {"Value": Variant("ay", value)})

    def _reach(self, path: str) -> tuple[Link, CharacteristicProxy[bytes]]:
        if self._link is None or path not in self._characteristics:
            raise not_connected()
        return self._link, self._characteristics[path]

    def _show(self, flags: dict[str, bool]) -> None:
        if self._path in self._objects:
            self._objects.change(self._path, {name: Variant("b", flag) for name, flag in flags.items()})

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _add_service(self, service: ServiceProxy, mtu: int) -> None:
        uuid = _long(service.uuid.to_hex_str("-"))
        if uuid in _OWN_SERVICES:
            return
        path = f"{self._path}/service{service.handle:04x}"
        self._objects.add(path, SERVICE, {
            "UUID": Variant("s", uuid), "Device": Variant("o", self._path), "Primary": Variant("b", True),
        })  # fmt: skip
        for characteristic in service.characteristics:
            self._add_characteristic(path, characteristic, mtu)

    def _add_characteristic(self, service: str, characteristic: CharacteristicProxy[bytes], mtu: int) -> None:
        path = f"{service}/char{characteristic.handle - 1:04x}"  # BlueZ counts from the declaration, Bumble the value
        flags = [flag for bit, flag in _FLAGS.items() if characteristic.properties & bit]
        self._characteristics[path] = characteristic
        self._objects.add(path, CHARACTERISTIC, {
            "UUID": Variant("s", _long(characteristic.uuid.to_hex_str("-"))), "Service": Variant("o", service),
            "Flags": Variant("as", flags), "MTU": Variant("q", mtu), "Value": Variant("ay", b""),
        })  # fmt: skip
        for descriptor in characteristic.descriptors:
            self._objects.add(f"{path}/desc{descriptor.handle:04x}", DESCRIPTOR, {
                "UUID": Variant("s", _long(descriptor.type.to_hex_str("-"))), "Characteristic": Variant("o", path),
            })  # fmt: skip


def _new(sighting: Sighting, adapter: str) -> dict[str, Variant]:
    return {
        "Address": Variant("s", sighting.text),
        "AddressType": Variant("s", "public" if sighting.address.is_public else "random"),
        "Alias": Variant("s", sighting.text.replace(":", "-")),
        "Adapter": Variant("o", adapter),
        "Paired": Variant("b", False),
        "Connected": Variant("b", False),
        "ServicesResolved": Variant("b", False),
    }


def _heard(sighting: Sighting) -> dict[str, Variant]:
    manufacturer = {company: Variant("ay", data) for company, data in sighting.manufacturer.items()}
    return {
        "RSSI": Variant("n", sighting.rssi),
        "UUIDs": Variant("as", list(sighting.uuids)),
        "ManufacturerData": Variant("a{qv}", manufacturer),
    }


def _long(uuid: str) -> str:
    """Return a UUID in full, as D-Bus has it."""
    return (uuid if "-" in uuid else f"{uuid:0>8}{_BASE}").lower()
