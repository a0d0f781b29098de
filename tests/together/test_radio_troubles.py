"""Each way in which a radio fails, at both ends of the MTU and by both ways of writing: one effect, and on it goes."""

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from bridge.errors import BridgeError
from protocol.bluetooth import LARGEST_MTU, SMALLEST_MTU
from tests.together.on_air import OnAir, by_radio
from tests.together.processes import place
from tests.together.radio_scene import Scene, at_scene
from tests.together.radio_troubles import GARBLINGS, TROUBLES, WAYS_OF_WRITING, Trouble, growth, play
from tests.waiting import until

MTUS = pytest.mark.parametrize("mtu", [SMALLEST_MTU, LARGEST_MTU])
WRITES = pytest.mark.parametrize("write", WAYS_OF_WRITING)
CYCLES = 30
"""`make soak` takes a hundred, at each MTU and by each way of writing."""


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


def test_nothing_grows_over_many_cycles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    early, late = growth(tmp_path, monkeypatch, SMALLEST_MTU, "without-response", CYCLES)
    assert early == late
