"""What keeps Bluetooth from working is told in one sentence, with what to do and of which kind it is."""

import asyncio
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)

from bridge.errors import Obstacle, Unreachable
from bridge.links import Radio, hear, open_link
from bridge.links.ble_hearing import SERVICE_SECONDS, STOP_SECONDS, options
from tests import virtual_time
from tests.bridge.links.bleak_doubles import World, advertisement
from tests.bridge.links.peripherals import manufacturer_data

Reason = BleakBluetoothNotAvailableReason


def unavailable(reason: Reason) -> BleakError:
    return BleakBluetoothNotAvailableError("why", reason)


def dbus(name: str) -> BleakError:
    return BleakDBusError(name, ["why"])


TROUBLES: dict[str, tuple[Exception, Obstacle, str]] = {
    "no adapter": (unavailable(Reason.NO_BLUETOOTH), Obstacle.MISSING, "has no Bluetooth adapter. Plug one in"),
    "a classic adapter": (unavailable(Reason.NO_BLE_CENTRAL_ROLE), Obstacle.MISSING, "does not speak Low Energy"),
    "off": (unavailable(Reason.POWERED_OFF), Obstacle.OTHER, "is switched off. Switch it on"),
    "off, that adapter": (dbus("org.bluez.Error.NotReady"), Obstacle.OTHER, "is switched off. Switch it on"),
    "denied by the user": (unavailable(Reason.DENIED_BY_USER), Obstacle.FORBIDDEN, "may not use Bluetooth"),
    "denied by the system": (unavailable(Reason.DENIED_BY_SYSTEM), Obstacle.FORBIDDEN, "may not use Bluetooth"),
    "denied by whomever": (unavailable(Reason.DENIED_BY_UNKNOWN), Obstacle.FORBIDDEN, "may not use Bluetooth"),
    "denied by D-Bus": (dbus("org.freedesktop.DBus.Error.AccessDenied"), Obstacle.FORBIDDEN, "may not use Bluetooth"),
    "denied by BlueZ": (dbus("org.bluez.Error.NotAuthorized"), Obstacle.FORBIDDEN, "may not use Bluetooth"),
    "not permitted by BlueZ": (dbus("org.bluez.Error.NotPermitted"), Obstacle.FORBIDDEN, "may not use Bluetooth"),
    "denied at the socket": (PermissionError(13, "no"), Obstacle.FORBIDDEN, "may not use Bluetooth"),
    "no BlueZ": (dbus("org.freedesktop.DBus.Error.ServiceUnknown"), Obstacle.MISSING, "is not running. Start it"),
    "no BlueZ by name": (dbus("org.freedesktop.DBus.Error.NameHasNoOwner"), Obstacle.MISSING, "is not running."),
    "no D-Bus": (FileNotFoundError(2, "no"), Obstacle.MISSING, "is not running. Start it"),
    "a deaf D-Bus": (ConnectionRefusedError(111, "no"), Obstacle.MISSING, "is not running. Start it"),
    "a D-Bus that died": (EOFError(), Obstacle.MISSING, "is not running. Start it"),
    "busy": (dbus("org.bluez.Error.InProgress"), Obstacle.BUSY, "Another program keeps the Bluetooth adapter busy."),
    "that adapter is missing": (BleakError("adapter 'hci7' not found"), Obstacle.MISSING, "no Bluetooth adapter hci7."),
    "unknown to the system": (unavailable(Reason.UNKNOWN), Obstacle.OTHER, "(BleakBluetoothNotAvailableError)"),
    "another of D-Bus": (dbus("org.freedesktop.DBus.Error.NoReply"), Obstacle.OTHER, "(BleakDBusError)"),
    "one of bleak's assertions": (AssertionError(), Obstacle.OTHER, "does not work here (AssertionError)."),
}


@pytest.mark.parametrize(("error", "obstacle", "words"), TROUBLES.values(), ids=TROUBLES)
def test_each_trouble_has_its_kind_and_its_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception, obstacle: Obstacle, words: str
) -> None:
    world = World(monkeypatch)
    world.fails["start"] = error
    with pytest.raises(Unreachable) as opening:
        virtual_time.run(open_link("ble:A0B0C0D0?adapter=hci7"))
    with pytest.raises(Unreachable) as hearing:
        virtual_time.run(hear(Radio(adapter="hci7"), 1.0))
    assert opening.value.obstacle is hearing.value.obstacle is obstacle
    assert words in str(opening.value)
    assert str(opening.value) == str(hearing.value)
    assert str(opening.value).endswith((".", "?"))


def test_a_service_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    World(monkeypatch).hangs |= {"start", "stop"}

    async def test() -> None:
        with pytest.raises(Unreachable, match="does not work here"):
            await hear(Radio(), 1.0)
        assert asyncio.get_running_loop().time() == pytest.approx(SERVICE_SECONDS + STOP_SECONDS)

    virtual_time.run(test())


def test_what_was_heard_is_the_newest_of_each_lock_the_strongest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.fails["stop"] = BleakError("no")  # what was heard is good nevertheless
    far, near = manufacturer_data(1), manufacturer_data(2)
    world.heard = [
        ("far", advertisement(far, rssi=-90)),
        ("near", advertisement(near, rssi=-95)),
        ("malformed", advertisement(b"\0")),
        ("near", advertisement(near, rssi=-40)),
    ]
    heard = virtual_time.run(hear(Radio(adapter="hci1"), 5.0))
    assert [(each.target, each.rssi) for each in heard] == [
        ("ble:00000002?adapter=hci1", -40),
        ("ble:00000001?adapter=hci1", -90),
    ]


def test_several_devices_that_say_they_are_one_lock_are_all_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = manufacturer_data(1)
    World(monkeypatch).heard = [("liar", advertisement(told, rssi=-40)), ("lock", advertisement(told, rssi=-60))]
    heard = virtual_time.run(hear(Radio(), 5.0))
    assert [(each.target, each.rssi) for each in heard] == [("ble:00000001", -40), ("ble:00000001", -60)]


def test_an_adapter_is_named_to_bleak_in_its_new_way() -> None:
    assert options(Radio(), "client") == {}
    assert options(Radio(adapter="hci1"), "client") == {"bluez": {"adapter": "hci1"}}


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("ble:A0B0C0D1", "latchwire scan --ble"),
        ("ble:A0B0C0D1?adapter=hci1", "latchwire scan --ble --adapter=hci1"),
        ("ble:A0B0C0D1?hci=unix-client:/a%20b", "latchwire scan --ble '--hci=unix-client:/a b'"),
    ],
)
def test_whoever_does_not_hear_a_lock_is_told_how_to_see_what_the_same_radio_hears(
    monkeypatch: pytest.MonkeyPatch, target: str, command: str
) -> None:
    World(monkeypatch)
    with pytest.raises(Unreachable) as failure:
        virtual_time.run(open_link(target))
    assert str(failure.value).endswith(f" `{command}` shows what is heard.")


def test_what_is_behind_hci_that_does_not_answer_is_told() -> None:
    with pytest.raises(Unreachable, match=r"hci=unix-client:/nonexistent does not answer\.") as failure:
        asyncio.run(open_link("ble:A0B0C0D0?hci=unix-client:/nonexistent"))
    assert failure.value.obstacle is Obstacle.OTHER


BROKEN = EntryPoint(group="latchwire.bluetooth", name="scanner", value="hil.bluetooth.nothing:Scanner")


@pytest.mark.parametrize("found", [EntryPoints(), EntryPoints([BROKEN])], ids=["none", "one that cannot be imported"])
def test_a_portable_backend_that_is_missing_is_a_sentence(monkeypatch: pytest.MonkeyPatch, found: EntryPoints) -> None:
    monkeypatch.setattr("bridge.links.ble_hearing.entry_points", lambda **_: found)
    with pytest.raises(Unreachable, match=r"pip install 'latchwire\[radio\]'") as failure:
        asyncio.run(open_link("ble:A0B0C0D0?hci=usb:0"))
    assert failure.value.obstacle is Obstacle.MISSING


def test_without_bleak_a_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("bridge.links.ble", "bridge.links.ble_hearing"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "bleak", None)
    for asked in (open_link("ble:A0B0C0D0"), hear(Radio(), 1.0)):
        with pytest.raises(Unreachable, match=r"pip install 'latchwire\[ble\]'"):
            asyncio.run(asked)


def test_bleak_is_imported_by_whoever_talks_to_a_lock_on_bluetooth_alone(tmp_path: Path) -> None:
    program = (
        "import sys, bridge.service; sys.exit(bool({'bleak', 'bumble', 'bleak_retry_connector'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False).returncode == 0
