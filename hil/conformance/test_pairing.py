"""Pairing: the window, the label, peers that come and go (SPEC 4.4 to 4.6)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hil.conformance.test_hello import is_refused
from hil.errors import NoRoom
from hil.hands import Hands
from hil.station import Peer, Session, Station
from protocol.codec import encode_request
from protocol.framing import Frame, Kind
from protocol.messages.declaration import Refusal
from protocol.messages.device import PingRequest, PingResponse
from protocol.messages.hello import Mode
from protocol.messages.pairing import PairCommitRequest, UnpairRequest, UnpairResponse
from protocol.vocabulary import Status

PING = PingRequest(payload=b"?")
PONG = PingResponse(payload=b"?")


@asynccontextmanager
async def guest(lock: Station) -> AsyncIterator[Peer]:
    """Yield another bridge that the lock knows, and let it be forgotten in the end."""
    peer = await lock.make_known(lock.new_peer())
    try:
        yield peer
    finally:
        await (await lock.open(peer)).told(UnpairRequest(), UnpairResponse)


async def first_message(lock: Station, peer: Peer, *, pairing: bool) -> tuple[Frame, Frame]:
    """Send the first message of a handshake on a link of its own; return it and its answer."""
    line = await lock.connect()
    greeting = await lock.greet(line, Mode.PAIR if pairing else Mode.SESSION, peer)
    body = lock.handshake(greeting, peer, secret=lock.secret if pairing else None).write()
    message = Frame(version=greeting.lock.chosen, kind=Kind.HANDSHAKE, counter=0, body=body)
    return message, await line.ask(message)


@pytest.mark.req("LW-016")
async def test_nobody_pairs_while_the_window_is_closed(lock: Station) -> None:
    message, answer = await first_message(lock, lock.new_peer(), pairing=True)
    assert is_refused(answer, message)


@pytest.mark.req("LW-016")
async def test_the_window_closes_after_two_minutes(lock: Station, button: Hands, clock: Hands) -> None:
    await button.hold_button(lock.window_hold)
    await clock.advance(119)
    _, answer = await first_message(lock, lock.new_peer(), pairing=True)
    assert answer.kind is Kind.HANDSHAKE
    await clock.advance(1)
    message, answer = await first_message(lock, lock.new_peer(), pairing=True)
    assert is_refused(answer, message)


@pytest.mark.req("LW-016")
async def test_the_window_closes_behind_whoever_has_paired(lock: Station, button: Hands) -> None:
    async with guest(lock):
        message, answer = await first_message(lock, lock.new_peer(), pairing=True)
        assert is_refused(answer, message)


@pytest.mark.req("LW-016")
async def test_the_window_closes_behind_the_tenth_handshake(lock: Station, button: Hands, clock: Hands) -> None:
    await button.hold_button(lock.window_hold)
    for number in range(10):
        if number % 4 == 3:
            await clock.advance(11)  # five hellos in ten seconds are what a link takes
        _, answer = await first_message(lock, lock.new_peer(), pairing=True)
        assert answer.kind is Kind.HANDSHAKE
        await lock.close()
    await clock.advance(1)
    message, answer = await first_message(lock, lock.new_peer(), pairing=True)
    assert is_refused(answer, message)


@pytest.mark.req("LW-013")
async def test_a_wrong_label_is_refused_at_the_third_message(lock: Station, button: Hands) -> None:
    await button.hold_button(lock.window_hold)
    peer, line = lock.new_peer(), await lock.connect()
    greeting = await lock.greet(line, Mode.PAIR, peer)
    handshake = lock.handshake(greeting, peer, secret=bytes(16))
    message = Frame(version=greeting.lock.chosen, kind=Kind.HANDSHAKE, counter=0, body=handshake.write())
    answer = await line.ask(message)
    assert answer.kind is Kind.HANDSHAKE or is_refused(answer, message)
    if answer.kind is Kind.REFUSED:
        return
    handshake_ends = False
    try:
        handshake.read(answer.body)
    except ValueError:
        handshake_ends = True
    if not handshake_ends:
        third = Frame(version=greeting.lock.chosen, kind=Kind.HANDSHAKE, counter=1, body=handshake.write())
        assert is_refused(await line.ask(third), third)


@pytest.mark.req("LW-013", "LW-019", "LW-021")
async def test_a_peer_pairs_works_and_is_forgotten_when_it_asks(lock: Station, button: Hands) -> None:
    peer = await lock.make_known(lock.new_peer())
    session = await lock.open(peer)
    assert await session.ask(PING) == PONG
    await session.told(UnpairRequest(), UnpairResponse)
    ping = session.ends.seal(encode_request(PING))
    assert is_refused(await session.line.ask(ping), ping), "the session of a peer that was forgotten goes on"
    await lock.close()
    message, answer = await first_message(lock, peer, pairing=False)
    assert is_refused(answer, message)


@pytest.mark.req("LW-019")
async def test_a_peer_is_kept_through_a_loss_of_power(lock: Station, button: Hands, power: Hands) -> None:
    async with guest(lock) as peer:
        await power.power_cycle()
        assert await (await lock.open(peer)).ask(PING) == PONG


@pytest.mark.req("LW-017")
async def test_a_pending_peer_is_forgotten_after_a_minute(lock: Station, button: Hands, clock: Hands) -> None:
    await button.hold_button(lock.window_hold)
    peer = lock.new_peer()
    await lock.pair(peer)
    await lock.close()
    await clock.advance(60)
    message, answer = await first_message(lock, peer, pairing=False)
    assert is_refused(answer, message)


@pytest.mark.req("LW-017")
async def test_a_pending_peer_is_forgotten_at_a_start(lock: Station, button: Hands, power: Hands) -> None:
    await button.hold_button(lock.window_hold)
    peer = lock.new_peer()
    await lock.pair(peer)
    await power.power_cycle()
    await lock.close()
    message, answer = await first_message(lock, peer, pairing=False)
    assert is_refused(answer, message)


@pytest.mark.req("LW-018")
async def test_a_commit_that_comes_a_minute_late_is_denied(lock: Station, button: Hands, clock: Hands) -> None:
    await button.hold_button(lock.window_hold)
    session = await lock.pair(lock.new_peer())
    await clock.advance(60)
    assert await session.ask(PairCommitRequest()) == Refusal(status=Status.DENIED)


@pytest.mark.req("LW-026")
async def test_a_pairing_session_may_commit_and_nothing_else(lock: Station, button: Hands) -> None:
    await button.hold_button(lock.window_hold)
    session: Session = await lock.pair(lock.new_peer())
    assert await session.ask(PING) == Refusal(status=Status.DENIED)


async def become_eight(lock: Station, clock: Hands) -> None:
    """See that the lock knows the bench and seven peers more, and let it forget these again."""
    peers = [lock.peer]
    try:
        while len(peers) < 8:
            await clock.advance(11)
            peers.append(await lock.make_known(lock.new_peer()))
        for peer in peers:
            assert await (await lock.open(peer)).ask(PING) == PONG
            await lock.close()
    finally:
        for peer in peers[1:]:
            await clock.advance(11)
            await (await lock.open(peer)).told(UnpairRequest(), UnpairResponse)
            await lock.close()


@pytest.mark.req("LW-020")
async def test_the_lock_keeps_eight_peers(lock: Station, button: Hands, clock: Hands) -> None:
    try:
        await become_eight(lock, clock)
    except NoRoom as full:
        pytest.skip(f"{full} Whether it keeps eight is seen where the suite may reset it: --destructive.")


@pytest.mark.destructive
@pytest.mark.req("LW-020")
async def test_a_lock_that_was_reset_keeps_eight_peers(lock: Station, button: Hands, clock: Hands) -> None:
    await button.hold_button(lock.reset_hold)
    await lock.close()
    await lock.make_known()
    await lock.close()
    assert lock.alone, "A reset leaves no peer (8.8)."
    await become_eight(lock, clock)
