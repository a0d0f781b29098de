"""An enemy who owns the line: everything recorded and said again, changed, cut, or made up, and nothing comes of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.framing import Frame, Kind, crc16, encode_frame
from protocol.messages.clock import ClockSetRequest
from protocol.messages.device import InfoRequest, PingRequest, StatusRequest
from protocol.messages.hello import Mode
from protocol.messages.pairing import PairCommitRequest, UnpairRequest
from protocol.messages.pins import LastOperationRequest, PinGetRequest
from protocol.version import CRC_SIZE, HEADER_SIZE
from tests.firmware_sim.bench import ANNA, BOB, CARL, Bench, Bridge, Passed, is_refusal, peer_of

OTHER_LINK = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an enemy would like to change."""

    flash: bytes
    peers: list[int]
    bolt: object
    clock: bool


def seen(bench: Bench) -> Seen:
    firmware = bench.device.firmware
    return Seen(flash=bench.bytes(), peers=bench.peers, bolt=firmware.bolt.state, clock=firmware.clock.trusted)


def steps(bridge: Bridge) -> Iterator[None]:
    """A bridge's whole life at a lock, one frame and its answer a step."""
    greeting = bridge.greet(Mode.PAIR)
    yield
    pairing = bridge.pairing(greeting)
    bridge.turn(pairing, 0)
    yield
    bridge.turn(pairing, 1)
    bridge.begin(pairing)
    yield
    bridge.ask(PairCommitRequest())
    yield
    greeting = bridge.greet(Mode.SESSION)
    yield
    reunion = bridge.reunion(greeting)
    bridge.turn(reunion, 0)
    bridge.begin(reunion)
    for request in (
        PingRequest(payload=b"ping"),
        InfoRequest(),
        ClockSetRequest(time=1_800_000_000, force=False, zone="UTC", rule="UTC0"),
    ):
        yield
        bridge.ask(request)
    for entry in (ANNA, BOB):
        yield
        bridge.create(entry)
    yield
    bridge.update(1, CARL)
    for question in (PinGetRequest(id=1), LastOperationRequest(), StatusRequest()):
        yield
        bridge.ask(question)
    yield
    bridge.delete(2)
    yield
    bridge.ask(UnpairRequest())
    yield


STEPS = 17


def story(length: int) -> tuple[Bench, Bridge, list[Passed]]:
    """Play so many steps; return what travelled, each answer behind its request."""
    bench = Bench()
    bench.open(OTHER_LINK, connection=False)
    bench.hold_button()
    bridge = Bridge(bench)
    for _, _ in zip(range(length), steps(bridge), strict=False):
        pass
    return bench, bridge, list(bench.passed)


def test_the_story_has_as_many_steps_as_are_replayed() -> None:
    bench = Bench()
    bench.hold_button()
    assert len(list(steps(Bridge(bench)))) == STEPS
    assert len(bench.passed) == 2 * STEPS


def last_of_each_kind(past: list[Passed]) -> list[tuple[Frame, Frame]]:
    """The last handshake message and the last request, each with its answer."""
    pairs = [(asked.frame, answered.frame) for asked, answered in zip(past[::2], past[1::2], strict=True)]
    latest = {asked.kind: (asked, answered) for asked, answered in pairs if asked.kind is not Kind.HELLO_REQUEST}
    return list(latest.values())


def assert_harmless(frame: Frame, answer: Frame | None, cached: list[tuple[Frame, Frame]]) -> None:
    """A hello may be answered, the very last message gets its very answer again, and everything else is refused."""
    if answer is None or is_refusal(answer, frame):
        return
    if frame.kind is Kind.HELLO_REQUEST:
        assert answer.kind is Kind.HELLO_RESPONSE
    else:
        assert (frame, answer) in cached


@pytest.mark.parametrize("pause", [0, 11], ids=["at once", "slowly"])
@pytest.mark.parametrize("length", range(1, STEPS + 1))
def test_no_frame_of_the_past_has_an_effect_at_any_step(length: int, pause: float) -> None:
    bench, bridge, past = story(length)
    before = seen(bench)
    for passed in [*past[::-1], *past, *past[::-1]]:
        assert_harmless(passed.frame, bench.send(passed.frame), last_of_each_kind(past))
        assert_harmless(passed.frame, bench.send(passed.frame, OTHER_LINK), [])
        bench.wait(pause)
        assert seen(bench) == before
    if bench.peers:
        assert bridge.is_served()
        assert seen(bench) == before


@pytest.mark.parametrize("length", range(1, STEPS + 1))
def test_the_last_frame_said_again_gets_the_same_bytes_and_nothing_else_happens(length: int) -> None:
    bench, _, past = story(length)
    before = seen(bench)
    again = bench.send(past[-2].frame)
    assert again == past[-1].frame or (length == STEPS and is_refusal(again, past[-2].frame))
    assert seen(bench) == before


def test_no_frame_of_the_past_has_an_effect_after_a_loss_of_power() -> None:
    bench, bridge, past = story(STEPS - 1)
    bench.power_cycle()
    before = seen(bench)
    for passed in [*past, *past[::-1]]:
        assert_harmless(passed.frame, bench.send(passed.frame), [])
        bench.wait(3)
    assert seen(bench) == before
    bench.wait(10)
    bridge.connect()


def test_a_recorded_session_is_worthless_for_the_next_hello_even_of_the_same_bytes() -> None:
    bench, _, past = story(STEPS - 1)
    bench.wait(10)
    to_lock = [passed.frame for passed in past if passed.to_lock]
    hello, handshake = to_lock[4], to_lock[5]
    assert (hello.kind, handshake.kind) == (Kind.HELLO_REQUEST, Kind.HANDSHAKE)
    answer = bench.send(hello, OTHER_LINK)
    assert answer is not None
    assert answer.kind is Kind.HELLO_RESPONSE
    assert is_refusal(bench.send(handshake, OTHER_LINK), handshake)


def test_frames_of_an_earlier_session_are_ignored_in_a_later_one() -> None:
    bench, bridge, past = story(STEPS - 1)
    bridge.connect()
    before = seen(bench)
    for passed in past:
        if passed.frame.kind is Kind.TRANSPORT:
            assert bench.send(passed.frame) is None
    assert seen(bench) == before
    assert bridge.is_served()


# --- changed and cut ---


def flipped(frame: Frame) -> Iterator[tuple[bytes, bytes]]:
    """The frame with each single bit flipped, under its old CRC and under one that fits."""
    signed = frame.signed()
    for bit in range(8 * len(signed)):
        data = bytearray(signed)
        data[bit // 8] ^= 1 << bit % 8
        old, fitting = (crc16(bytes(checked)).to_bytes(2, "big") for checked in (signed, data))
        yield stuffed(bytes(data) + old), stuffed(bytes(data) + fitting)


def stuffed(data: bytes) -> bytes:
    """COBS, written once more: `encode_frame` builds no broken frame."""
    coded = b"".join(bytes([len(run) + 1]) + run for run in data.split(b"\x00"))
    return b"\x00" + coded + b"\x00"


def test_a_flipped_bit_is_met_with_silence_and_has_no_effect_even_under_a_crc_that_fits() -> None:
    bench, bridge, past = story(STEPS - 1)
    signed = past[0].frame.signed()
    assert stuffed(signed + crc16(signed).to_bytes(2, "big")) == encode_frame(past[0].frame)
    before = seen(bench)
    for passed in past:
        for damaged, forged in flipped(passed.frame):
            assert bench.feed(damaged) == []
            for answer in bench.feed(forged):
                assert answer.kind in {Kind.REFUSED, Kind.HELLO_RESPONSE}
    assert seen(bench) == before
    assert bridge.is_served()


def test_no_cut_frame_has_an_effect_and_the_next_whole_one_is_taken() -> None:
    bench, bridge, past = story(STEPS - 1)
    before = seen(bench)
    for passed in past:
        data = encode_frame(passed.frame)
        for cut in range(1, len(data) - 1):
            assert bench.feed(data[:cut] + b"\x00") == []
    bench.feed(encode_frame(past[-2].frame)[:7])
    assert bridge.is_served()
    assert seen(bench) == before


def test_an_overlong_piece_is_dropped_and_the_next_frame_is_taken() -> None:
    bench, bridge, _ = story(STEPS - 1)
    assert bench.feed(b"\x01" * 100_000) == []
    assert bridge.is_served()


def test_a_frame_of_the_locks_own_limit_is_taken_and_one_byte_more_is_damage() -> None:
    bench = Bench()
    largest = Frame(version=0, kind=Kind.HELLO_REQUEST, counter=1, body=bytes(512 - HEADER_SIZE - CRC_SIZE))
    assert is_refusal(bench.send(largest), largest)
    assert bench.send(replace(largest, body=largest.body + b"\x00")) is None


def test_requests_out_of_order_are_performed_in_order_or_not_at_all() -> None:
    bench, bridge, _ = story(STEPS - 1)
    first, second, third = (bridge.session.seal(b"\x02") for _ in range(3))
    assert [bench.send(frame) for frame in (third, second)] == [None, None]
    assert bench.send(first) is not None
    assert bench.send(third) is None
    assert bench.send(second) is not None
    assert bench.send(first) is None
    assert bench.send(third) is not None


def test_a_whole_session_in_one_piece_of_bytes_and_byte_by_byte_is_the_same() -> None:
    bench, bridge, _ = story(STEPS - 1)
    frames = [bridge.session.seal(b"\x02") for _ in range(4)]
    assert [answer.counter for answer in bench.feed(b"".join(map(encode_frame, frames[:2])))] == [
        frame.counter for frame in frames[:2]
    ]
    answers = [bench.feed(bytes([byte])) for byte in b"".join(map(encode_frame, frames[2:]))]
    assert [answer.counter for found in answers for answer in found] == [frame.counter for frame in frames[2:]]


# --- made up ---

FRAMES = st.builds(
    Frame,
    version=st.integers(0, 1),
    kind=st.sampled_from(Kind),
    counter=st.integers(0, 20) | st.integers(0, 0xFFFFFFFF),
    body=st.binary(max_size=100) | st.sampled_from([bytes(32), bytes(48), bytes([1, 1, 1, 0, 0, 0, 1])]),
)
NOISE = st.lists(st.binary(max_size=300) | FRAMES.map(encode_frame) | st.integers(0, 40), max_size=20)


@given(noise=NOISE, link=st.sampled_from([1, OTHER_LINK]))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_on_a_line_changes_nothing_and_the_session_is_served(
    noise: list[bytes | int], link: int
) -> None:
    bench = Bench()
    bench.open(OTHER_LINK, connection=False)
    bridge = peer_of(bench)
    bench.hold_button()
    before = seen(bench)
    for chunk in noise:
        if isinstance(chunk, int):  # a frame of the past
            bench.send(bench.passed[chunk % len(bench.passed)].frame, link)
        else:
            bench.feed(chunk, link)
        bench.wait(1)
    assert seen(bench) == before
    assert bridge.is_served()
    bench.wait(10)
    bridge.connect()


def test_a_frame_for_a_link_that_nobody_opened_is_not_answered() -> None:
    bench, bridge, past = story(STEPS - 1)
    assert bench.feed(encode_frame(replace(past[0].frame, counter=1)), link=3) == []
    assert bridge.is_served()
