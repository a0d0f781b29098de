"""What locks advertise, heard for a bounded time; where Bluetooth does not work, one sentence says why."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError

from protocol.bluetooth import COMPANY, SERVICE, Advertisement, decode_advertisement
from protocol.errors import MalformedError

from ..errors import BridgeError, Obstacle, Unreachable
from ..finishing import finishing
from .radio import Bluetooth, Radio

BACKENDS = "latchwire.bluetooth"
"""The entry points of what speaks to the transport of `Radio.hci`: `scanner` and `client`, backends of bleak's."""
SERVICE_SECONDS = 3.0
"""What the machine's Bluetooth service may take to begin a scan."""
STOP_SECONDS = 0.4
"""What it may take to end one; a scan that goes on ends with this process."""

Trouble = tuple[Obstacle, str]
Notice = Callable[[BLEDevice, AdvertisementData], None]

_OFF: Trouble = (
    Obstacle.OTHER,
    "Bluetooth is switched off. Switch it on (on Linux by `bluetoothctl power on`), and try again.",
)
_DENIED: Trouble = (
    Obstacle.FORBIDDEN,
    "This user may not use Bluetooth. Allow it in the system's settings (on Linux, join the group bluetooth), and try "
    "again.",
)
_ABSENT: Trouble = (
    Obstacle.MISSING,
    "This machine has no Bluetooth adapter. Plug one in, or reach the lock in another way.",
)
_NOT_RUNNING: Trouble = (
    Obstacle.MISSING,
    "The Bluetooth service of this machine is not running. Start it (on Linux by `sudo systemctl start bluetooth`), "
    "and try again.",
)
_TROUBLES = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: _ABSENT,
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: (
        Obstacle.MISSING,
        "The Bluetooth adapter of this machine does not speak Low Energy. Plug another one in.",
    ),
    BleakBluetoothNotAvailableReason.POWERED_OFF: _OFF,
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: _DENIED,
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: _DENIED,
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: _DENIED,
    "org.freedesktop.DBus.Error.ServiceUnknown": _NOT_RUNNING,
    "org.freedesktop.DBus.Error.NameHasNoOwner": _NOT_RUNNING,
    "org.freedesktop.DBus.Error.AccessDenied": _DENIED,
    "org.bluez.Error.NotAuthorized": _DENIED,
    "org.bluez.Error.NotPermitted": _DENIED,
    "org.bluez.Error.NotReady": _OFF,
    "org.bluez.Error.InProgress": (
        Obstacle.BUSY,
        "Another program keeps the Bluetooth adapter busy. Try again, or end that program.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One lock's advertisement, the target that leads there, and how strongly it was received in dBm."""

    target: str
    advertisement: Advertisement
    rssi: int


def advertised(data: AdvertisementData) -> Advertisement | None:
    """Return what a lock says in an advertisement, None where it is not one of a lock."""
    if SERVICE not in data.service_uuids:
        return None
    try:
        return decode_advertisement(data.manufacturer_data.get(COMPANY, b""))
    except MalformedError:
        return None


async def find(wanted: Bluetooth, seconds: float, *, but: Collection[str] = ()) -> BLEDevice:
    """Return the first device that advertises as the wanted lock, but for these addresses; raise Unreachable."""
    found: asyncio.Future[BLEDevice] = asyncio.get_running_loop().create_future()

    def notice(device: BLEDevice, data: AdvertisementData) -> None:
        told = advertised(data)
        if told and told.lock_id == wanted.lock_id and device.address not in but and not found.done():
            found.set_result(device)

    async with _listening(wanted.radio, notice):
        await asyncio.wait([found], timeout=seconds)
    if not found.done():
        raise Unreachable(
            f"The lock {wanted.lock_id:08X} was not heard within {seconds:g} s. Is it powered, and near enough? "
            f"`{wanted.radio.scan}` shows what is heard.",
            obstacle=Obstacle.MISSING,
        )
    return found.result()


async def hear(radio: Radio, seconds: float) -> tuple[Heard, ...]:
    """Return the newest advertisement of each device that is heard as a lock, the strongest first; raise Unreachable.

    Where several say that they are one lock, all but one of them lie.
    """
    heard: dict[tuple[int, str], Heard] = {}

    def notice(device: BLEDevice, data: AdvertisementData) -> None:
        if (told := advertised(data)) is not None:
            heard[told.lock_id, device.address] = Heard(
                target=radio.target(told.lock_id), advertisement=told, rssi=data.rssi
            )

    async with _listening(radio, notice):
        await asyncio.sleep(seconds)
    return tuple(sorted(heard.values(), key=lambda each: -each.rssi))


def options(radio: Radio, part: str, mtu: int | None = None) -> dict[str, Any]:
    """Return what bleak is to be told of a radio; `part` is scanner or client. Raises Unreachable."""
    if radio.hci is None:
        return {} if radio.adapter is None else {"bluez": {"adapter": radio.adapter}}
    try:
        (backend,) = entry_points(group=BACKENDS, name=part)
        return {"backend": backend.load(), "hci": radio.hci} | ({} if mtu is None else {"mtu": mtu})
    except (ImportError, ValueError):
        raise Unreachable(
            f"The radio behind hci={radio.hci} needs another package. Run `pip install 'latchwire[radio]'`.",
            obstacle=Obstacle.MISSING,
        ) from None


@asynccontextmanager
async def _listening(radio: Radio, notice: Notice) -> AsyncIterator[None]:
    """Meanwhile let `notice` have each advertisement that has our service; raise Unreachable."""
    with explained(radio):
        scanner = BleakScanner(notice, [SERVICE], **options(radio, "scanner"))
    try:
        with explained(radio):
            async with asyncio.timeout(SERVICE_SECONDS):
                await scanner.start()
        yield
    finally:
        await _stop(scanner)


@finishing
async def _stop(scanner: BleakScanner) -> None:
    with suppress(Exception):  # what was heard is good, however badly the scan ends
        async with asyncio.timeout(STOP_SECONDS):
            await scanner.stop()


@contextmanager
def explained(radio: Radio) -> Iterator[None]:
    """Let whatever keeps Bluetooth from working be an Unreachable that says what to do."""
    try:
        yield
    except BridgeError:
        raise
    except Exception as error:  # beside its own, bleak lets through those of D-Bus, of sockets and of its assertions
        obstacle, sentence = _trouble(radio, error)
        raise Unreachable(sentence, obstacle=obstacle) from None


def _trouble(radio: Radio, error: Exception) -> Trouble:
    if radio.hci is not None:
        return Obstacle.OTHER, f"The radio behind hci={radio.hci} does not answer. Is it there, and powered?"
    if isinstance(error, BleakBluetoothNotAvailableError) and error.reason in _TROUBLES:
        return _TROUBLES[error.reason]
    if isinstance(error, BleakDBusError) and error.dbus_error in _TROUBLES:
        return _TROUBLES[error.dbus_error]
    if isinstance(error, PermissionError):
        return _DENIED
    if isinstance(error, FileNotFoundError | ConnectionError | EOFError):  # the socket of D-Bus
        return _NOT_RUNNING
    if radio.adapter is not None and f"adapter '{radio.adapter}' not found" in str(error):
        sentence = f"This machine has no Bluetooth adapter {radio.adapter}. `bluetoothctl list` shows which it has."
        return Obstacle.MISSING, sentence
    return Obstacle.OTHER, f"Bluetooth does not work here ({type(error).__name__}). Is its service running? Try again."
