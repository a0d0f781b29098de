"""A scan hears which locks advertise on Bluetooth, beside the targets that it asks, and asks these locks nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason

from bridge.errors import UsageError
from bridge.links import Radio
from bridge.scanning import Answer, Listening
from protocol.messages.hello import HelloFlag
from tests.bridge.links.bleak_doubles import World, advertisement
from tests.bridge.links.peripherals import LOCK_ID, manufacturer_data, open_air, payload
from tests.together.pairings import Workshop, workshop
from tests.together.processes import Place

Scenario = Callable[[Callable[[Workshop], Awaitable[None]]], None]

BRIEFLY = Listening(seconds=0.01, radio=Radio(adapter="hci1"))


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """Run a test in a fresh workshop."""

    async def opened(test: Callable[[Workshop], Awaitable[None]]) -> None:
        async with workshop(tmp_path / "state", monkeypatch) as shop:
            await test(shop)

    return lambda test: asyncio.run(opened(test))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_locks_that_are_heard_are_told_behind_those_that_answer(scenario: Scenario, world: World) -> None:
    async def test(shop: Workshop) -> None:
        record = await shop.pair()
        world.heard = [
            ("new", advertisement(manufacturer_data(7, HelloFlag.PAIRING_OPEN), rssi=-80)),
            ("malformed", advertisement(b"\0\0\0\7")),
            ("known", advertisement(manufacturer_data(record.wire_id, HelloFlag.PAIRED), rssi=-60)),
        ]
        links = len(shop.links)
        async with shop.process() as service:
            asked, known, new = await service.scan(["memory:front"], ports=False, listening=BRIEFLY)
        assert (asked.target, asked.answer, asked.rssi) == ("memory:front", Answer.LOCK, None)
        assert (known.answer, known.record, known.rssi, known.advice) == (Answer.HEARD, record, -60, None)
        assert (known.in_use, known.pairing_open, new.in_use, new.pairing_open) == (True, False, False, True)
        assert (new.target, new.answer, new.record, new.rssi) == (
            "ble:00000007?adapter=hci1",
            Answer.HEARD,
            None,
            -80,
        )
        assert new.advice is not None
        assert "latchwire pair 'ble:00000007?adapter=hci1' --name NAME" in new.advice
        assert len(shop.links) == links + 1

    scenario(test)


def test_devices_that_say_they_are_one_lock_are_told_as_such(scenario: Scenario, world: World) -> None:
    async def test(shop: Workshop) -> None:
        told = advertisement(manufacturer_data(7))
        world.heard = [("liar", told), ("lock", told)]
        async with shop.process() as service:
            both = await service.scan([], ports=False, listening=BRIEFLY)
        assert [each.target for each in both] == ["ble:00000007?adapter=hci1"] * 2
        assert all(each.advice and "all but one lie" in each.advice for each in both)

    scenario(test)


def test_bluetooth_that_does_not_work_is_a_line_beside_what_answers(scenario: Scenario, world: World) -> None:
    world.fails["start"] = BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF)

    async def test(shop: Workshop) -> None:
        async with shop.process() as service:
            asked, radio = await service.scan(["memory:front"], ports=False, listening=BRIEFLY)
        assert asked.answer is Answer.LOCK
        assert (radio.target, radio.answer, radio.lock) == ("ble", Answer.UNREACHABLE, None)
        assert radio.advice is not None
        assert radio.advice.startswith("Bluetooth is switched off.")

    scenario(test)


def test_a_target_that_is_none_is_refused_before_anybody_listens(scenario: Scenario, world: World) -> None:
    async def test(shop: Workshop) -> None:
        async with shop.process() as service:
            with pytest.raises(UsageError):
                await service.scan(["ble:front"], ports=False, listening=BRIEFLY)
        assert world.calls == []

    scenario(test)


def test_the_command_tells_locks_on_an_air_one_a_line(bench: Place) -> None:
    async def told() -> tuple[str, dict[str, object]]:
        async with open_air(bench.folder) as air:
            lock = await air.peripheral(payload(manufacturer_data(flags=HelloFlag.PAIRED)))
            words = ["scan", "--ble", "--no-ports", "--hci", air.hci, "--seconds", "1"]
            done = await asyncio.to_thread(bench.latchwire, *words, "--json")
            await lock.stop()
        assert (done.code, done.err) == (0, "")
        (line,) = done.lines()
        return f"ble:A0B0C0D0?hci={air.hci}", line

    target, line = asyncio.run(told())
    advice = str(line.pop("advice"))
    assert f"latchwire pair '{target}' --name NAME" in advice
    assert line == {
        "target": target,
        "answer": "heard",
        "lock": f"{LOCK_ID:08X}",
        "name": None,
        "pairing_open": False,
        "in_use": True,
        "rssi": -50,
    }


def test_a_machine_without_bluez_says_so_in_a_sentence_and_nothing_else(bench: Place) -> None:
    bench.environment["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={bench.path('nobody')}"
    done = bench.latchwire("scan", "--ble", "--no-ports", "--json")
    line, failure = done.lines()
    assert (done.code, done.err) == (3, "")
    assert (line["target"], line["answer"], line["lock"]) == ("ble", "missing", None)
    assert line["advice"].startswith("The Bluetooth service of this machine is not running.")
    assert failure["exit_code"] == 3


def test_an_air_without_a_lock_is_told(bench: Place, world: World) -> None:
    world.heard = [("malformed", advertisement(b""))]
    done = bench.here("scan", "--ble", "--no-ports", "--seconds", "0.01")
    assert done.code == 3
    assert done.err == "latchwire: No lock was heard within 0.01 s. Is it powered, and near enough?\n"
