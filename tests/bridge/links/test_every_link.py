"""What each kind of link promises alike: bytes both ways, LinkLost at its end, nothing left behind."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from bridge.errors import LinkLost
from bridge.links import Link, open_link
from tests.bridge.links.ends import ENDS, End, descriptors, hurry, threads

EVERY_BYTE = bytes(range(256))

Ends = Callable[[], AbstractAsyncContextManager[End]]
Test = Callable[[Link, End], Awaitable[None]]

every_link = pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)


# pyserial forgets to close a socket whose other end has gone first; it is closed when the object goes
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def run(ends: Ends, test: Test) -> None:
    """Run a test with an open link, which is closed at its end and must leave neither thread nor task."""

    async def opened_and_closed() -> None:
        async with ends() as end:
            link = await open_link(end.target, end.hub)
            try:
                await test(link, end)
            finally:
                await link.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    before = threads()
    asyncio.run(opened_and_closed())
    assert threads() == before


async def lost(link: Link) -> None:
    """See that a link says in every way that it is lost."""
    for _ in range(2):
        with pytest.raises(LinkLost):
            await link.read()
    assert link.lost


async def read(link: Link, size: int) -> bytes:
    """Return the next `size` bytes."""
    data = b""
    while len(data) < size:
        data += await link.read()
    return data


@every_link
def test_every_byte_goes_both_ways(ends: Ends) -> None:
    async def test(link: Link, end: End) -> None:
        assert not link.lost
        await link.write(EVERY_BYTE * 4)
        assert await end.hear(1024) == EVERY_BYTE * 4
        end.say(EVERY_BYTE * 4)
        assert await read(link, 1024) == EVERY_BYTE * 4
        assert link.ack_timeout == end.ack_timeout
        assert link.bytes_per_second > 0

    run(ends, test)


@every_link
def test_a_far_end_that_goes_away_is_a_lost_link(ends: Ends) -> None:
    async def test(link: Link, end: End) -> None:
        await link.write(b"?")
        await end.hear(1)
        reading = asyncio.create_task(link.read())
        await asyncio.sleep(0)
        end.go()
        with pytest.raises(LinkLost) as failure:
            await reading
        assert str(failure.value).endswith(".")
        await lost(link)

    run(ends, test)


@every_link
def test_what_came_before_the_end_is_read_first(ends: Ends) -> None:
    async def test(link: Link, end: End) -> None:
        await link.write(b"?")
        await end.hear(1)
        end.say(b"last words")
        assert await read(link, 10) == b"last words"
        end.go()
        await lost(link)

    run(ends, test)


@every_link
def test_a_closed_link_is_lost_for_whoever_waits_or_comes_later(ends: Ends) -> None:
    async def test(link: Link, end: End) -> None:
        del end
        reading = asyncio.create_task(link.read())
        await asyncio.sleep(0)
        await link.close()
        with pytest.raises(LinkLost):
            await reading
        await lost(link)
        with pytest.raises(LinkLost):
            await link.write(b"?")
        await link.close()

    run(ends, test)


@every_link
def test_a_read_that_is_given_up_loses_nothing(ends: Ends) -> None:
    async def test(link: Link, end: End) -> None:
        await link.write(b"?")
        await end.hear(1)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await link.read()
        end.say(b"still here")
        assert await read(link, 10) == b"still here"

    run(ends, test)


@pytest.mark.parametrize("kind", ["memory", "pty", "tcp", "ble"])
def test_fifty_links_leave_nothing_open(kind: str) -> None:
    async def scenario(turns: int) -> None:
        async with ENDS[kind]() as end:
            for _ in range(turns):
                link = await open_link(end.target, end.hub)
                await link.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario(1))  # what is loaded at the first use stays
    before = descriptors(), threads()
    asyncio.run(scenario(50))
    assert (descriptors(), threads()) == before
