"""Bluetooth Low Energy (SPEC 9.3): pieces, subscriptions, and what the lock advertises."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hil.hands import Hands
from hil.station import Session, Station
from protocol.bluetooth import ATT_HEADER, LARGEST_MTU, SMALLEST_MTU, Advertisement
from protocol.codec import encode_request
from protocol.framing import Kind, encode_frame
from protocol.messages.device import PingRequest, PingResponse
from protocol.messages.hello import HelloFlag, Mode
from protocol.version import LARGEST_MAX_FRAME
from protocol.vocabulary import PinEntry

if TYPE_CHECKING:
    from bridge.links.ble import BleLink

WITH_RESPONSE, WITHOUT = True, False
SHOWN_WITHIN = 1.0
"""Seconds within which the advertisement has to tell what is new."""


def on_the_air(session: Session) -> "BleLink":
    """Return the session's link where it is one over Bluetooth, else skip."""
    try:
        from bridge.links.ble import BleLink  # noqa: PLC0415  bleak is an extra
    except ImportError:
        pytest.skip("This target is not on Bluetooth.")
    if not isinstance(session.line.link, BleLink):
        pytest.skip("This target is not on Bluetooth.")
    return session.line.link


async def advertised(link: "BleLink") -> Advertisement:
    """Return what the lock advertises last, of all that is heard while it has to show what is new."""
    from bridge.links.ble_hearing import hear  # noqa: PLC0415

    heard = await hear(link.wanted.radio, SHOWN_WITHIN)
    found = [each.advertisement for each in heard if each.advertisement.lock_id == link.wanted.lock_id]
    assert found, f"The lock {link.wanted.lock_id:08X} advertised nothing within {SHOWN_WITHIN:g} s."
    return found[0]


def long_ping(session: Session) -> bytes:
    """Return a request on the stream that takes many pieces, and whose answer does."""
    request = PingRequest(payload=bytes(range(64)))
    return encode_frame(session.ends.seal(encode_request(request)), max_frame=LARGEST_MAX_FRAME)


@pytest.mark.req("LW-073")
async def test_the_lock_works_at_an_att_mtu_of_23(lock: Station, session: Session) -> None:
    wanted = on_the_air(session).wanted
    from bridge.links.ble import open_ble  # noqa: PLC0415  bleak is an extra

    if wanted.radio.hci is None:
        pytest.skip("The service of a Bluetooth adapter chooses the MTU alone: give the bench a controller (hci=…).")
    await lock.close()
    small = await lock.open(line=lock.adopt(await open_ble(replace(wanted, mtu=SMALLEST_MTU))))
    payload = bytes(range(64))
    assert await small.told(PingRequest(payload=payload), PingResponse) == PingResponse(payload=payload)
    assert (await small.info()).lock_id == wanted.lock_id
    assert await small.create(PinEntry(digits="97531", alias="guest"))


@pytest.mark.req("LW-086")
async def test_the_lock_agrees_to_an_att_mtu_of_247(session: Session) -> None:
    link = on_the_air(session)
    if link.wanted.radio.hci is None:
        pytest.skip(
            "The service of a Bluetooth adapter asks for an MTU of its own: give the bench a controller (hci=…)."
        )
    assert link.piece == LARGEST_MTU - ATT_HEADER


@pytest.mark.req("LW-074")
@pytest.mark.parametrize(
    "ways", [(WITH_RESPONSE,), (WITHOUT,), (WITHOUT, WITH_RESPONSE), (WITHOUT, WITHOUT, WITH_RESPONSE)]
)
async def test_pieces_are_taken_in_the_order_in_which_they_were_written(
    session: Session, ways: tuple[bool, ...]
) -> None:
    link = on_the_air(session)
    for _ in range(3):
        for piece in _pieces(long_ping(session), 7, ways):
            await link.write_in_ways(*piece)
        answer = await session.line.hear()
        assert answer is not None
        assert session.opened(answer)


def _pieces(data: bytes, size: int, ways: tuple[bool, ...]) -> list[tuple[bytes, list[bool]]]:
    starts = range(0, len(data), size)
    return [(data[start : start + size], [ways[number % len(ways)]]) for number, start in enumerate(starts)]


@pytest.mark.req("LW-075")
async def test_a_subscription_forgets_the_session_and_the_bytes_of_an_unfinished_frame(
    lock: Station, session: Session
) -> None:
    link = on_the_air(session)
    half = long_ping(session)
    await link.write(half[:30])
    await link.subscribe_again()
    await session.line.say(half[30:])
    await session.line.stays_silent()
    answer = await session.line.ask(session.ends.seal(encode_request(PingRequest(payload=b"?"))))
    assert answer.kind is Kind.REFUSED
    anew = await lock.open(line=session.line)
    assert await anew.told(PingRequest(payload=b"?"), PingResponse) == PingResponse(payload=b"?")


@pytest.mark.req("LW-076")
async def test_the_lock_advertises_service_id_and_flags_while_it_has_a_link_to_spare(
    lock: Station, session: Session, button: Hands
) -> None:
    link = on_the_air(session)
    quiet = await advertised(link)
    await button.hold_button(lock.window_hold)
    assert (await advertised(link)).flags == quiet.flags | HelloFlag.PAIRING_OPEN
    greeting = await lock.greet(session.line, Mode.SESSION)
    assert greeting.lock.flags == quiet.flags | HelloFlag.PAIRING_OPEN


@pytest.mark.req("LW-077")
async def test_the_change_counter_moves_with_what_is_new_and_with_nothing_else(session: Session) -> None:
    link = on_the_air(session)
    before = await advertised(link)
    await session.told(PingRequest(payload=b"?"), PingResponse)
    assert (await advertised(link)).change == before.change
    await session.create(PinEntry(digits="97531", alias="guest"))
    after = await advertised(link)
    assert 1 <= (after.change - before.change) % 256 <= 2, "a list version and an audit number have moved"
