"""The stream: whatever comes in, cut anywhere, good frames come out whole and damage comes out as a value."""

import tracemalloc
from binascii import crc_hqx
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import MisuseError
from protocol.framing import (
    Damage,
    Frame,
    FrameDecoder,
    Kind,
    check_frame,
    cobs_decode,
    cobs_encode,
    crc16,
    encode_frame,
    encoded_bound,
    pack_header,
)
from protocol.version import DEFAULT_MAX_FRAME, LARGEST_MAX_FRAME

OVERHEAD = 10
"""Bytes of a frame that are not its body."""

FRAMES = st.builds(
    Frame,
    version=st.integers(0, 1),
    kind=st.sampled_from(list(Kind)),
    counter=st.integers(0, 0xFFFFFFFF),
    body=st.binary(max_size=300)
    | st.integers(0, 600).map(bytes)
    | st.integers(0, 600).map(lambda size: b"\x55" * size),
)
GARBAGE = st.binary(max_size=60) | st.sampled_from([b"\x00", b"\x00\x00", b"\x01" * 1200, b"\xff" * 1029, b"\x01"])


@st.composite
def broken_frames(draw: st.DrawFn) -> bytes:
    data = bytearray(encode_frame(draw(FRAMES)))
    at = draw(st.integers(0, len(data) - 1))
    data[at] ^= draw(st.integers(1, 255))
    return bytes(data[draw(st.integers(0, 3)) : len(data) - draw(st.integers(0, 3))])


STREAMS = st.lists(FRAMES.map(encode_frame) | broken_frames() | GARBAGE, max_size=6).map(b"".join)


def ping(body: bytes = b"\x03\x02\x00\xff") -> Frame:
    return Frame(version=1, kind=Kind.TRANSPORT, counter=7, body=body)


def patterned(size: int) -> Frame:
    """A body with runs, zeros and every value."""
    return ping(bytes(at * at // 7 % 256 if at % 5 else 0 for at in range(size)))


def checked(signed: bytes) -> bytes:
    """`signed` with its CRC, by an implementation that is not ours."""
    return signed + crc_hqx(signed, 0xFFFF).to_bytes(2, "big")


def stuffed(data: bytes) -> bytes:
    """COBS as its paper has it: one byte at a time (Cheshire and Baker 1999, figure 3)."""
    coded, run = bytearray(), bytearray()
    for byte in data:
        if byte:
            run.append(byte)
        if not byte or len(run) == 254:
            coded += bytes([len(run) + 1]) + run
            run.clear()
    return bytes(coded + bytes([len(run) + 1]) + run)


def unstuffed(coded: bytes) -> bytes | None:
    """Its inverse, by recursion over the blocks; None where a block is cut or holds a zero."""
    pieces = []
    while coded:
        size, block, coded = coded[0], coded[1 : coded[0]], coded[coded[0] or 1 :]
        if size == 0 or 0 in block or len(block) != size - 1:
            return None
        pieces.append(block if size == 255 or not coded else block + b"\x00")
    return b"".join(pieces)


def streamed(data: bytes) -> bytes:
    return b"\x00" + stuffed(data) + b"\x00"


def fed(stream: bytes, cuts: list[int], max_frame: int = LARGEST_MAX_FRAME) -> list[Frame | Damage]:
    decoder = FrameDecoder(max_frame)
    at = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [found for start, end in pairwise(at) for found in decoder.feed(stream[start:end])]


def frames(found: list[Frame | Damage]) -> list[Frame]:
    return [piece for piece in found if isinstance(piece, Frame)]


def test_the_crc_has_the_published_check_value() -> None:
    assert crc16(b"123456789") == 0x29B1


@given(st.binary(max_size=1100))
@settings(max_examples=100, deadline=None)
def test_the_crc_agrees_with_another_implementation_and_leaves_no_residue(data: bytes) -> None:
    assert crc16(data) == crc_hqx(data, 0xFFFF)
    assert crc16(data + crc16(data).to_bytes(2, "big")) == 0


@given(st.binary(max_size=1100) | st.lists(st.integers(250, 260).map(lambda size: b"\x01" * size)).map(b"\x00".join))
@settings(max_examples=150, deadline=None)
def test_cobs_survives_the_way_holds_no_zero_and_agrees_with_its_paper(data: bytes) -> None:
    coded = cobs_encode(data)
    assert 0 not in coded
    assert coded == stuffed(data)
    assert cobs_decode(coded) == unstuffed(coded) == data
    assert len(coded) <= encoded_bound(len(data))


@pytest.mark.parametrize("size", [*range(3), *range(252, 257), *range(506, 511), 1022, 1023, 1024])
def test_the_bound_is_reached_by_data_without_zeros(size: int) -> None:
    assert len(cobs_encode(b"\x01" * size)) == encoded_bound(size)
    assert cobs_decode(cobs_encode(b"\x01" * size)) == b"\x01" * size


@given(st.binary(max_size=600).map(lambda data: data.replace(b"\x00", b"\x03")))
@settings(max_examples=200, deadline=None)
def test_bytes_without_zeros_decode_as_another_decoder_decodes_them(coded: bytes) -> None:
    assert cobs_decode(coded) == unstuffed(coded)


@given(FRAMES, st.lists(st.integers(0, 2000), max_size=5))
@settings(max_examples=100, deadline=None)
def test_a_frame_survives_the_stream(frame: Frame, cuts: list[int]) -> None:
    assert encode_frame(frame) == streamed(checked(frame.signed()))
    assert fed(encode_frame(frame), cuts) == [frame]


@given(STREAMS | st.binary(max_size=300), st.lists(st.integers(0, 9000), max_size=12))
@settings(max_examples=200, deadline=None)
def test_any_stream_cut_anywhere_tells_what_it_tells_in_one_piece(stream: bytes, cuts: list[int]) -> None:
    assert fed(stream, cuts) == fed(stream, [])


@given(STREAMS)
@settings(max_examples=30, deadline=None)
def test_any_stream_byte_by_byte_tells_what_it_tells_in_one_piece(stream: bytes) -> None:
    assert fed(stream, list(range(len(stream)))) == fed(stream, [])


@given(
    st.lists(st.tuples(GARBAGE, FRAMES), min_size=1, max_size=4), GARBAGE, st.lists(st.integers(0, 9000), max_size=4)
)
@settings(max_examples=150, deadline=None)
def test_garbage_between_frames_never_loses_a_good_one(
    pairs: list[tuple[bytes, Frame]], behind: bytes, cuts: list[int]
) -> None:
    stream = b"".join(garbage + encode_frame(frame) for garbage, frame in pairs) + behind
    assert frames(fed(stream, cuts)) == [frame for _, frame in pairs]


@pytest.mark.parametrize("size", [0, 1, 17, 100, 243, 244, 245, 254, 400])
def test_a_single_flipped_bit_costs_that_frame_and_never_makes_another(size: int) -> None:
    stream, following = encode_frame(patterned(size)), ping()
    for bit in range(8 * len(stream)):
        flipped = bytearray(stream)
        flipped[bit // 8] ^= 1 << bit % 8
        assert frames(fed(bytes(flipped) + encode_frame(following), [])) == [following]


@pytest.mark.parametrize("size", [0, 17, 244, 400])
def test_a_frame_that_lost_or_gained_a_byte_costs_that_frame_alone(size: int) -> None:
    frame, following = patterned(size), ping()
    stream = encode_frame(frame)
    for at in range(1, len(stream) - 1):
        for broken in (stream[:at] + stream[at + 1 :], stream[:at] + b"\x01" + stream[at:], stream[:at]):
            assert frames(fed(broken + encode_frame(following), [])) == [following]


DAMAGED = [
    (b"\x00\x05\x01\x00", Damage.COBS),
    (streamed(b""), Damage.SHORT),
    (streamed(bytes(9)), Damage.SHORT),
    (streamed(b"\x01" * (LARGEST_MAX_FRAME + 1)), Damage.LONG),
    (streamed(bytes(LARGEST_MAX_FRAME + 1)), Damage.LONG),
    (b"\x01" * 5000 + b"\x00", Damage.LONG),
    (streamed(ping().signed() + b"\x00\x00"), Damage.CRC),
    (streamed(bytes(10)), Damage.CRC),
    (streamed(checked(pack_header(1, Kind.TRANSPORT, 0, 1))), Damage.LENGTH),
    (streamed(checked(pack_header(1, Kind.TRANSPORT, 0, 1) + b"ab")), Damage.LENGTH),
    (streamed(checked(b"\x01\x00" + bytes(6))), Damage.HEADER),
    (streamed(checked(b"\x01\x06" + bytes(6))), Damage.HEADER),
    (streamed(checked(pack_header(2, Kind.TRANSPORT, 0, 0))), Damage.VERSION),
    (streamed(checked(pack_header(255, Kind.HELLO_REQUEST, 0, 0))), Damage.VERSION),
]


@pytest.mark.parametrize(("stream", "damage"), DAMAGED)
def test_each_damage_is_told_by_its_name_and_the_next_frame_is_fine(stream: bytes, damage: Damage) -> None:
    assert fed(stream, []) == [damage]
    assert fed(stream + encode_frame(ping()), []) == [damage, ping()]


def test_every_damage_stands_in_the_table_above() -> None:
    assert {damage for _, damage in DAMAGED} == set(Damage)


def test_a_stream_without_end_takes_bounded_memory_and_costs_one_damage() -> None:
    piece, decoder = b"\x01" * 4096, FrameDecoder()
    decoder.feed(piece)
    tracemalloc.start()
    try:
        assert all(decoder.feed(piece) == [] for _ in range(500))
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2 * LARGEST_MAX_FRAME
    assert peak < 4 * len(piece)
    assert decoder.feed(piece * 500) == []
    assert decoder.feed(encode_frame(ping())) == [Damage.LONG, ping()]


def test_delimiters_alone_are_neither_frames_nor_damage() -> None:
    assert fed(bytes(1000), []) == []


def test_frames_may_share_one_delimiter() -> None:
    stream = encode_frame(ping())
    assert fed(stream + stream[1:], []) == [ping(), ping()]


def test_a_reset_forgets_half_a_frame_and_an_overlong_piece() -> None:
    decoder = FrameDecoder()
    for begun in (encode_frame(ping())[:-3], b"\x01" * 5000):
        decoder.feed(begun)
        decoder.reset()
        assert decoder.feed(encode_frame(ping())[1:]) == [ping()]


@pytest.mark.parametrize("max_frame", [OVERHEAD, DEFAULT_MAX_FRAME, 512, LARGEST_MAX_FRAME])
@pytest.mark.parametrize("filler", [b"\x00", b"\x01"])
def test_the_longest_frame_passes_and_one_byte_more_is_refused_at_both_ends(max_frame: int, filler: bytes) -> None:
    longest = ping(filler * (max_frame - OVERHEAD))
    longer = replace(longest, body=longest.body + filler)
    assert fed(encode_frame(longest, max_frame=max_frame), [], max_frame) == [longest]
    assert fed(streamed(checked(longer.signed())), [], max_frame) == [Damage.LONG]
    with pytest.raises(MisuseError, match=f"{max_frame + 1} bytes"):
        encode_frame(longer, max_frame=max_frame)


@pytest.mark.parametrize("size", range(OVERHEAD))
def test_fewer_bytes_than_header_and_crc_are_too_short_even_with_a_right_crc(size: int) -> None:
    assert check_frame(checked(bytes(max(size - 2, 0)))[:size]) is Damage.SHORT


@pytest.mark.parametrize(
    "frame",
    [replace(ping(), version=256), replace(ping(), counter=1 << 32), replace(ping(), counter=-1), ping(bytes(1 << 16))],
)
def test_a_frame_whose_header_does_not_fit_is_misuse(frame: Frame) -> None:
    with pytest.raises(MisuseError):
        encode_frame(frame)


def test_the_header_is_the_first_eight_bytes_of_what_the_crc_covers() -> None:
    frame = Frame(version=1, kind=Kind.REFUSED, counter=0x01020304, body=b"ab")
    assert frame.header() == bytes.fromhex("01 05 01020304 0002")
    assert frame.signed() == frame.header() + b"ab"
