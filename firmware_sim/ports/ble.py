"""The lock on Bluetooth Low Energy (SPEC 9.3): a GATT peripheral, each of whose connections is a link of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any

from bumble import hci
from bumble.core import BaseBumbleError
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.transport import open_transport
from bumble.transport.common import Transport, TransportSource, TransportSpecError

from protocol.bluetooth import ATT_HEADER, LARGEST_MTU, NOTIFY, SERVICE, WRITE, Advertisement, advertising_data

from ..errors import OptionError, PortError
from ..simulator import Simulator
from .air import is_virtual, open_air
from .radio import PatientDevice, hush

_QUEUE = 65536
"""Bytes kept for a central that does not read; beyond them it is disconnected."""
_INTERVAL_MS = 20
"""Between two advertisements: the shortest that Bluetooth allows, so that a lock is found at once."""
_START_SECONDS = 10
"""Within which a controller has to answer."""
_END_SECONDS = 2
"""Within which a controller has to let its connections go; then the lock is gone without a word."""


class _Central:
    """One connection: what the lock sends on it waits here until the central takes it."""

    def __init__(self, port: "_Port", connection: Connection) -> None:
        self._port = port
        self._connection = connection
        self._subscribed = False
        self._ended = False
        self._queue = bytearray()
        self._filled = asyncio.Event()
        self._notifying = port.spawn(self._notify())
        self._number = port.simulator.attach(self, connection=True)

    def written(self, piece: bytes) -> None:
        """Take the next piece of the bridge's bytes; what comes before a subscription is dropped."""
        if self._subscribed:
            self._port.simulator.receive(self._number, piece)

    def subscribe(self) -> None:
        """Let the link begin anew for whoever listens from now on."""
        self._subscribed = True
        self._queue.clear()
        self._port.simulator.reset(self._number)

    def unsubscribe(self) -> None:
        """Let nobody listen any more."""
        self._subscribed = False
        self._queue.clear()

    def gone(self) -> None:
        """Take the end of the connection."""
        self._ended = True
        self._notifying.cancel()
        self._port.simulator.detach(self._number)

    def send(self, data: bytes) -> None:
        if len(self._queue) + len(data) > _QUEUE:
            self.hang_up()
            return
        self._queue += data
        self._filled.set()

    def hang_up(self) -> None:
        self._notifying.cancel()
        self._port.spawn(self.disconnect())

    async def disconnect(self) -> None:
        """End the connection; Bumble would wait for ever for the end of one that has ended."""
        if not self._ended:
            with suppress(BaseBumbleError):
                await self._connection.disconnect()

    async def _notify(self) -> None:
        """Notify what waits, piece by piece, each when the one before has left."""
        while await self._filled.wait():
            while self._queue:
                size = self._connection.att_mtu - ATT_HEADER
                piece = bytes(self._queue[:size])
                del self._queue[:size]
                await self._port.notify(self._connection, piece)
            self._filled.clear()


class _Port:
    """The lock's GATT server; nothing that goes wrong in a handler is left to Bumble, which would never answer."""

    def __init__(self, simulator: Simulator, device: Device, mtu: int) -> None:
        self.simulator = simulator
        self._device = device
        self._centrals: dict[Connection, _Central] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._payload = b""
        self._stale = asyncio.Event()
        self._leaving = False
        kinds = Characteristic.Properties
        self._notifies = Characteristic[bytes](NOTIFY, kinds.NOTIFY, Characteristic.READABLE)
        write = Characteristic[bytes](
            WRITE,
            kinds.WRITE | kinds.WRITE_WITHOUT_RESPONSE,
            Characteristic.WRITEABLE,
            CharacteristicValue(write=self._written),
        )
        device.gatt_server.max_mtu = mtu
        device.add_service(Service(SERVICE, [write, self._notifies]))
        self._notifies.on(self._notifies.EVENT_SUBSCRIPTION, self._subscribed)
        device.on(device.EVENT_CONNECTION, self._connected)

    def show(self, advertisement: Advertisement) -> None:
        """Advertise this from now on."""
        self._payload = advertising_data(advertisement)
        self._stale.set()

    @asynccontextmanager
    async def on_the_air(self) -> AsyncIterator[None]:
        """Advertise and take centrals; disconnect them at the end."""
        self.simulator.attach_beacon(self)
        advertising = asyncio.get_running_loop().create_task(self._advertise())
        try:
            yield
        finally:
            self.simulator.detach_beacon(self)
            self._leaving = True
            self._stale.set()
            with suppress(TimeoutError, BaseBumbleError):
                async with asyncio.timeout(_END_SECONDS):
                    await advertising
                    for central in list(self._centrals.values()):
                        await central.disconnect()
                    await self._device.power_off()
            for task in list(self._tasks):
                task.cancel()

    def spawn(self, doing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that ends with the port."""
        task = asyncio.get_running_loop().create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def notify(self, connection: Connection, piece: bytes) -> None:
        """Send one notification, and wait until the controller has got rid of it."""
        await self._device.notify_subscriber(connection, self._notifies, piece)
        if queue := connection.data_packet_queue:
            with suppress(ValueError):  # Bumble's word for a connection of which nothing has left yet
                await queue.drain(connection.handle)

    async def _advertise(self) -> None:
        """Keep the advertisement true; a connection has ended it, and a controller with no place left refuses it."""
        while await self._stale.wait() and not self._leaving:
            self._stale.clear()
            with suppress(BaseBumbleError, TimeoutError):  # it is asked again with the next news
                await self._advertise_payload()
        await self._device.stop_advertising()

    async def _advertise_payload(self) -> None:
        advertising = self._device.legacy_advertising_set
        if advertising and advertising.enabled:  # to start anew would refuse whoever connects in that moment
            await advertising.set_advertising_data(self._payload)
        else:
            await self._device.start_advertising(
                advertising_data=self._payload,
                advertising_interval_min=_INTERVAL_MS,
                advertising_interval_max=_INTERVAL_MS,
            )

    def _connected(self, connection: Connection) -> None:
        connection.on(connection.EVENT_DISCONNECTION, lambda _: self._guard(partial(self._disconnected, connection)))
        self._stale.set()
        self._guard(partial(self._take, connection))

    def _take(self, connection: Connection) -> None:
        self._centrals[connection] = _Central(self, connection)

    def _disconnected(self, connection: Connection) -> None:
        self._stale.set()
        if central := self._centrals.pop(connection, None):
            central.gone()

    def _written(self, connection: Connection, piece: bytes) -> None:
        if central := self._centrals.get(connection):
            self._guard(partial(central.written, piece))

    def _subscribed(self, connection: Connection, notify: bool, indicate: bool) -> None:
        del indicate
        if central := self._centrals.get(connection):
            self._guard(central.subscribe if notify else central.unsubscribe)

    def _guard(self, happen: Callable[[], None]) -> None:
        try:
            happen()
        except Exception as error:
            context = {"message": "the lock failed under its Bluetooth port", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)


@asynccontextmanager
async def serve_ble(simulator: Simulator, transport: str, *, mtu: int = LARGEST_MTU) -> AsyncIterator[str]:
    """Offer the lock by the controller at `transport` and yield that place; agree to an ATT MTU of `mtu` at most.

    Raises OptionError for a transport that makes no sense, and PortError for one that cannot be opened.
    """
    hush()
    async with _controller(transport) as (source, sink, place):
        device = PatientDevice.with_hci("Latchwire", _address(simulator), source, sink)
        await _power_on(device, place)
        async with _Port(simulator, device, mtu).on_the_air():
            yield place


def _address(simulator: Simulator) -> hci.Address:
    """Return a random static address that stays with the lock."""
    return hci.Address(simulator.device.factory.lock_id.to_bytes(4, "little") + b"\x00\xc0")


@asynccontextmanager
async def _controller(transport: str) -> AsyncIterator[tuple[Any, Any, str]]:
    """Yield where packets of a controller come from, where they go to, and its place."""
    if not transport.partition(":")[2]:
        raise _no_transport(transport)
    if is_virtual(transport):
        async with open_air(transport) as (controller, place):
            yield controller, controller, place
        return
    async with await _open(transport) as (source, sink):
        with _watched(source, transport):
            yield source, sink, transport


async def _open(transport: str) -> Transport:
    try:
        return await open_transport(transport)
    except TransportSpecError:
        raise _no_transport(transport) from None
    except Exception as error:  # whatever the libraries of so many kinds of transport raise
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        raise PortError(
            f"Cannot open the Bluetooth controller {transport}: {' '.join(reason.split())}. "
            "Plug it in, or choose another one for --ble."
        ) from None


def _no_transport(transport: str) -> OptionError:
    return OptionError(
        f"{transport!r} is no Bluetooth transport. Try --ble unix-server:PATH, tcp-server:HOST:PORT or usb:0."
    )


async def _power_on(device: Device, place: str) -> None:
    try:
        async with asyncio.timeout(_START_SECONDS):
            await device.power_on()
    except (TimeoutError, BaseBumbleError):
        raise PortError(
            f"The Bluetooth controller {place} does not answer. Let nothing else use it, or choose another for --ble."
        ) from None


@contextmanager
def _watched(source: TransportSource, transport: str) -> Iterator[None]:
    """End the simulator where its controller is lost: the running loop is told of it."""

    def lost(_: asyncio.Future[None]) -> None:
        raise PortError(f"The Bluetooth controller {transport} is gone. Was it unplugged? Start the lock again.")

    source.terminated.add_done_callback(lost)
    try:
        yield
    finally:
        source.terminated.remove_done_callback(lost)
