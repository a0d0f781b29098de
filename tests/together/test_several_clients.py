"""Several bridges at one lock, each with a TCP link of its own, all at once."""

import asyncio
from contextlib import AsyncExitStack
from random import Random

import pytest

from bridge.client import LockClient
from bridge.errors import LinkLost, NotPaired, Refused
from bridge.handshakes import greet, pair
from bridge.links import open_link
from bridge.sessions import KnownLock
from bridge.store.keys import BridgeKeys
from bridge.wire import Wire
from firmware_sim.device import GEOMETRY
from firmware_sim.flash import NorFlash
from firmware_sim.links import MAX_LINKS
from firmware_sim.ports.tcp import serve_tcp
from firmware_sim.simulator import Simulator
from protocol.codec import encode_request
from protocol.exchange import Retry
from protocol.messages.hello import Mode
from protocol.messages.pairing import PairCommitRequest
from protocol.session import accepting
from protocol.vocabulary import Status
from tests.together.door import pin
from tests.together.links import luck

CLIENTS = MAX_LINKS
PINS = 6


class Bench:
    """A lock on a TCP port, and bridges that it knows."""

    def __init__(self, simulator: Simulator, place: str) -> None:
        self.simulator = simulator
        self.place = place
        self.random: Random = luck(1)

    async def connect(self) -> Wire:
        return Wire(await open_link(f"tcp:{self.place}"), Retry(), self.random)

    async def client(self) -> LockClient:
        """Pair, and return a client that has shown its key on the link that it was paired on."""
        keys = BridgeKeys(static_private=self.random.randbytes(32), hmac_key=bytes(32))
        self.simulator.hold_button(5)
        wire = await self.connect()
        greeting = await greet(wire, Mode.PAIR, keys.peer_id)
        session, lock_key = await pair(wire, greeting, keys, self.simulator.device.factory.secret)
        await wire.exchange(session.seal(encode_request(PairCommitRequest())), accepting(session))
        known = KnownLock(wire_id=greeting.lock.lock_id, public_key=lock_key, version=1)
        wires = [wire]

        async def connect() -> Wire:
            return wires.pop() if wires else await self.connect()

        client = LockClient(known, keys, connect)
        await client.ping()
        return client


async def bench(stack: AsyncExitStack, *, slots: int = 50) -> Bench:
    simulator = Simulator(NorFlash(GEOMETRY), slots=slots)
    stack.callback(simulator.stop)
    return Bench(simulator, await stack.enter_async_context(serve_tcp(simulator, "127.0.0.1", 0)))


async def clients(stack: AsyncExitStack, made: Bench, count: int) -> list[LockClient]:
    found = [await made.client() for _ in range(count)]
    for client in found:
        stack.push_async_callback(client.close)
    return found


def test_each_bridge_has_its_own_operations_and_all_pins_are_there() -> None:
    async def work(client: LockClient, number: int) -> set[int]:
        created = set()
        for turn in range(PINS):
            created.add((await client.create_pin(pin(f"9{number}{turn}24"))).id)
            assert await client.ping(bytes([number])) == bytes([number])
        assert (await client.last_operation()).operation == PINS
        return created

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            made = await bench(stack)
            all_clients = await clients(stack, made, CLIENTS)
            created = await asyncio.gather(*(work(client, number) for number, client in enumerate(all_clients)))
            assert set.union(*created) == set(range(1, CLIENTS * PINS + 1))
            assert made.simulator.snapshot().used == CLIENTS * PINS
            for client in all_clients:
                assert len((await client.list_pins()).pins) == CLIENTS * PINS

    asyncio.run(scenario())


def test_bridges_that_want_the_same_digits_at_once_get_them_once() -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            made = await bench(stack)
            all_clients = await clients(stack, made, CLIENTS)
            done = await asyncio.gather(
                *(client.create_pin(pin("97531")) for client in all_clients), return_exceptions=True
            )
            refusals = [each.status for each in done if isinstance(each, Refused)]
            assert refusals == [Status.EXISTS] * (CLIENTS - 1)
            assert made.simulator.snapshot().used == 1

    asyncio.run(scenario())


def test_one_bridge_that_is_unpaired_does_not_end_the_others() -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            made = await bench(stack)
            first, second = await clients(stack, made, 2)
            await first.create_pin(pin("97531"))
            await first.unpair()
            with pytest.raises(NotPaired):
                await first.ping()
            assert await second.ping(b"here") == b"here"
            assert len((await second.list_pins()).pins) == 1

    asyncio.run(scenario())


def test_one_link_too_many_is_told_and_disturbs_nobody() -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            made = await bench(stack)
            all_clients = await clients(stack, made, MAX_LINKS)
            wire = await made.connect()
            with pytest.raises(LinkLost):
                await greet(wire, Mode.SESSION, 1)
            await wire.close()
            for number, client in enumerate(all_clients):
                assert await client.ping(bytes([number])) == bytes([number])

    asyncio.run(scenario())


def test_a_power_cycle_ends_all_links_and_every_bridge_comes_back() -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            made = await bench(stack)
            all_clients = await clients(stack, made, CLIENTS)
            for round_ in range(2):
                made.simulator.power_cycle()
                done = await asyncio.gather(
                    *(client.create_pin(pin(f"8{number}{round_}24")) for number, client in enumerate(all_clients))
                )
                assert len({each.id for each in done}) == CLIENTS
            assert made.simulator.snapshot().used == 2 * CLIENTS

    asyncio.run(scenario())
