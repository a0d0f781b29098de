"""pcapng: what is written can be read, by us and by the format; any other bytes end in one clear error."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import BenchFault
from hil.line import Way
from hil.recording.pcapng import MAGIC, Packet, PcapngFile, PcapngWriter, read_pcapng

PACKETS = st.lists(
    st.builds(
        Packet,
        at=st.integers(0, 2**64 - 1),
        way=st.sampled_from([*Way, None]),
        data=st.binary(max_size=40),
        comment=st.text(st.characters(codec="utf-8"), max_size=20),
    ),
    max_size=5,
)
FRAME = Packet(at=1_894_017_600_123_456_789, way=Way.FROM_LOCK, data=b"\x00\x05abcd\x00", comment="ping ok")


class Written:
    """Keeps each write apart."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)


def written(*packets: Packet, comment: str = "a test") -> Written:
    output = Written()
    writer = PcapngWriter(output, comment)
    for packet in packets:
        writer.write(packet)
    return output


def file(*packets: Packet) -> bytes:
    return b"".join(written(*packets).writes)


def block(order: str, kind: int, body: bytes) -> bytes:
    """Return a block as any program may write it."""
    length = 12 + len(body)
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


def foreign(order: str, link_type: int, data: bytes) -> bytes:
    """Return what another program may write: in its byte order, in microseconds, without comments."""
    section = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = block(order, 1, struct.pack(order + "HHI", link_type, 0, 0))
    unknown = block(order, 0x0BAD, b"????")
    head = struct.pack(order + "IIIII", 0, 0, 1_500_000, len(data), len(data))
    return section + interface + unknown + block(order, 6, head + data + bytes(-len(data) % 4))


@given(packets=PACKETS, comment=st.text(st.characters(codec="utf-8"), max_size=20))
def test_what_is_written_is_read(packets: list[Packet], comment: str) -> None:
    data = b"".join(written(*packets, comment=comment).writes)
    assert read_pcapng(data) == PcapngFile(comment=comment, packets=tuple(packets), cut=None)


def test_a_frame_has_the_link_type_the_direction_nanoseconds_and_a_comment() -> None:
    head, frame = written(FRAME).writes
    at = struct.unpack("<I", head[4:8])[0]
    assert struct.unpack("<IIHHI", head[at : at + 16])[::2] == (1, 147, 0)
    assert struct.pack("<HHB", 9, 1, 9) in head[at:]  # if_tsresol
    kind, length, interface, high, low, size, original = struct.unpack("<7I", frame[:28])
    assert (kind, length, interface, size, original) == (6, len(frame), 0, 7, 7)
    assert high << 32 | low == FRAME.at
    assert frame[28:36] == FRAME.data + b"\x00"
    assert struct.pack("<HHI", 2, 4, 1) in frame[36:]  # epb_flags: inbound
    assert struct.pack("<HH", 1, 7) + b"ping ok\x00" in frame[36:]
    assert struct.pack("<HHI", 2, 4, 2) in written(Packet(at=0, way=Way.TO_LOCK, data=b"")).writes[1]


def test_each_packet_is_one_write() -> None:
    output = written(FRAME, FRAME)
    assert len(output.writes) == 3
    assert all(len(each) % 4 == 0 for each in output.writes)


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_other_programs_write_is_read(order: str) -> None:
    packet = Packet(at=1_500_000_000, way=None, data=b"\x00frame\x00")
    assert read_pcapng(foreign(order, 147, packet.data)).packets == (packet,)


def test_packets_of_other_links_are_left_out() -> None:
    assert read_pcapng(foreign("<", 1, b"Ethernet")).packets == ()


@given(packets=PACKETS, data=st.data())
def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(packets: list[Packet], data: st.DataObject) -> None:
    writes = written(*packets).writes
    whole = b"".join(writes)
    end = data.draw(st.integers(4, len(whole)))
    found = read_pcapng(whole[:end])
    ends = [sum(map(len, writes[:number])) for number in range(1, len(writes) + 1)]
    assert found.packets == tuple(packets[: max(0, sum(each <= end for each in ends) - 1)])
    if end not in ends and end >= len(writes[0]):
        assert found.cut is not None
        assert "cut off" in found.cut


@given(data=st.binary(max_size=200), begins=st.booleans())
def test_any_bytes_are_read_or_end_in_one_error(data: bytes, begins: bool) -> None:
    with suppress(BenchFault):
        read_pcapng(MAGIC + data if begins else data)


@given(at=st.integers(0, len(file(FRAME)) - 1), value=st.integers(0, 255))
def test_a_file_with_a_wrong_byte_is_read_or_ends_in_one_error(at: int, value: int) -> None:
    data = bytearray(file(FRAME))
    data[at] = value
    with suppress(BenchFault):
        read_pcapng(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        file(FRAME)[:-4] + b"????",
        file()[:8] + b"\x00\x00\x00\x00" + file()[12:],
        file()[:28] + block("<", 6, struct.pack("<5I", 7, 0, 0, 0, 0)),
        file() + block("<", 6, struct.pack("<5I", 0, 0, 0, 99, 99)),
        file() + block("<", 6, b"short")[:-7] + b"\x00\x00\x00",
        file() + struct.pack("<II", 6, 13) + bytes(8),
    ],
    ids=["empty", "another format", "two lengths", "no byte order", "no interface", "too long", "too short", "odd"],
)
def test_what_is_damaged_is_told(data: bytes) -> None:
    with pytest.raises(BenchFault, match=r"damaged: the block at byte \d+ is none|no pcapng capture"):
        read_pcapng(data)
