"""Each way in which a radio fails, at both ends of the MTU and by both ways of writing: one effect, and on it goes."""

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
from protocol.bluetooth import LARGEST_MTU, SMALLEST_MTU
from protocol.label import format_label
from tests.bridge.links.ends import descriptors
from tests.together.on_air import OnAir, by_radio, on_air
from tests.together.processes import place
from tests.together.radio_scene import Scene, at_scene
from tests.waiting import PATIENCE, until

MTUS = pytest.mark.parametrize("mtu", [SMALLEST_MTU, LARGEST_MTU])
WRITES = pytest.mark.parametrize("write", ["with-response", "without-response"])
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


async def has_one_effect(air: OnAir, scene: Scene, trouble: Trouble) -> None:
    await scene.get_ready()
    before = await scene.list_version()
    cut = await trouble(air, scene) or await scene.create_at_last(1)
    assert await scene.create_at_last(2) == cut + 1
    assert await scene.aliases() == ["first", "cut", "last"]
    assert await scene.list_version() == before + 2


@MTUS
@WRITES
@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_the_cut_request_has_one_effect_and_the_next_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mtu: int, write: str, trouble: Trouble
) -> None:
    play(tmp_path, monkeypatch, mtu, write, lambda air, scene: has_one_effect(air, scene, trouble))


@pytest.mark.parametrize("trouble", GARBLINGS.values(), ids=GARBLINGS)
def test_pieces_that_are_lost_or_out_of_order_cost_a_transmission_and_no_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Trouble
) -> None:
    async def then(air: OnAir, scene: Scene) -> None:
        opened = await scene.get_ready()
        await has_one_effect(air, scene, trouble)
        assert len(scene.links) == opened

    play(tmp_path, monkeypatch, SMALLEST_MTU, "without-response", then)


@MTUS
@WRITES
def test_a_lock_that_is_killed_in_mid_request_has_done_it_once_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, mtu: int, write: str
) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            bench = stack.enter_context(place())
            bench.way = "ble"  # found by a stand-in in this process
            radio = await stack.enter_async_context(by_radio(f"unix-client:{bench.path('air')}", mtu=mtu))
            lock = stack.enter_context(bench.lock())
            label = bench.label()
            scene = await stack.enter_async_context(
                at_scene(bench.state, radio, f"{bench.target}?write={write}", label, monkeypatch)
            )
            await scene.get_ready()
            link, before = scene.link, len(scene.link.written)
            asking = asyncio.create_task(scene.create(1))
            await until(lambda: len(link.written) > before)
            lock.kill()
            await asyncio.to_thread(stack.enter_context, bench.lock())
            cut: int | None = None
            with suppress(BridgeError):
                cut = await asking
            cut = cut or await scene.create_at_last(1)
            assert await scene.create_at_last(2) == cut + 1
            assert await scene.aliases() == ["first", "cut", "last"]

    asyncio.run(scenario())


@pytest.mark.parametrize("cycles", [30, pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(180)])])
def test_nothing_grows_over_many_cycles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cycles: int) -> None:
    quick = [
        nothing,
        drop_in_mid_request,
        drop_in_mid_response,
        drop_while_a_write_is_pending,
        the_service_is_restarted,
    ]

    async def then(air: OnAir, scene: Scene) -> None:
        seen: list[tuple[int, int, Census]] = []
        for cycle in range(1, cycles + 1):
            await scene.get_ready()
            with suppress(BridgeError):
                await quick[cycle % len(quick)](air, scene)
            await scene.create_at_last(2)
            await scene.engine.forget(scene.lock.id)
            if cycle in (WARM, cycles):
                seen.append((descriptors(), len(asyncio.all_tasks()), await air.bench.bluez.census()))
        assert seen[0] == seen[1]

    play(tmp_path, monkeypatch, SMALLEST_MTU, "without-response", then)
