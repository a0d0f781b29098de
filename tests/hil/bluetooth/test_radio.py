"""The air by itself, in virtual time: when frames travel, and in which packets."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from bumble import hci

from hil.bluetooth.pieces import Assembler, Piece, Way, handle_of
from hil.bluetooth.radio import SUPERVISION_TIMEOUT, Radio
from tests.virtual_time import run

INTERVAL = 0.015
HANDLE = 0x0123
OTHER = 0x0124
WRITE_COMMAND = 0x52
READ_REQUEST = 0x0A


class Side:
    """A transport's end or a host: keeps what it is given, with the time, and does what it does `then`."""

    def __init__(self) -> None:
        self.terminated: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.got: list[tuple[float, bytes]] = []
        self.lost = 0
        self.then: Callable[[], None] = lambda: None

    def set_packet_sink(self, sink: Any) -> None:
        self.antenna = sink

    def give(self, packet: bytes) -> None:
        self.antenna.on_packet(packet)

    def on_packet(self, packet: bytes) -> None:
        self.got.append((round(asyncio.get_running_loop().time(), 6), packet))
        self.then()

    def on_transport_lost(self) -> None:
        self.lost += 1


def acl(handle: int, payload: bytes, *, size: int = 27, channel: int = 4) -> list[bytes]:
    """Return one frame in HCI packets of at most `size` bytes."""
    frame = len(payload).to_bytes(2, "little") + channel.to_bytes(2, "little") + payload
    return [
        bytes(hci.HCI_AclDataPacket(handle, 1 if start else 0, 0, len(frame[start : start + size]),
                                    frame[start : start + size]))
        for start in range(0, len(frame), size)
    ]  # fmt: skip


def write(value: bytes, handle: int = HANDLE) -> list[bytes]:
    return acl(handle, bytes([WRITE_COMMAND, 1, 0]) + value)


def connected(handle: int) -> bytes:
    return bytes(
        hci.HCI_LE_Connection_Complete_Event(
            status=0, connection_handle=handle, role=0, peer_address_type=1,
            peer_address=hci.Address("F0:F1:F2:F3:F4:01"), connection_interval=12, peripheral_latency=0,
            supervision_timeout=42, central_clock_accuracy=0,
        )
    )  # fmt: skip


def disconnected(handle: int, status: int = 0) -> bytes:
    return bytes(hci.HCI_Disconnection_Complete_Event(status=status, connection_handle=handle, reason=8))


def disconnect_status() -> bytes:
    return bytes(
        hci.HCI_Command_Status_Event(
            status=0, num_hci_command_packets=1, command_opcode=hci.HCI_DISCONNECT_COMMAND
        )
    )  # fmt: skip


class Setup:
    """A radio between a host and a controller, with two links."""

    def __init__(self, interval: float = 0.0) -> None:
        self.host, self.controller = Side(), Side()
        self.radio = Radio(interval=interval)
        self.radio.attach(self.controller, self.controller)
        self.radio.set_packet_sink(self.host)
        self.controller.give(connected(HANDLE))
        self.controller.give(connected(OTHER))
        self.host.got.clear()

    def send(self, packets: list[bytes]) -> None:
        for packet in packets:
            self.radio.on_packet(packet)

    def notify(self, packets: list[bytes]) -> None:
        for packet in packets:
            self.controller.give(packet)

    @property
    def sent(self) -> list[bytes]:
        return [packet for _, packet in self.controller.got]

    @property
    def heard(self) -> list[bytes]:
        return [packet for _, packet in self.host.got]


def test_frames_are_put_together_from_packets_of_any_size() -> None:
    luck = random.Random(5)  # noqa: S311
    for _ in range(200):
        assembler = Assembler(Way.TO_LOCK)
        frames = {
            handle: acl(handle, bytes([WRITE_COMMAND, 1, 0]) + luck.randbytes(luck.randrange(300)),
                        size=luck.randrange(8, 64))
            for handle in (HANDLE, OTHER)
        }  # fmt: skip
        left = {handle: list(packets) for handle, packets in frames.items()}
        pieces: list[Piece] = []
        while any(left.values()):
            packets = left[luck.choice([handle for handle in left if left[handle]])]
            piece = assembler.take(packets.pop(0))
            if piece is not None:
                pieces.append(piece)
        assert {piece.handle: list(piece.packets) for piece in pieces} == frames
        for piece in pieces:
            payload = b"".join(packet[5:] for packet in piece.packets)
            assert piece.value == payload[7:]


@pytest.mark.parametrize(
    ("payload", "channel", "value"),
    [
        (b"\x12\x01\x00value", 4, b"value"),
        (b"\x52\x01\x00value", 4, b"value"),
        (b"\x1b\x01\x00value", 4, b"value"),
        (b"\x0a\x01\x00", 4, None),
        (b"", 4, None),
        (b"\x12\x01\x00value", 5, None),
    ],
    ids=["write request", "write command", "notification", "read", "nothing", "signalling"],
)
def test_values_are_told_from_what_else_travels(payload: bytes, channel: int, value: bytes | None) -> None:
    (packet,) = acl(HANDLE, payload, channel=channel)
    piece = Assembler(Way.FROM_LOCK).take(packet)
    assert piece is not None
    assert piece.value == value


def test_without_an_interval_everything_passes_at_once_as_it_came() -> None:
    async def scenario() -> None:
        setup = Setup()
        command = bytes(hci.HCI_Reset_Command())
        setup.send([command, *write(bytes(100))])
        assert setup.sent == [command, *write(bytes(100))]
        setup.notify([*write(bytes(50)), disconnect_status()])
        assert setup.heard == [*write(bytes(50)), disconnect_status()]

    run(scenario())


def test_with_an_interval_whole_frames_travel_at_connection_events() -> None:
    async def scenario() -> None:
        setup = Setup(INTERVAL)
        await asyncio.sleep(INTERVAL / 3)
        setup.send([*write(b"1" * 40), *write(b"2"), *write(b"unfinished" * 9)[:1]])
        setup.notify(write(b"3"))
        assert (setup.sent, setup.heard) == ([], [])
        await asyncio.sleep(INTERVAL)
        assert setup.controller.got == [(INTERVAL, packet) for packet in write(b"1" * 40) + write(b"2")]
        assert setup.host.got == [(INTERVAL, packet) for packet in write(b"3")]
        setup.send(write(b"unfinished" * 9)[1:])
        await asyncio.sleep(INTERVAL)
        assert setup.controller.got[3:] == [(2 * INTERVAL, packet) for packet in write(b"unfinished" * 9)]

    run(scenario())


def test_what_an_event_brings_about_waits_for_the_next() -> None:
    async def scenario() -> None:
        setup = Setup(INTERVAL)
        setup.host.then = lambda: setup.send(write(b"answer"))
        setup.notify(write(b"question"))
        await asyncio.sleep(5 * INTERVAL)
        assert setup.controller.got == [(2 * INTERVAL, packet) for packet in write(b"answer")]

    run(scenario())


def test_a_link_that_ends_takes_its_frames_along() -> None:
    async def scenario() -> None:
        setup = Setup(INTERVAL)
        setup.send([*write(b"gone"), *write(b"stays", OTHER), *write(b"unfinished" * 9)[:1]])
        setup.controller.give(disconnected(HANDLE, status=0x0C))
        setup.controller.give(disconnected(HANDLE))
        setup.controller.give(connected(HANDLE))
        setup.send(write(b"new"))
        await asyncio.sleep(2 * INTERVAL)
        assert setup.sent == write(b"stays", OTHER) + write(b"new")

    run(scenario())


def test_a_disconnection_that_has_failed_ends_nothing() -> None:
    async def scenario() -> None:
        setup = Setup()
        setup.controller.give(disconnected(HANDLE, status=0x0C))
        setup.send(write(b"still"))
        assert setup.sent == write(b"still")

    run(scenario())


def test_supervision_ends_each_link_and_hides_that_it_was_us() -> None:
    async def scenario() -> None:
        setup = Setup()
        setup.radio.silence()
        setup.send(write(b"lost"))
        setup.notify(write(b"lost, too"))
        setup.radio.supervise()
        commands = [hci.HCI_Packet.from_bytes(packet) for packet in setup.sent]
        assert all(isinstance(command, hci.HCI_Disconnect_Command) for command in commands)
        assert {(handle_of(packet[3:]), packet[6]) for packet in setup.sent} == {
            (HANDLE, SUPERVISION_TIMEOUT), (OTHER, SUPERVISION_TIMEOUT),
        }  # fmt: skip
        setup.send(write(b"nobody there"))
        setup.notify([disconnect_status(), disconnect_status(), disconnected(HANDLE), disconnected(OTHER)])
        assert setup.heard == [disconnected(HANDLE), disconnected(OTHER)]
        assert len(setup.sent) == 2
        setup.notify([disconnect_status(), connected(HANDLE), *write(b"heard again")])
        assert setup.heard[2:] == [disconnect_status(), connected(HANDLE), *write(b"heard again")]

    run(scenario())


def test_only_values_are_lost_counted_and_put_out_of_order() -> None:
    async def scenario() -> None:
        setup = Setup()
        read = acl(HANDLE, bytes([READ_REQUEST, 1, 0]))
        for way in Way:
            setup.radio.lose(way)
            setup.radio.swap(way)
            setup.radio.drop_after(way, 3)
        setup.send(read)
        setup.notify(read)
        setup.send([*write(b"0"), *write(b"1"), *read, *write(b"2")])
        setup.notify([*write(b"3"), *write(b"4"), *write(b"5")])
        assert setup.sent == [*read, *read, *write(b"2"), *write(b"1")]
        assert setup.heard == [*read, *write(b"5"), *write(b"4")]

    run(scenario())


@pytest.mark.parametrize(("count", "passed"), [(0, b""), (1, b"1"), (2, b"12"), (3, b"12")])
def test_values_pass_up_to_a_byte_and_whatever_else_before_it(count: int, passed: bytes) -> None:
    async def scenario() -> None:
        setup = Setup()
        read = acl(HANDLE, bytes([READ_REQUEST, 1, 0]))
        setup.radio.drop_after(Way.TO_LOCK, count)
        setup.send([*read, *write(b"1"), *write(b"2"), *write(b"34")])
        values = [piece for value in passed for piece in write(bytes([value]))]
        assert setup.sent[: len(values) + 1] == [*read, *values]
        ends = [hci.HCI_Packet.from_bytes(packet) for packet in setup.sent[len(values) + 1 :]]
        assert [type(end) for end in ends] == [hci.HCI_Disconnect_Command] * 2

    run(scenario())


def test_a_lost_transport_is_told_and_its_frames_are_dropped() -> None:
    async def scenario() -> None:
        setup = Setup(INTERVAL)
        setup.send(write(b"lost"))
        setup.controller.antenna.on_transport_lost()
        await asyncio.sleep(2 * INTERVAL)
        assert setup.host.lost == 1
        assert setup.sent == []

    run(scenario())
