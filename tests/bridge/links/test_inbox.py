"""The bytes between a transport and its reader: in order, bounded, and an end that everyone sees."""

import asyncio

import pytest

from bridge.errors import LinkLost
from bridge.links.base import INBOX_SIZE, Inbox
from tests.virtual_time import run


def test_bytes_come_in_order_and_all_at_once() -> None:
    async def scenario() -> None:
        inbox = Inbox()
        for data in (b"one ", b"two ", b"three"):
            inbox.put(data)
        assert await inbox.get("lost") == b"one two three"

    run(scenario())


def test_a_reader_waits_for_the_next_bytes() -> None:
    async def scenario() -> None:
        inbox = Inbox()
        reading = asyncio.create_task(inbox.get("lost"))
        await asyncio.sleep(1)
        assert not reading.done()
        inbox.put(b"")
        await asyncio.sleep(1)
        assert not reading.done()
        inbox.put(b"news")
        assert await reading == b"news"

    run(scenario())


def test_a_loss_is_seen_behind_what_came_before_and_takes_nothing_after_it() -> None:
    async def scenario() -> None:
        inbox = Inbox()
        inbox.put(b"before")
        inbox.lose()
        inbox.lose()
        inbox.put(b"after")
        assert inbox.lost
        assert await inbox.get("lost") == b"before"
        for _ in range(2):
            with pytest.raises(LinkLost, match=r"^lost$"):
                await inbox.get("lost")

    run(scenario())


def test_a_peer_that_talks_while_nobody_listens_costs_bounded_memory() -> None:
    async def scenario() -> None:
        inbox = Inbox()
        for _ in range(100):
            inbox.put(bytes(INBOX_SIZE // 3))
        assert len(await inbox.get("lost")) == INBOX_SIZE // 3 * 3
        inbox.put(b"once there is room again")
        assert await inbox.get("lost") == b"once there is room again"

    run(scenario())
