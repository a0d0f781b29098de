"""Each way in which a radio fails while a pin is asked for, and what must not grow however often it does."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from bumble.hci import Address

from bridge.errors import BridgeError
from firmware_sim.device import GEOMETRY
from firmware_sim.flash import NorFlash
from firmware_sim.links import HELLO_SECONDS, MAX_LINKS
from firmware_sim.simulator import Simulator
from hil.bluetooth.bluez import Census
from hil.bluetooth.pieces import Way
from protocol.label import format_label
from tests.bridge.links.ends import descriptors
from tests.together.on_air import OnAir, on_air
from tests.together.radio_scene import Scene, at_scene
from tests.waiting import PATIENCE, until

WAYS_OF_WRITING = ("with-response", "without-response")
WARM = 10
"""Cycles after which everything that is made once has been made."""

Trouble = Callable[[OnAir, Scene], Awaitable[int | None]]
"""Something that happens while the pin that is called `cut` is asked for: its id, None where nobody was told."""


async def nothing(_: OnAir, scene: Scene) -> int | None:
    return await scene.create(1)


async def drop_in_mid_request(air: OnAir, scene: Scene) -> int | None:
    opened = len(scene.links)
    air.bench.radio.drop_after(Way.TO_LOCK, 10)
    created = await scene.create(1)
    assert len(scene.links) > opened
    return created


async def drop_in_mid_response(air: OnAir, scene: Scene) -> int | None:
    opened = len(scene.links)
    air.bench.radio.drop_after(Way.FROM_LOCK, 10)
    created = await scene.create(1)
    assert len(scene.links) > opened
    return created


async def drop_while_a_write_is_pending(air: OnAir, scene: Scene) -> int | None:
    return await _silenced_until(air, scene, 1)


async def silent_loss(air: OnAir, scene: Scene) -> int | None:
    return await _silenced_until(air, scene, 2)  # it has waited in vain, and asks anew


async def _silenced_until(air: OnAir, scene: Scene, transmissions: int) -> int | None:
    opened, link = len(scene.links), scene.link
    before = len(link.written)
    air.bench.radio.silence()
    asking = asyncio.create_task(scene.create(1))
    await until(lambda: link.lost or len(link.written) >= before + transmissions)
    air.bench.radio.supervise()
    created = await asking
    assert len(scene.links) > opened
    return created


async def the_service_is_restarted(air: OnAir, scene: Scene) -> int | None:
    await air.bench.bluez.stop()
    asking = asyncio.create_task(scene.create(1))
    await asyncio.sleep(0)
    await air.bench.bluez.start()
    with suppress(BridgeError):
        return await asking
    return None


async def a_second_central_connects(air: OnAir, scene: Scene) -> int | None:
    opened = len(scene.links)
    async with air.bench.stranger() as stranger:
        link = await stranger.connect(address(air))
        created = await scene.create(1)
        assert not link.ended.done()
        assert len(scene.links) == opened
        return created


async def the_fourth_link_is_refused(air: OnAir, scene: Scene) -> int | None:
    await scene.engine.forget(scene.lock.id)
    async with AsyncExitStack() as stack:
        for _ in range(MAX_LINKS):
            stranger = await stack.enter_async_context(air.bench.stranger())
            await stranger.connect(address(air))
        endings = len(air.bench.central.endings)
        asking = asyncio.create_task(scene.create(1))
        await until(lambda: len(air.bench.central.endings) > endings)
    with suppress(BridgeError):
        return await asking
    return None


async def a_hello_is_never_sent(air: OnAir, scene: Scene) -> int | None:
    opened = len(scene.links)
    async with air.bench.stranger() as stranger:
        link = await stranger.connect(address(air))
        air.simulator.pass_time(HELLO_SECONDS)
        await asyncio.wait_for(link.ended, PATIENCE)
        created = await scene.create(1)
        assert len(scene.links) == opened
        return created


async def a_piece_to_the_lock_is_lost(air: OnAir, scene: Scene) -> int | None:
    air.bench.radio.lose(Way.TO_LOCK)
    return await scene.create(1)


async def a_piece_of_the_lock_is_lost(air: OnAir, scene: Scene) -> int | None:
    air.bench.radio.lose(Way.FROM_LOCK)
    return await scene.create(1)


async def pieces_to_the_lock_are_out_of_order(air: OnAir, scene: Scene) -> int | None:
    air.bench.radio.swap(Way.TO_LOCK)
    return await scene.create(1)


async def pieces_of_the_lock_are_out_of_order(air: OnAir, scene: Scene) -> int | None:
    air.bench.radio.swap(Way.FROM_LOCK)
    return await scene.create(1)


TROUBLES: dict[str, Trouble] = {
    "normal": nothing,
    "drop in mid-request": drop_in_mid_request,
    "drop in mid-response": drop_in_mid_response,
    "write pending at the drop": drop_while_a_write_is_pending,
    "silent radio loss": silent_loss,
    "service restarted": the_service_is_restarted,
    "second central connects": a_second_central_connects,
    "fourth link refused": the_fourth_link_is_refused,
    "hello never sent": a_hello_is_never_sent,
}
GARBLINGS: dict[str, Trouble] = {
    "piece to the lock lost": a_piece_to_the_lock_is_lost,
    "piece of the lock lost": a_piece_of_the_lock_is_lost,
    "pieces to the lock swapped": pieces_to_the_lock_are_out_of_order,
    "pieces of the lock swapped": pieces_of_the_lock_are_out_of_order,
}
"""What no radio does that keeps to its standard, and a poor stack may: then a request is sent anew as a whole."""


def address(air: OnAir) -> Address:
    """Return where the lock is on the air."""
    return Address(air.simulator.device.factory.lock_id.to_bytes(4, "little") + b"\x00\xc0")


def play(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mtu: int, write: str, then: Callable[[OnAir, Scene], Awaitable[None]]
) -> None:
    """Run a test at a lock on the air, and see that it leaves nothing behind."""

    async def scenario() -> None:
        simulator = Simulator(NorFlash(GEOMETRY), slots=10)
        simulator.hold_button(5)
        label = format_label(simulator.device.factory.secret)
        try:
            async with (
                on_air(simulator, folder, mtu=mtu) as air,
                at_scene(folder / "state", air.bench, f"{air.target}?write={write}", label, monkeypatch) as scene,
            ):
                await then(air, scene)
        finally:
            simulator.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def growth(folder: Path, monkeypatch: pytest.MonkeyPatch, mtu: int, write: str, cycles: int) -> tuple[str, str]:
    """Live through so many cycles of troubles; return what there was of files, tasks and signals early and late."""
    seen: list[str] = []

    async def then(air: OnAir, scene: Scene) -> None:
        for cycle in range(1, cycles + 1):
            await scene.get_ready()
            with suppress(BridgeError):
                await CYCLED[cycle % len(CYCLED)](air, scene)
            await scene.create_at_last(2)
            await scene.engine.forget(scene.lock.id)
            if cycle in (WARM, cycles):
                census: Census = await air.bench.bluez.census()
                seen.append(f"{descriptors()} files, {len(asyncio.all_tasks())} tasks, {census}")

    play(folder, monkeypatch, mtu, write, then)
    early, late = seen
    return early, late


CYCLED = (nothing, drop_in_mid_request, drop_in_mid_response, drop_while_a_write_is_pending, the_service_is_restarted)
"""The troubles that take no time to pass."""
