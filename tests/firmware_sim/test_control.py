"""The hand at the door over a real unix socket: every command, every misunderstanding, and whoever else is there."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from firmware_sim import control
from firmware_sim.clock import DAY, MAX_TIME, NANOSECONDS
from firmware_sim.control import answer, call, serve_control
from firmware_sim.errors import ControlError
from firmware_sim.flash import NorFlash
from firmware_sim.simulator import Simulator
from protocol.vocabulary import PinEntry, Schedule
from tests.firmware_sim.bench import ANNA, BOB, Bench, peer_of

PATIENCE = 10
DIGITS = "8640197"
NIGHT = PinEntry(digits=DIGITS, alias="Guest", schedule=Schedule(valid_until=1))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ctl"


def simulator() -> Simulator:
    """A lock with two pins."""
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    bridge.created(NIGHT)
    assert isinstance(bench.flash, NorFlash)
    return Simulator(bench.flash, slots=3)


def at_the_door(path: Path, act: Callable[[Simulator], Awaitable[None]]) -> None:
    """Serve a lock's control socket while `act` runs."""

    async def main() -> None:
        lock = simulator()
        async with serve_control(lock, path):
            await act(lock)
        lock.stop()

    asyncio.run(main())


class Hand:
    """One connection to the socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def say(self, line: bytes) -> Any:
        """Say a line and return what is answered, None where the connection ends."""
        self.writer.write(line + b"\n")
        async with asyncio.timeout(PATIENCE):
            answered = await self._reader.readline()
        return json.loads(answered) if answered else None

    async def is_hung_up(self) -> bool:
        """Wait for the end."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read() == b""


@asynccontextmanager
async def hand(path: Path) -> AsyncIterator[Hand]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        yield Hand(reader, writer)
    finally:
        writer.close()


# --- commands ---


def test_the_socket_belongs_to_its_owner_alone_and_goes_with_the_simulator(path: Path) -> None:
    async def act(_: Simulator) -> None:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600

    old = os.umask(0)
    try:
        at_the_door(path, act)
    finally:
        assert os.umask(old) == 0
    assert not path.exists()


def test_an_entry_is_answered_as_the_keypad_does(path: Path) -> None:
    async def act(_: Simulator) -> None:
        assert await call(path, {"do": "enter", "digits": ANNA.digits}) == {
            "ok": True, "granted": True, "pin_id": 1, "denial": None, "reason": None,
            "explanation": "pin 1 opens at any time",
        }  # fmt: skip
        assert await call(path, {"do": "enter", "digits": DIGITS}) == {
            "ok": True, "granted": False, "pin_id": 2, "denial": "clock_untrusted",
            "reason": "the pin is limited in time and the lock does not know the time",
            "explanation": "pin 2 is limited in time, and the lock does not trust its clock",
        }  # fmt: skip
        assert (await call(path, {"do": "enter", "digits": BOB.digits}))["denial"] == "unknown"
        assert (await call(path, {"do": "enter", "digits": ""}))["denial"] == "malformed"
        assert (await call(path, {"do": "enter", "digits": "\ud800"}))["denial"] == "malformed"

    at_the_door(path, act)


def test_a_pin_is_explained_now_or_at_a_time_without_typing_it(path: Path) -> None:
    async def act(_: Simulator) -> None:
        asked = {"do": "explain", "pin_id": 2}
        assert (await call(path, asked))["denial"] == "clock_untrusted"
        assert (await call(path, asked | {"at": 1_800_000_000}))["explanation"] == (
            "pin 2 was valid until Thursday 1970-01-01 00:00; at the lock it is Friday 2027-01-15 08:00 (UTC)"
        )
        with pytest.raises(ControlError, match="has no pin 9"):
            await call(path, {"do": "explain", "pin_id": 9})

    at_the_door(path, act)


def test_every_other_command_is_answered_with_the_state(path: Path) -> None:
    async def act(lock: Simulator) -> None:
        expected = {
            "ok": True, "lock_id": lock.device.factory.lock_id, "serial": lock.device.factory.serial, "slots": 3,
            "used": 2, "list_version": 3, "peers": 1, "pairing_open": False, "bolt": "locked", "jammed": False,
            "battery": 100, "locked_out": False, "wrong_entries": 0, "time": 0,
            "clock_trusted": False, "zone": "UTC", "damage": "", "faults": 0,
        }  # fmt: skip

        async def call(path: Path, request: dict[str, object]) -> dict[str, Any]:
            answered = await control.call(path, request)
            assert answered.pop("audit_last") == lock.device.firmware.audit.last
            return answered

        assert await call(path, {"do": "state"}) == expected
        assert await call(path, {"do": "hold-button", "seconds": 4.9}) == expected
        assert await call(path, {"do": "hold-button", "seconds": 5}) == expected | {"pairing_open": True}
        assert await call(path, {"do": "power-cycle"}) == expected
        for epoch in (1, 1_800_000_000, MAX_TIME):
            assert await call(path, {"do": "clock", "set": epoch}) == expected | {"time": epoch}
        for percent in (0, None, 100):
            assert await call(path, {"do": "battery", "set": percent}) == expected | {
                "time": MAX_TIME,
                "battery": percent,
            }
        for blocked in (True, False):
            await call(path, {"do": "door", "blocked": blocked})
            assert lock.device.hardware.blocked is blocked
        lock.device.clock.trusted = True
        assert await call(path, {"do": "clock", "lose": True}) == expected | {"time": MAX_TIME}  # the floor by now

    at_the_door(path, act)


def test_a_clock_drifts_and_time_passes_at_once_as_the_hand_says(path: Path) -> None:
    async def act(lock: Simulator) -> None:
        assert (await call(path, {"do": "clock", "drift": -100_000}))["time"] == 0
        assert (await call(path, {"do": "clock", "advance": DAY}))["time"] == DAY * 9 // 10
        assert (await call(path, {"do": "clock", "drift": 100_000}))["time"] == DAY * 9 // 10
        assert (await call(path, {"do": "clock", "advance": DAY}))["time"] == 2 * DAY
        assert lock.device.clock.now_ns >= 2 * DAY * NANOSECONDS

    at_the_door(path, act)


def test_several_lines_in_one_connection_are_answered_in_order(path: Path) -> None:
    async def act(_: Simulator) -> None:
        async with hand(path) as first, hand(path) as second:
            for epoch in (5, 6, 7):
                assert (await first.say(b'{"do": "clock", "set": %d}' % epoch))["time"] == epoch
                assert (await second.say(b'{"do": "state"}'))["time"] == epoch

    at_the_door(path, act)


# --- misunderstandings ---

GARBAGE = [
    b"",
    b"not JSON",
    b"\xff\xfe",
    b"[" * 3000,
    b'{"do":' * 600,
    b"null",
    b"7",
    b'"enter"',
    b"[]",
    b"{}",
    b'{"do": "open"}',
    b'{"do": ["state"]}',
    b'{"do": "enter"}',
    b'{"do": "enter", "digits": 8640197}',
    b'{"do": "enter", "digits": null}',
    b'{"do": "enter", "digits": ["8640197"]}',
    b'{"do": "hold-button"}',
    b'{"do": "hold-button", "seconds": "5"}',
    b'{"do": "hold-button", "seconds": true}',
    b'{"do": "hold-button", "seconds": NaN}',
    b'{"do": "hold-button", "seconds": Infinity}',
    b'{"do": "hold-button", "seconds": -5}',
    b'{"do": "clock"}',
    b'{"do": "clock", "set": true}',
    b'{"do": "clock", "set": 0}',
    b'{"do": "clock", "set": -1}',
    b'{"do": "clock", "set": 4294967296}',
    b'{"do": "clock", "set": 1' + b"0" * 400 + b"}",
    b'{"do": "clock", "set": 5.5}',
    b'{"do": "clock", "set": NaN}',
    b'{"do": "clock", "drift": true}',
    b'{"do": "clock", "drift": 0.5}',
    b'{"do": "clock", "drift": 100001}',
    b'{"do": "clock", "drift": -100001}',
    b'{"do": "clock", "advance": true}',
    b'{"do": "clock", "advance": -1}',
    b'{"do": "clock", "advance": 1.5}',
    b'{"do": "clock", "advance": 316224001}',
    b'{"do": "clock", "lose": false}',
    b'{"do": "clock", "lose": 1}',
    b'{"do": "battery"}',
    b'{"do": "battery", "set": true}',
    b'{"do": "battery", "set": -1}',
    b'{"do": "battery", "set": 101}',
    b'{"do": "battery", "set": 255}',
    b'{"do": "battery", "set": "unknown"}',
    b'{"do": "door", "blocked": 1}',
]


@pytest.mark.parametrize("line", GARBAGE)
def test_a_line_that_makes_no_sense_is_answered_by_a_sentence_without_digits_and_nothing_happens(line: bytes) -> None:
    async def main() -> None:
        lock = simulator()
        before = lock.snapshot()
        said = answer(lock, line)
        assert said.keys() == {"ok", "error"}
        assert said["ok"] is False
        assert said["error"].startswith("The simulated lock did not understand: ")
        assert said["error"].endswith(".")
        assert DIGITS not in said["error"]
        assert lock.snapshot() == before

    asyncio.run(main())


def test_a_connection_goes_on_after_a_line_that_made_no_sense(path: Path) -> None:
    async def act(_: Simulator) -> None:
        async with hand(path) as clumsy:
            for line in GARBAGE:
                assert not (await clumsy.say(line))["ok"]
                assert (await clumsy.say(b'{"do": "state"}'))["ok"]

    at_the_door(path, act)


def test_a_line_that_is_too_long_is_told_so_and_ends_its_connection_alone(path: Path) -> None:
    async def act(_: Simulator) -> None:
        async with hand(path) as other, hand(path) as endless:
            assert (await other.say(b'{"do": "state"}'))["ok"]
            said = await endless.say(b'{"do": "enter", "digits": "%s"}' % (b"8" * 5000))
            assert said == {"ok": False, "error": "The simulated lock did not understand: the line is too long."}
            assert await endless.is_hung_up()
            assert (await other.say(b'{"do": "state"}'))["ok"]

    at_the_door(path, act)


def test_a_client_that_leaves_in_mid_line_harms_nobody(path: Path) -> None:
    async def act(_: Simulator) -> None:
        for half in (b"", b'{"do": "sta', b'{"do": "state"}\n' * 50):
            async with hand(path) as leaving:
                leaving.writer.write(half)
        assert (await call(path, {"do": "state"}))["ok"]

    at_the_door(path, act)


def test_a_client_that_stays_does_not_keep_the_simulator_from_ending(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket(socket.AF_UNIX) as staying:
        staying.settimeout(PATIENCE)

        async def act(_: Simulator) -> None:
            staying.connect(str(path))
            staying.send(b'{"do": "state"}\n')
            await call(path, {"do": "state"})

        at_the_door(path, act)
        assert staying.recv(4096).startswith(b'{"ok": true')
        assert staying.recv(4096) == b""
    assert caplog.records == []


# --- the place of the socket ---


def make_file(path: Path) -> None:
    path.write_text("mine")


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


async def nothing(_: Simulator) -> None:
    """Serve and end."""


def test_a_socket_that_a_killed_simulator_has_left_is_replaced(path: Path) -> None:
    make_socket(path)

    async def act(_: Simulator) -> None:
        assert (await call(path, {"do": "state"}))["ok"]

    at_the_door(path, act)


def test_the_socket_of_a_living_simulator_is_left_to_it(path: Path) -> None:
    async def act(lock: Simulator) -> None:
        with pytest.raises(ControlError, match="Another simulated lock listens at"):
            await serve_control(lock, path).__aenter__()
        assert (await call(path, {"do": "state"}))["ok"]

    at_the_door(path, act)


@pytest.mark.parametrize("make", [make_file, Path.mkdir, os.mkfifo])
def test_whatever_else_stands_at_the_path_stays(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = path.stat()
    with pytest.raises(ControlError, match=r"exists and is no socket\. Choose another path"):
        at_the_door(path, nothing)
    assert path.stat() == before


@pytest.mark.parametrize(
    ("name", "reason"), [("missing/ctl", "No such file or directory"), ("c" * 120, "AF_UNIX path too long")]
)
def test_a_socket_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(ControlError, match=rf"^Cannot make the socket .*: {reason}\. Does its folder exist\?$"):
        at_the_door(tmp_path / name, nothing)
