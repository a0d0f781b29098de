"""Each change has one effect, whichever frames are lost, late or repeated, and wherever the link breaks."""

import asyncio
from collections.abc import Callable
from itertools import combinations, count

import pytest

from bridge.client import LockClient
from bridge.errors import LinkLost, Refused, Unreachable
from bridge.links import Link
from protocol.codec import decode_request
from protocol.framing import Frame, Kind
from protocol.messages.declaration import Request
from protocol.messages.pins import LastOperationRequest, PinCreateRequest
from protocol.registry import AnyMessage
from tests.together.door import Door, open_door, pin
from tests.together.links import Cut, Delayed, Duplicating, Losing, Whole
from tests.virtual_time import run, virtual_loop

NEW = pin("97531")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Every request that a lock has opened, retransmissions not counted."""
    seen: list[Request] = []

    def watched(body: bytes) -> tuple[AnyMessage, Request]:
        message, request = decode_request(body)
        seen.append(request)
        return message, request

    monkeypatch.setattr("firmware_sim.firmware.decode_request", watched)
    return seen


async def ready(door: Door, wrap: Callable[[Link], Whole]) -> LockClient:
    """Return a client whose session is open and has changed something, so that the next change is one exchange."""
    door.wrap = wrap
    client = door.client()
    await client.clear_pins()
    return client


async def create_once(door: Door, client: LockClient) -> None:
    """Create a pin, and see that it is there, once, and that the next change works as ever."""
    before = door.list_version
    created = await client.create_pin(NEW)
    assert (door.pins, door.list_version) == ({created.id: NEW}, before + 1)
    assert created.list_version == door.list_version
    await client.delete_pin(created.id)
    assert (door.pins, door.list_version) == ({}, before + 2)


def creates(door: Door) -> list[Frame]:
    """Return the frames from the create on: those behind the handshake, clock, last operation and clear."""
    return door.sent_of(Kind.TRANSPORT)[3:]


LOSSES = [lost for count in range(4) for lost in combinations(range(4), count)]


@pytest.mark.parametrize("requests", LOSSES, ids=lambda lost: f"-{lost}")
def test_a_change_has_one_effect_whichever_requests_and_answers_are_lost(requests: tuple[int, ...]) -> None:
    async def scenario(answers: tuple[int, ...]) -> None:
        door = await open_door()
        first = 5  # frames of each direction have gone before
        client = await ready(
            door,
            lambda link: Losing(
                link, requests={first + number for number in requests}, answers={first + number for number in answers}
            ),
        )
        await create_once(door, client)

    for answers in LOSSES:
        run(scenario(answers))


@pytest.mark.parametrize(("requests", "answers"), [({5}, ()), ((), {5}), ({5, 6}, ()), ((), {5, 6}), ({5}, {5})])
def test_a_retransmission_is_the_same_bytes(requests: set[int], answers: set[int], asked: list[Request]) -> None:
    async def scenario() -> None:
        door = await open_door()
        client = await ready(door, lambda link: Losing(link, requests=requests, answers=answers))
        asked.clear()
        await client.create_pin(NEW)
        link = door.links[0]
        again = link.written[5:]
        assert len(again) == 1 + len(requests) + len(answers)
        assert len(set(again)) == 1
        assert asked == [PinCreateRequest(operation=2, entry=NEW)]
        assert door.pins == {1: NEW}

    run(scenario())


@pytest.mark.parametrize("lost", ["requests", "answers"])
def test_after_three_transmissions_a_new_session_asks_under_the_same_operation(lost: str, asked: list[Request]) -> None:
    async def scenario() -> None:
        door = await open_door()
        client = await ready(
            door,
            lambda link: Losing(link, requests={5, 6, 7}) if lost == "requests" else Losing(link, answers={5, 6, 7}),
        )
        before = door.list_version
        asked.clear()
        await client.create_pin(NEW)
        first, *rest = creates(door)
        assert rest[:2] == [first, first]
        assert [frame.counter for frame in rest[2:]] == [0, 1]  # a new session: the clock, then the create again
        create = PinCreateRequest(operation=2, entry=NEW)
        assert [request for request in asked if isinstance(request, PinCreateRequest | LastOperationRequest)] == (
            [create] if lost == "requests" else [create, create]
        )
        assert len(door.links) == 1
        assert door.list_version == before + 1

    run(scenario())


def test_requests_that_come_twice_are_opened_once(asked: list[Request]) -> None:
    async def scenario() -> None:
        door = await open_door()
        client = await ready(door, Duplicating)
        asked.clear()
        await create_once(door, client)
        assert len(asked) == 2

    run(scenario())


@pytest.mark.parametrize("seconds", [0.16, 0.4, 0.7])
def test_an_answer_that_comes_late_is_taken_and_its_copies_are_left_alone(seconds: float, asked: list[Request]) -> None:
    async def scenario() -> None:
        door = await open_door()
        client = await ready(door, lambda link: Delayed(link, seconds))
        asked.clear()
        await create_once(door, client)
        assert len(asked) == 2
        assert len(door.links) == 1

    run(scenario())


def test_the_answer_to_a_session_that_was_given_up_is_no_answer_in_the_next() -> None:
    async def scenario() -> None:
        door = await open_door()
        client = await ready(door, lambda link: Delayed(link, 0.1))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.15):  # the request has arrived, its answer is under way
                await client.create_pin(NEW)
        assert door.pins == {1: NEW}
        assert await client.ping(b"mine") == b"mine"
        assert (await client.create_pin(pin("86420"))).id == 2

    run(scenario())


def test_a_request_that_was_given_up_before_it_arrived_leaves_its_number_free(asked: list[Request]) -> None:
    async def scenario() -> None:
        door = await open_door()
        client = await ready(door, lambda link: Losing(link, requests={5, 6}))
        asked.clear()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await client.create_pin(NEW)
        await client.create_pin(pin("86420"))
        assert [request.operation for request in asked if isinstance(request, PinCreateRequest)] == [2]
        assert door.pins == {1: pin("86420")}

    run(scenario())


@pytest.mark.parametrize("direction", ["may_write", "may_read"])
def test_a_link_cut_at_any_byte_and_opened_again_changes_nothing_of_the_outcome(direction: str) -> None:
    async def scenario() -> int:
        door = await open_door()

        def first_is_cut(link: Link) -> Cut:
            cut = Cut(link)
            setattr(cut, direction, after if not door.links else None)
            return cut

        door.wrap = first_is_cut
        for after in count():
            door.links.clear()
            client = door.client()
            try:
                await create_once(door, client)
            except LinkLost:  # it was cut before anything was asked
                assert Kind.TRANSPORT not in {frame.kind for frame in door.sent}
                await create_once(door, client)
            await client.close()
            if len(door.links) == 1:
                return after
            assert len(door.links) == 2
        raise AssertionError

    assert run(scenario()) > 200


@pytest.mark.parametrize(("direction", "effect"), [("may_write", {}), ("may_read", {1: NEW})])
def test_a_link_that_is_lost_and_cannot_be_opened_again_leaves_the_outcome_unknown(
    direction: str, effect: dict[int, object]
) -> None:
    async def scenario() -> None:
        door = await open_door()
        client = await ready(door, Cut)
        setattr(door.links[0], direction, 7)
        before = virtual_loop().time()
        door.hub.ends.clear()
        with pytest.raises(LinkLost, match=r"^The lock was asked .* No lock is called memory:front here"):
            await client.create_pin(NEW)
        assert virtual_loop().time() - before < 1
        assert door.pins == effect
        with pytest.raises(Unreachable):  # by now nothing is under way
            await client.create_pin(NEW)

    run(scenario())


def test_a_lock_that_is_busy_when_a_change_is_asked_for_again_has_said_nothing_of_its_outcome() -> None:
    async def scenario() -> None:
        door = await open_door()
        client = await ready(door, lambda link: Losing(link, answers={5, 6, 7}))
        virtual_loop().call_later(0.5, door.simulator.keep_busy, 3)  # the change is made by then, its answer lost
        await create_once(door, client)

    run(scenario())


def test_a_lock_that_is_busy_when_a_change_is_first_asked_for_has_refused_it() -> None:
    async def scenario() -> None:
        door = await open_door()
        client = await ready(door, Whole)
        door.simulator.keep_busy(3)
        with pytest.raises(Refused, match="busy"):
            await client.create_pin(NEW)
        assert (door.pins, client.unanswered) == ({}, False)

    run(scenario())
