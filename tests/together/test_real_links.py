"""The client at a simulated lock through real parts: a pseudo-terminal, TCP, pyserial's thread, and stock bleak."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.client import LockClient
from bridge.errors import LinkLost, Unreachable
from bridge.handshakes import greet, pair
from bridge.links import Link, open_link
from bridge.sessions import KnownLock
from bridge.store.keys import BridgeKeys
from bridge.wire import Wire
from firmware_sim.device import GEOMETRY
from firmware_sim.flash import NorFlash
from firmware_sim.ports.pty import serve_pty
from firmware_sim.ports.tcp import serve_tcp
from firmware_sim.simulator import Simulator
from protocol.codec import encode_request
from protocol.exchange import Retry
from protocol.messages.hello import Mode
from protocol.messages.pairing import PairCommitRequest
from protocol.session import accepting
from tests.bridge.links.ends import descriptors, hurry, threads
from tests.together.door import pin
from tests.together.links import luck
from tests.together.on_air import on_air
from tests.together.rfc2217 import exported

KEYS = BridgeKeys(static_private=bytes(range(32)), hmac_key=bytes(32))


# pyserial forgets to close a socket whose other end has gone first; it is closed when the object goes
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@asynccontextmanager
async def lock_at(kind: str, folder: Path) -> AsyncIterator[tuple[Simulator, str]]:
    """Yield a lock and the target behind which it is."""
    simulator = Simulator(NorFlash(GEOMETRY), slots=5)
    simulator.hold_button(5)
    try:
        if kind == "ble":
            async with on_air(simulator, folder) as air:
                yield simulator, air.target
        elif kind == "rfc2217":
            with serve_pty(simulator, folder / "lock0"), exported(str(folder / "lock0")) as place:
                yield simulator, place
        elif kind == "pty":
            with serve_pty(simulator, folder / "lock0"):
                yield simulator, f"serial:{folder / 'lock0'}?baud=9600"
        else:
            async with serve_tcp(simulator, "127.0.0.1", 0) as place:
                yield simulator, f"tcp:{place}" if kind == "tcp" else f"serial:socket://{place}"
    finally:
        simulator.stop()


class Bridge:
    """Opens links to a target, and keeps them."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.links: list[Link] = []

    async def connect(self) -> Wire:
        self.links.append(await open_link(self.target))
        return Wire(self.links[-1], Retry(), luck(1))

    async def paired(self, simulator: Simulator) -> LockClient:
        wire = await self.connect()
        greeting = await greet(wire, Mode.PAIR, KEYS.peer_id)
        session, lock_key = await pair(wire, greeting, KEYS, simulator.device.factory.secret)
        await wire.exchange(session.seal(encode_request(PairCommitRequest())), accepting(session))
        await wire.close()
        return LockClient(KnownLock(wire_id=greeting.lock.lock_id, public_key=lock_key, version=1), KEYS, self.connect)


KINDS = pytest.mark.parametrize("kind", ["pty", "tcp", "socket", "rfc2217", "ble"])


@KINDS
def test_everything_works_over_it_and_nothing_is_left_behind(kind: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lock_at(kind, tmp_path) as (simulator, target):
            bridge = Bridge(target)
            client = await bridge.paired(simulator)
            assert await client.ping(bytes(range(200))) == bytes(range(200))
            created = await client.create_pin(pin("97531"))
            assert (await client.get_pin(created.id)).entry == pin("97531")
            assert len((await client.list_pins()).pins) == 1
            await client.close()
            assert len(bridge.links) == 2
        assert asyncio.all_tasks() == {asyncio.current_task()}

    before = descriptors(), threads()
    asyncio.run(scenario())
    assert (descriptors(), threads()) == before


@KINDS
def test_a_lock_that_loses_its_power_is_found_again(kind: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lock_at(kind, tmp_path) as (simulator, target):
            client = await Bridge(target).paired(simulator)
            await client.create_pin(pin("97531"))
            simulator.power_cycle()
            assert (await client.create_pin(pin("86420"))).id == 2
            await client.close()

    asyncio.run(scenario())


@KINDS
def test_a_lock_that_goes_away_is_lost_and_then_unreachable(kind: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lock_at(kind, tmp_path) as (simulator, target):
            bridge = Bridge(target)
            client = await bridge.paired(simulator)
            await client.create_pin(pin("97531"))
        with pytest.raises(LinkLost):
            await bridge.links[-1].read()
        with pytest.raises(Unreachable):
            await client.create_pin(pin("86420"))

    asyncio.run(scenario())


@KINDS
def test_a_lock_that_goes_away_in_mid_request_leaves_the_outcome_unknown(kind: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lock_at(kind, tmp_path) as (simulator, target):
            client = await Bridge(target).paired(simulator)
            await client.clear_pins()
            simulator.device._decoders.clear()  # it hears nothing any more
            asking = asyncio.create_task(client.create_pin(pin("97531")))
            await asyncio.sleep(0)
        with pytest.raises(LinkLost):
            await asking
        await client.close()

    asyncio.run(scenario())
