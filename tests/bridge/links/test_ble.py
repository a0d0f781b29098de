"""What a Bluetooth link adds: whom it finds, how it cuts, and that it disconnects whatever becomes of it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode

from bridge.config import DEFAULT_DEADLINE
from bridge.errors import LinkLost, Obstacle, Unreachable
from bridge.links.ble import CLOSE_SECONDS, GIVE_UP_SECONDS, OPEN_SECONDS, OPERATION_SECONDS, BleLink, open_ble
from bridge.links.radio import Bluetooth, Radio
from protocol.bluetooth import NOTIFY, WRITE
from tests import virtual_time
from tests.bridge.links.bleak_doubles import World, advertisement
from tests.bridge.links.peripherals import LOCK_ID, manufacturer_data

OTHER = "0000180f-0000-1000-8000-00805f9b34fb"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def near(with_response: bool | None = None) -> Bluetooth:
    return Bluetooth(lock_id=LOCK_ID, radio=Radio(), with_response=with_response)


async def alone(test: Coroutine[Any, Any, None]) -> None:
    """Run a test, which must leave no task behind."""
    await test
    assert asyncio.all_tasks() == {asyncio.current_task()}


def run(test: Coroutine[Any, Any, None]) -> None:
    virtual_time.run(alone(test))


async def refused(with_response: bool | None = None) -> Unreachable:
    with pytest.raises(Unreachable) as failure:
        await open_ble(near(with_response))
    assert str(failure.value).endswith((".", "?"))
    return failure.value


STRANGERS = {
    "another service": advertisement(manufacturer_data(), service=OTHER),
    "another company": advertisement(manufacturer_data(), company=76),
    "another lock": advertisement(manufacturer_data(LOCK_ID + 1)),
    "a byte too few": advertisement(manufacturer_data()[:-1]),
    "a byte too many": advertisement(manufacturer_data() + b"\0"),
    "nothing told": advertisement(b""),
}


def test_a_lock_is_found_among_strangers_by_its_service_and_its_id(world: World) -> None:
    world.heard = [*STRANGERS.items(), ("right", advertisement(manufacturer_data()))]

    async def test() -> None:
        link = await open_ble(near())
        assert world.client.address == "right"
        await link.close()

    run(test())


def test_a_liar_who_is_heard_first_does_not_keep_the_lock_from_being_reached(world: World) -> None:
    told = advertisement(manufacturer_data())
    world.heard = [("liar", told), ("lock", told)]
    world.meanwhile["connect"] = lambda: world.offers.update({WRITE: [] if len(world.clients) == 1 else ["write"]})

    async def test() -> None:
        link = await open_ble(near())
        assert [client.address for client in world.clients] == ["liar", "lock"]
        assert world.calls.count("disconnected") == 1
        await link.close()

    run(test())


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_is_never_connected_to(world: World, stranger: str) -> None:
    world.heard = [(stranger, STRANGERS[stranger])]

    async def test() -> None:
        failure = await refused()
        assert failure.obstacle is Obstacle.MISSING
        assert str(failure).startswith("The lock A0B0C0D0 was not heard within 4 s.")
        assert world.calls == ["start", "stop", "stopped"]

    run(test())


STEPS = {
    "start": "Bluetooth does not work here",
    "connect": "The lock A0B0C0D0 was heard, but cannot be connected to.",
    "subscribe": "The lock A0B0C0D0 has connected, but takes no subscription.",
}
every_step = pytest.mark.parametrize("step", STEPS)


@every_step
@pytest.mark.parametrize("closing", ["well", "badly", "never"])
def test_a_step_that_fails_is_told_and_disconnected(world: World, step: str, closing: str) -> None:
    world.fails[step] = BleakError("no")
    if closing == "badly":
        world.fails |= {"disconnect": BleakError("no"), "stop": BleakError("no")}
    if closing == "never":
        world.hangs |= {"disconnect", "stop"}

    async def test() -> None:
        failure = await refused()
        assert failure.obstacle is Obstacle.OTHER
        assert str(failure).startswith(STEPS[step])
        assert world.calls.count("disconnect") == len(world.clients) == (step != "start")
        assert world.calls.count("stop") == 1 + (step != "start")  # whoever else may be the lock is looked for

    run(test())


@every_step
def test_a_step_that_never_ends_is_given_up_and_disconnected(world: World, step: str) -> None:
    world.hangs.add(step)

    async def test() -> None:
        await refused()
        assert asyncio.get_running_loop().time() <= OPEN_SECONDS + GIVE_UP_SECONDS + CLOSE_SECONDS < DEFAULT_DEADLINE
        assert world.calls.count("disconnected") == len(world.clients) == (step != "start")

    run(test())


@every_step
def test_a_service_that_never_answers_keeps_nobody_waiting_beyond_the_deadline(world: World, step: str) -> None:
    world.hangs |= {step, "disconnect"}
    world.clings |= {step, "disconnect"}

    async def test() -> None:
        failure = await refused()
        assert "was not connected to" in str(failure) or step == "start"
        assert asyncio.get_running_loop().time() < DEFAULT_DEADLINE
        left = asyncio.all_tasks() - {asyncio.current_task()}  # until this process ends
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    run(test())


@every_step
@pytest.mark.parametrize("impatience", [1, 2])
def test_an_opening_that_is_cancelled_is_disconnected_first(world: World, step: str, impatience: int) -> None:
    world.hangs.add(step)

    async def test() -> None:
        opening = asyncio.create_task(open_ble(near()))
        reached = asyncio.Event()
        world.meanwhile[step] = reached.set
        for ending in ("stop", "disconnect"):
            world.meanwhile[ending] = lambda: impatience == 2 and reached.is_set() and opening.cancel()
        await reached.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert world.calls.count("stopped") == 1
        assert world.calls.count("disconnected") == len(world.clients) == (step != "start")

    run(test())


def test_a_lock_that_ends_the_connection_at_once_is_told(world: World) -> None:
    world.meanwhile["subscribe"] = world.drop

    async def test() -> None:
        assert "has ended the connection at once" in str(await refused())
        assert world.calls.count("disconnected") == 1

    run(test())


def test_an_attempt_that_fails_does_not_lose_the_one_that_succeeds(world: World) -> None:
    def drop_once() -> None:
        world.client.drop()
        world.fails["connect"] = BleakError("le-connection-abort-by-local")
        world.meanwhile["connect"] = world.fails.clear

    world.meanwhile["connect"] = drop_once

    async def test() -> None:
        link = await open_ble(near())
        assert world.calls.count("connect") == 2
        assert not link.lost
        await link.close()

    run(test())


@pytest.mark.parametrize(
    "offers",
    [
        {},
        {WRITE: ["write"]},
        {NOTIFY: ["notify"]},
        {WRITE: ["read"], NOTIFY: ["notify"]},
        {WRITE: ["write"], NOTIFY: ["indicate"]},
    ],
    ids=str,
)
def test_a_peripheral_without_a_locks_characteristics_is_none(world: World, offers: dict[str, Any]) -> None:
    world.offers = offers

    async def test() -> None:
        assert "what it offers is not a lock's" in str(await refused())
        assert world.calls.count("disconnected") == 1

    run(test())


def test_characteristics_of_another_service_are_not_a_locks(world: World) -> None:
    world.service = OTHER

    async def test() -> None:
        assert "what it offers is not a lock's" in str(await refused())

    run(test())


@pytest.mark.parametrize(
    ("offered", "wanted", "chosen"),
    [
        (["write", "write-without-response"], None, False),
        (["write", "write-without-response"], True, True),
        (["write", "write-without-response"], False, False),
        (["write"], None, True),
        (["write-without-response"], None, False),
    ],
)
@pytest.mark.parametrize(("size", "piece"), [(20, 20), (244, 244), (1, 20)])
def test_bytes_are_cut_at_the_write_size_and_written_as_the_lock_takes_them(
    world: World, offered: list[Any], wanted: bool | None, chosen: bool, size: int, piece: int
) -> None:
    world.offers[WRITE] = offered
    world.size = size
    data = bytes(range(256)) * 3

    async def test() -> None:
        link = await open_ble(near(wanted))
        await link.write(data)
        pieces, ways = zip(*world.written, strict=True)
        assert b"".join(pieces) == data
        assert {len(cut) for cut in pieces[:-1]} == {piece}
        assert set(ways) == {chosen}
        assert link.bytes_per_second == pytest.approx(piece / (0.1 if chosen else 0.05))
        await link.close()

    run(test())


@pytest.mark.parametrize(("offered", "wanted"), [("write", False), ("write-without-response", True)])
def test_a_way_of_writing_that_the_lock_does_not_take_is_told(world: World, offered: Any, wanted: bool) -> None:
    world.offers[WRITE] = [offered]

    async def test() -> None:
        assert "what it offers is not a lock's" in str(await refused(wanted))

    run(test())


LOSSES = [
    BleakError("Not connected"),
    BleakGATTProtocolError(BleakGATTProtocolErrorCode.UNLIKELY_ERROR),
    BleakDBusError("org.bluez.Error.Failed", ["Not connected"]),
    BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["gone"]),
    EOFError(),
    BrokenPipeError(),
]


async def lose(link: BleLink, world: World) -> None:
    """Let a write fail, and see that it was the last."""
    with pytest.raises(LinkLost, match=r"^The connection to the lock A0B0C0D0 was lost\."):
        await link.write(bytes(600))
    assert link.lost
    assert world.calls.count("write") == 1
    for _ in range(2):
        with pytest.raises(LinkLost):
            await link.write(b"?")
    with pytest.raises(LinkLost):
        await link.read()
    assert world.calls.count("write") == 1
    await link.close()
    assert world.calls[-1] == "disconnected"


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_whatever_goes_wrong_in_a_write_loses_the_link(world: World, loss: Exception) -> None:
    world.fails["write"] = loss

    async def test() -> None:
        await lose(await open_ble(near()), world)

    run(test())


def test_a_write_that_never_ends_loses_the_link(world: World) -> None:
    world.hangs.add("write")

    async def test() -> None:
        link = await open_ble(near())
        begun = asyncio.get_running_loop().time()
        await lose(link, world)
        assert asyncio.get_running_loop().time() - begun == pytest.approx(OPERATION_SECONDS)

    run(test())


def test_a_write_that_is_pending_at_a_drop_says_so_though_bleak_takes_it(world: World) -> None:
    world.meanwhile["write"] = world.drop

    async def test() -> None:
        await lose(await open_ble(near()), world)

    run(test())


def test_a_drop_while_idle_is_seen_by_whoever_reads_and_still_disconnected(world: World) -> None:
    async def test() -> None:
        link = await open_ble(near())
        world.client.notify(bytearray(b"last words"))
        world.client.drop()
        assert link.lost
        assert await link.read() == b"last words"
        with pytest.raises(LinkLost):
            await link.read()
        await link.close()
        await link.close()
        assert world.calls.count("disconnected") == 1

    run(test())


def test_a_close_that_is_cancelled_has_disconnected(world: World) -> None:
    async def test() -> None:
        link = await open_ble(near())
        closing = asyncio.create_task(link.close())
        world.meanwhile["disconnect"] = closing.cancel
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert world.calls[-1] == "disconnected"

    run(test())


def test_a_disconnection_that_never_ends_is_given_up(world: World) -> None:
    world.hangs.add("disconnect")

    async def test() -> None:
        link = await open_ble(near())
        begun = asyncio.get_running_loop().time()
        await link.close()
        assert asyncio.get_running_loop().time() - begun == pytest.approx(CLOSE_SECONDS)

    run(test())
