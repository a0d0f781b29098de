"""The client at a real simulated lock through every double of a link: slower perhaps, but the same in the end."""

import asyncio
from collections.abc import Iterator

import pytest

from bridge.client import LockClient, PinList
from bridge.errors import Refused
from protocol.framing import Frame, Kind
from protocol.noise import Ciphers
from protocol.vocabulary import PinEntry, PinSummary, Status
from tests.together.door import Door, open_door, pin
from tests.together.links import DOUBLES, Babbling, Dead, Double, Whole, frames_of, luck
from tests.virtual_time import run

SEEDS = range(4)


@pytest.fixture(autouse=True)
def sealed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[tuple[bytes, int], bytes]]:
    """Every body that was sealed, at both ends, by key and counter: the test fails where one pair is used twice."""
    sealed: dict[tuple[bytes, int], bytes] = {}
    twice: list[int] = []
    seal = Ciphers.seal

    def watched(ciphers: Ciphers, counter: int, associated: bytes, plaintext: bytes) -> bytes:
        use = ciphers._sending.k, counter
        if use in sealed:
            twice.append(counter)
        sealed[use] = plaintext
        return seal(ciphers, counter, associated, plaintext)

    monkeypatch.setattr(Ciphers, "seal", watched)
    yield sealed
    assert twice == []


def by_session(link: Whole) -> Iterator[list[Frame]]:
    """Yield the transport frames that were written on a link, session by session."""
    requests: list[Frame] = []
    for frame in frames_of(link.written):
        if frame.kind is Kind.HELLO_REQUEST and requests:
            yield requests
            requests = []
        elif frame.kind is Kind.TRANSPORT:
            requests.append(frame)
    yield requests


async def use(client: LockClient, door: Door) -> dict[int, PinEntry]:
    """Ask for everything once, check each answer, and return the pins that must be there at the end."""
    assert await client.ping(bytes(200)) == bytes(200)
    assert (await client.create_pin(pin("97531"))).id == 1
    assert (await client.create_pin(pin("86420"))).id == 2
    with pytest.raises(Refused) as refusal:
        await client.create_pin(pin("97531", "again"))
    assert refusal.value.status is Status.EXISTS
    assert (await client.create_pin(pin("13579", "x" * 32))).id == 3
    assert (await client.get_pin(2)).entry == pin("86420")
    await client.update_pin(2, pin("24680", "other"))
    await client.delete_pin(1)
    left = {2: pin("24680", "other"), 3: pin("13579", "x" * 32)}
    summaries = tuple(
        PinSummary(id=number, alias=entry.alias, enabled=entry.enabled, schedule=entry.schedule)
        for number, entry in left.items()
    )
    assert await client.list_pins() == PinList(list_version=door.list_version, pins=summaries)
    assert (await client.last_operation()).operation == 5
    return left


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("double", DOUBLES.values(), ids=DOUBLES)
def test_every_request_ends_well_and_every_change_has_one_effect(double: Double, seed: int) -> None:
    async def scenario() -> None:
        door = await open_door(seed=seed)
        chance = luck(seed)
        door.wrap = lambda link: double(link, chance)
        before = door.list_version
        client = door.client()
        assert await use(client, door) == door.pins
        assert door.list_version == before + 5
        await client.close()
        for link in door.links:
            for requests in by_session(link):
                assert len(set(requests)) == len({frame.counter for frame in requests})

    run(scenario())


def test_a_whole_link_carries_each_frame_once_and_one_session() -> None:
    async def scenario() -> None:
        door = await open_door()
        client = door.client()
        await use(client, door)
        assert len(door.links) == 1
        assert [frame.counter for frame in door.sent_of(Kind.TRANSPORT)] == list(range(13))
        assert len(set(door.sent)) == len(door.sent)
        await client.clear_pins()
        assert door.pins == {}

    run(scenario())


@pytest.mark.parametrize("double", [Dead, Babbling])
def test_a_dead_link_gives_no_answer_however_long_one_waits(double: type[Whole]) -> None:
    async def scenario() -> None:
        door = await open_door()
        door.wrap = double
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await door.client().create_pin(pin("97531"))
        assert {frame.kind for frame in door.sent} == {Kind.HELLO_REQUEST}
        assert door.pins == {}

    run(scenario())
