"""Targets: what they mean, and that every bad one is a sentence."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BridgeError, Unreachable, UsageError
from bridge.links import MemoryHub, open_link
from bridge.links.opening import Target, parse_target
from bridge.links.radio import Bluetooth, Radio


def near(lock_id: str, radio: Radio | None = None, with_response: bool | None = None, mtu: int | None = None) -> Target:
    bluetooth = Bluetooth(lock_id=int(lock_id, 16), radio=radio or Radio(), with_response=with_response, mtu=mtu)
    return Target(transport="ble", place=lock_id, bluetooth=bluetooth)


GOOD = {
    "serial:/dev/ttyUSB0": Target(transport="serial", place="/dev/ttyUSB0"),
    "serial:/dev/ttyUSB0?baud=9600": Target(transport="serial", place="/dev/ttyUSB0", baud=9600),
    "serial:COM3?baud=12000000": Target(transport="serial", place="COM3", baud=12_000_000),
    "serial:socket://127.0.0.1:7000": Target(transport="serial", place="socket://127.0.0.1:7000"),
    "serial:rfc2217://box:2000?baud=19200": Target(transport="serial", place="rfc2217://box:2000", baud=19200),
    "tcp:127.0.0.1:7000": Target(transport="tcp", place="127.0.0.1:7000"),
    "tcp:[::1]:1": Target(transport="tcp", place="[::1]:1"),
    "tcp:lock.example:65535": Target(transport="tcp", place="lock.example:65535"),
    "ble:A0B0C0D0": near("A0B0C0D0"),
    "ble:a0b0c0d0": near("A0B0C0D0"),
    "ble:00000001?adapter=hci12": near("00000001", radio=Radio(adapter="hci12")),
    "ble:A0B0C0D0?write=with-response": near("A0B0C0D0", with_response=True),
    "ble:A0B0C0D0?hci=unix-client:/tmp/a%3Fb%26c&write=without-response": near(
        "A0B0C0D0", radio=Radio(hci="unix-client:/tmp/a?b&c"), with_response=False
    ),
    "ble:A0B0C0D0?hci=usb:0&mtu=23": near("A0B0C0D0", radio=Radio(hci="usb:0"), mtu=23),
    "ble:A0B0C0D0?hci=serial:/dev/ttyACM0,115200,rtscts": near(
        "A0B0C0D0", radio=Radio(hci="serial:/dev/ttyACM0,115200,rtscts")
    ),
    "memory:front": Target(transport="memory", place="front"),
}
BAD = [
    "", ":", "serial", "serial:", "tcp:", "memory:", "usb:/dev/ttyUSB0", "Serial:/dev/ttyUSB0", "/dev/ttyUSB0",
    "serial:?baud=9600",
    "ble:", "ble:A0B0C0D", "ble:A0B0C0D00", "ble:front", "ble:0xA0B0C0", "ble:C0:00:00:00:00:01", "ble:A0B0C0D²",
    "ble:?adapter=hci0", "ble:A0B0C0D0?adapter=", "ble:A0B0C0D0?adapter=wlan0", "ble:A0B0C0D0?adapter=hci1/../x",
    "ble:A0B0C0D0?write=", "ble:A0B0C0D0?write=fast", "ble:A0B0C0D0?hci=", "ble:A0B0C0D0?mac=1", "ble:A0B0C0D0?x",
    "ble:A0B0C0D0?adapter=hci1&hci=usb:0", "ble:A0B0C0D0?mtu=23", "ble:A0B0C0D0?hci=usb:0&mtu=22",
    "ble:A0B0C0D0?hci=usb:0&mtu=248", "ble:A0B0C0D0?hci=usb:0&mtu=x",
    "serial:/dev/ttyS0?baud=0", "serial:/dev/ttyS0?baud=", "serial:/dev/ttyS0?baud", "serial:/dev/ttyS0?baud=-1",
    "serial:/dev/ttyS0?baud=fast", "serial:/dev/ttyS0?baud=9600.0", "serial:/dev/ttyS0?baud=²",
    "serial:/dev/ttyS0?baud=12000001", "serial:/dev/ttyS0?baud=2147483648", "serial:/dev/ttyS0?baud=" + "9" * 5000,
    "serial:/dev/ttyS0?speed=9600", "serial:/dev/ttyS0?baud=9600&parity=even", "serial:/dev/ttyS0?x",
    "tcp:127.0.0.1", "tcp::7000", "tcp:[]:7000", "tcp:127.0.0.1:", "tcp:127.0.0.1:0", "tcp:127.0.0.1:65536",
    "tcp:127.0.0.1:http", "tcp:127.0.0.1:-1", "tcp:127.0.0.1:+1", "tcp:127.0.0.1: 1", "tcp:127.0.0.1:" + "9" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_a_good_target_is_taken_apart(text: str) -> None:
    assert parse_target(text) == GOOD[text]


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:40])
def test_a_bad_target_is_told_with_an_example_before_anything_is_opened(text: str) -> None:
    with pytest.raises(
        UsageError, match=r"is no target.* Try serial:/dev/ttyUSB0, .* tcp:192\.0\.2\.1:7000 or ble:A0B0C0D0\.$"
    ):
        asyncio.run(open_link(text))


@given(
    st.sampled_from(
        ["", "serial:", "tcp:", "memory:", "ble:", "tcp:a:", "serial:a?baud=", "serial:a?", "ble:A0B0C0D0?"]
    ),
    st.text(),
)
def test_no_text_does_anything_but_mean_a_target_or_raise_its_error(beginning: str, text: str) -> None:
    with suppress(UsageError):
        assert parse_target(beginning + text).place


NOBODY = {
    "memory:": "memory:nobody here",
    "no such port": "serial:/nonexistent/tty0",
    "a folder": "serial:/",
    "no terminal": "serial:/dev/null",
    "an unknown scheme": "serial:nothing://at.all",
    "a scheme without a place": "serial:socket://",
    "a null byte in a path": "serial:/dev/tty\0",
    "a host's name too long": f"tcp:{'a' * 70}:7000",
    "an empty label in a name": "tcp:a..b:7000",
    "a null byte in a name": "tcp:a\0b:7000",
}


@pytest.mark.parametrize("target", NOBODY.values(), ids=NOBODY)
@pytest.mark.parametrize("hub", [None, MemoryHub()], ids=["without a hub", "with a hub"])
def test_a_target_where_nobody_is_is_unreachable(target: str, hub: MemoryHub | None) -> None:
    with pytest.raises(Unreachable) as failure:
        asyncio.run(open_link(target, hub))
    assert isinstance(failure.value, BridgeError)
    assert str(failure.value).endswith((".", "?"))
