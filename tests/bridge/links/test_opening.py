"""Targets: what they mean, and that every bad one is a sentence."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BridgeError, Unreachable, UsageError
from bridge.links import MemoryHub, open_link
from bridge.links.opening import Target, parse_target

GOOD = {
    "serial:/dev/ttyUSB0": Target(transport="serial", place="/dev/ttyUSB0"),
    "serial:/dev/ttyUSB0?baud=9600": Target(transport="serial", place="/dev/ttyUSB0", baud=9600),
    "serial:COM3?baud=12000000": Target(transport="serial", place="COM3", baud=12_000_000),
    "serial:socket://127.0.0.1:7000": Target(transport="serial", place="socket://127.0.0.1:7000"),
    "serial:rfc2217://box:2000?baud=19200": Target(transport="serial", place="rfc2217://box:2000", baud=19200),
    "tcp:127.0.0.1:7000": Target(transport="tcp", place="127.0.0.1:7000"),
    "tcp:[::1]:1": Target(transport="tcp", place="[::1]:1"),
    "tcp:lock.example:65535": Target(transport="tcp", place="lock.example:65535"),
    "memory:front": Target(transport="memory", place="front"),
}
BAD = [
    "", ":", "serial", "serial:", "tcp:", "memory:", "usb:/dev/ttyUSB0", "Serial:/dev/ttyUSB0", "/dev/ttyUSB0",
    "ble:A0B0C0D0", "serial:?baud=9600",
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
    with pytest.raises(UsageError, match=r"is no target.* Try serial:/dev/ttyUSB0, .* or tcp:192\.0\.2\.1:7000\.$"):
        asyncio.run(open_link(text))


@given(st.sampled_from(["", "serial:", "tcp:", "memory:", "tcp:a:", "serial:a?baud=", "serial:a?"]), st.text())
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
