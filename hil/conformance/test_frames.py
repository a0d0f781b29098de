"""Frames on the stream: COBS, bounds, damage (SPEC 2, 3)."""

import asyncio
from collections.abc import Callable

import pytest

from hil.station import Session
from protocol.codec import encode_request
from protocol.framing import Frame, cobs_encode, crc16, encode_frame
from protocol.messages.device import PingRequest, PingResponse
from protocol.version import DEFAULT_MAX_FRAME, LARGEST_MAX_FRAME
from protocol.vocabulary import Rule, Status

PING = PingRequest(payload=b"?")
PONG = PingResponse(payload=b"?")
SEALED = 26
"""Bytes that its frame adds to a request or an answer (SPEC 3.3)."""
RUN = 254
LONG_PING = RUN - 3 - 16 - 2
"""The payload with which everything from the length's low byte on is one run: 3 of length and CRC, a tag, a head."""
TRIES = 60


def stream(signed: bytes) -> bytes:
    """Return what header and body are on the stream."""
    return b"\x00" + cobs_encode(signed + crc16(signed).to_bytes(2, "big")) + b"\x00"


def flipped(frame: Frame) -> bytes:
    raw = frame.signed() + crc16(frame.signed()).to_bytes(2, "big")
    return b"\x00" + cobs_encode(raw[:9] + bytes([raw[9] ^ 0x10]) + raw[10:]) + b"\x00"


def cut_short(frame: Frame) -> bytes:
    return encode_frame(frame)[:-3] + b"\x00"


def with_a_code_that_points_beyond(frame: Frame) -> bytes:
    return b"\x00\xff" + encode_frame(frame)[2:]


def of_nine_bytes(frame: Frame) -> bytes:
    return b"\x00" + cobs_encode(frame.signed()[:9]) + b"\x00"


def with_another_length(frame: Frame) -> bytes:
    raw = frame.signed()
    return stream(raw[:6] + (len(frame.body) + 1).to_bytes(2, "big") + raw[8:])


def of_a_kind_of_no_table(frame: Frame) -> bytes:
    raw = frame.signed()
    return stream(raw[:1] + b"\x7f" + raw[2:])


def of_a_version_that_nobody_speaks(frame: Frame) -> bytes:
    return stream(b"\xff" + frame.signed()[1:])


DAMAGES = (
    flipped,
    cut_short,
    with_a_code_that_points_beyond,
    of_nine_bytes,
    with_another_length,
    of_a_kind_of_no_table,
    of_a_version_that_nobody_speaks,
)


@pytest.mark.req("LW-005")
@pytest.mark.parametrize("damage", DAMAGES)
async def test_damage_is_dropped_in_silence_and_moves_no_counter(
    session: Session, damage: Callable[[Frame], bytes]
) -> None:
    frame = session.ends.seal(encode_request(PING))
    await session.line.say(damage(frame))
    await session.line.stays_silent()
    assert await session.ask_frame(PING, frame) == PONG


@pytest.mark.req("LW-004")
async def test_the_next_frame_is_found_behind_a_piece_that_is_too_long(session: Session) -> None:
    await session.line.say(b"\x00" + b"\x01" * 3000)
    assert await session.ask(PING) == PONG


@pytest.mark.req("LW-003")
async def test_empty_pieces_mean_nothing_and_an_answer_stands_between_zeros(session: Session) -> None:
    await session.line.say(b"\x00" * 7)
    assert await session.ask(PING) == PONG
    frame = session.ends.seal(encode_request(PING))
    await session.line.send(frame)
    heard = b""
    async with asyncio.timeout(session.station.patience.answer):
        while len(heard.strip(b"\x00")) < len(encode_frame(frame)) - 2 or not heard.endswith(b"\x00"):
            heard += await session.line.link.read()
    assert heard.startswith(b"\x00"), "no zero byte stands before the frame"
    assert await session.ask_frame(PING, frame) == PONG


@pytest.mark.req("LW-003")
@pytest.mark.parametrize("end", [b"", b"\x01"], ids=["without a code behind it", "with a code behind it"])
async def test_a_run_of_254_bytes_at_the_end_is_taken_in_both_forms(session: Session, end: bytes) -> None:
    if (await session.info()).max_frame < DEFAULT_MAX_FRAME + 8:
        pytest.skip("No frame that this lock takes is long enough to end with such a run.")
    for number in range(TRIES):
        ping = PingRequest(payload=number.to_bytes(2, "big") + bytes(LONG_PING - 2))
        frame = session.ends.seal(encode_request(ping))
        raw = frame.signed() + crc16(frame.signed()).to_bytes(2, "big")
        coded = cobs_encode(raw)
        if 0 in raw[-RUN:]:  # sealed bytes are as random as any
            assert await session.ask_frame(ping, frame) == PingResponse(payload=ping.payload)
            continue
        await session.line.say(b"\x00" + coded.removesuffix(b"\x01") + end + b"\x00")
        answer = await session.line.hear()
        assert answer is not None
        session.opened(answer)
        return
    pytest.fail(f"Of {TRIES} sealed bodies none is without a zero.")


@pytest.mark.req("LW-001", "LW-002")
@pytest.mark.parametrize(
    "body",
    [b"\x03", b"\x03\x02?", b"\x03\x01??", b"\x01\x00", b"\x11\x00", b"\x30\x00\x00\x00\x01\xee"],
    ids=["no length", "a byte too few", "a byte too many", "a body where none is", "half a number", "no such action"],
)
async def test_a_body_that_is_not_its_layout_is_malformed_and_does_nothing(session: Session, body: bytes) -> None:
    before = await session.status()
    answer = await session.ask_body(session.ends.seal(body))
    assert answer == bytes([body[0], Status.INVALID, Rule.MALFORMED])
    after = await session.status()
    assert (after.list_version, after.bolt) == (before.list_version, before.bolt)


@pytest.mark.req("LW-006", "LW-036")
async def test_an_answer_keeps_to_256_bytes_before_info_was_answered(session: Session) -> None:
    room = DEFAULT_MAX_FRAME - SEALED - len(b"\x03\x00\x00")
    fits = PingRequest(payload=bytes(room))
    assert await session.ask(fits) == PingResponse(payload=fits.payload)
    too_long = session.ends.seal(encode_request(PingRequest(payload=bytes(room + 1))))
    assert await session.ask_body(too_long) == bytes([3, Status.INVALID, Rule.MALFORMED])


@pytest.mark.req("LW-006")
async def test_the_frame_limit_is_one_that_the_document_allows(session: Session) -> None:
    assert DEFAULT_MAX_FRAME <= (await session.info()).max_frame <= LARGEST_MAX_FRAME


@pytest.mark.req("LW-045")
async def test_an_opcode_of_no_table_is_unsupported(session: Session) -> None:
    assert await session.ask_body(session.ends.seal(b"\xee")) == bytes([0xEE, Status.UNSUPPORTED])
