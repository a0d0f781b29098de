"""One exchange over a link, in virtual time: when it transmits, what it takes for an answer, how it ends."""

import asyncio
import math
from contextlib import suppress
from dataclasses import replace

import pytest

from bridge.observing import Exchanged
from bridge.wire import Outcome, Wire
from protocol.errors import MisuseError
from protocol.exchange import Retry, State
from protocol.framing import Frame, Kind, encode_frame
from protocol.messages.declaration import Refusal, Response
from tests.bridge.lines import Line, Luck
from tests.virtual_time import run, virtual_loop

REQUEST = Frame(version=1, kind=Kind.TRANSPORT, counter=7, body=b"request body")
ANSWER = replace(REQUEST, body=b"answer")
REFUSED = replace(REQUEST, kind=Kind.REFUSED, body=b"")
REQUEST_SIZE = 2 + 1 + 8 + 12 + 2  # delimiters, COBS, header, body, CRC
ANSWER_BOUND = 2 + 256 + 2


def body_of_transport(frame: Frame) -> bytes | None:
    return frame.body if frame.kind is Kind.TRANSPORT else None


async def exchange(line: Line, luck: float = 0.0, frame: Frame = REQUEST) -> Outcome[bytes]:
    return await Wire(line, Retry(timeout=99), Luck(luck)).exchange(frame, body_of_transport)


@pytest.mark.parametrize("luck", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("bytes_per_second", [math.inf, 11520.0, 960.0, 30.0])
def test_three_transmissions_wait_for_timeout_and_wire_time_and_grow_by_the_same_factor(
    bytes_per_second: float, luck: float
) -> None:
    async def scenario() -> None:
        line = Line(bytes_per_second)
        assert await exchange(line, luck) == Outcome(state=State.SILENT)
        wait = (0.3 + (REQUEST_SIZE + ANSWER_BOUND) / bytes_per_second) * (1 + 0.25 * luck)
        assert line.times == pytest.approx([0, wait, wait * 2.6], abs=1e-6)
        assert virtual_loop().time() == pytest.approx(wait * (1 + 1.6 + 1.6**2), abs=1e-6)
        assert line.written == [encode_frame(REQUEST)] * 3
        assert {len(data) for data in line.written} == {REQUEST_SIZE}

    run(scenario())


def test_a_larger_frame_limit_makes_the_wait_longer() -> None:
    async def scenario() -> None:
        line = Line(960.0)
        wire = Wire(line, Retry(), Luck(0))
        wire.max_frame = 1024
        await wire.exchange(REQUEST, body_of_transport)
        assert line.times[1] == pytest.approx(0.3 + (REQUEST_SIZE + 2 + 1024 + 5) / 960, abs=1e-6)

    run(scenario())


@pytest.mark.parametrize(("at", "transmissions"), [(0.0, 1), (0.29, 1), (0.31, 2), (0.77, 2), (0.79, 3), (1.54, 3)])
def test_an_answer_ends_the_exchange_whenever_it_comes(at: float, transmissions: int) -> None:
    async def scenario() -> None:
        line = Line()
        line.say(encode_frame(ANSWER), after=at)
        assert await exchange(line) == Outcome(state=State.ANSWERED, value=b"answer")
        assert virtual_loop().time() == pytest.approx(at, abs=1e-5)
        assert len(line.written) == transmissions

    run(scenario())


def test_an_answer_behind_the_last_wait_is_left_to_be_a_stranger_in_the_next_exchange() -> None:
    async def scenario() -> None:
        line = Line()
        line.say(encode_frame(ANSWER), after=1.6)
        wire = Wire(line, Retry(), Luck(0))
        assert (await wire.exchange(REQUEST, body_of_transport)).state is State.SILENT
        line.say(encode_frame(replace(ANSWER, counter=8)), after=0.1)
        following = await wire.exchange(replace(REQUEST, counter=8), body_of_transport)
        assert following == Outcome(state=State.ANSWERED, value=b"answer")

    run(scenario())


STRANGERS = [
    replace(ANSWER, counter=6),
    replace(ANSWER, counter=8),
    replace(ANSWER, kind=Kind.HANDSHAKE),
    replace(REFUSED, counter=6),
    replace(REFUSED, version=0),
]


@pytest.mark.parametrize("stranger", STRANGERS, ids=str)
def test_strangers_neither_end_an_exchange_nor_prolong_its_waits(stranger: Frame) -> None:
    async def scenario() -> None:
        line = Line()
        for tenth in range(15):
            line.say(encode_frame(stranger), after=tenth / 10)
        assert await exchange(line) == Outcome(state=State.SILENT)
        assert line.times == pytest.approx([0, 0.3, 0.78], abs=1e-5)

    run(scenario())


def test_a_refusal_ends_the_exchange_at_once() -> None:
    async def scenario() -> None:
        line = Line()
        line.say(encode_frame(REFUSED), after=0.1)
        line.say(encode_frame(ANSWER), after=0.2)
        assert await exchange(line) == Outcome(state=State.REFUSED)
        assert virtual_loop().time() == pytest.approx(0.1, abs=1e-5)

    run(scenario())


def test_of_several_frames_in_one_string_each_is_judged_and_none_is_lost() -> None:
    async def scenario() -> None:
        line = Line()
        wire = Wire(line, Retry(), Luck(0))
        second = replace(ANSWER, counter=8, body=b"second")
        frames = [*STRANGERS, ANSWER, ANSWER, second]
        line.say(b"noise" + b"".join(map(encode_frame, frames)))
        assert (await wire.exchange(REQUEST, body_of_transport)).value == b"answer"
        assert (await wire.exchange(replace(REQUEST, counter=8), body_of_transport)).value == b"second"
        assert len(line.written) == 2

    run(scenario())


def test_an_answer_in_pieces_between_damage_is_taken() -> None:
    async def scenario() -> None:
        line = Line()
        stream = b"\x01\x02\x03" + encode_frame(ANSWER)[:-4] + bytes(3) + encode_frame(ANSWER)
        for at in range(len(stream)):
            line.say(stream[at : at + 1], after=0.004 * at)
        assert (await exchange(line)).value == b"answer"

    run(scenario())


def test_a_link_that_is_lost_while_waiting_ends_the_exchange() -> None:
    async def scenario() -> None:
        line = Line()
        virtual_loop().call_later(0.1, line.inbox.lose)
        assert await exchange(line) == Outcome(state=State.LOST)
        assert virtual_loop().time() == pytest.approx(0.1, abs=1e-5)

    run(scenario())


def test_what_came_before_a_loss_still_counts() -> None:
    async def scenario() -> None:
        line = Line()
        line.inbox.put(encode_frame(ANSWER))
        line.inbox.lose()
        assert (await exchange(line)).value == b"answer"

    run(scenario())


@pytest.mark.parametrize("breaks_at", [0.0, 0.2, 0.5])
def test_a_link_that_cannot_be_written_to_ends_the_exchange(breaks_at: float) -> None:
    async def scenario() -> None:
        line = Line()
        virtual_loop().call_at(breaks_at, setattr, line, "broken", True)
        await _turn()
        assert await exchange(line) == Outcome(state=State.LOST)
        assert len(line.written) == {0.0: 0, 0.2: 1, 0.5: 2}[breaks_at]

    run(scenario())


async def _turn() -> None:
    """Let what is due happen."""
    done = virtual_loop().create_future()
    virtual_loop().call_soon(done.set_result, None)
    await done


def test_a_frame_above_the_limit_is_never_sent() -> None:
    async def scenario() -> None:
        line = Line()
        with pytest.raises(MisuseError, match="256 are allowed"):
            await exchange(line, frame=replace(REQUEST, body=bytes(247)))
        assert line.written == []
        assert (await exchange(line, frame=replace(REQUEST, body=bytes(246)))).state is State.SILENT

    run(scenario())


def test_a_wire_gives_its_link_back_and_knows_whether_it_is_lost() -> None:
    async def scenario() -> None:
        line = Line()
        wire = Wire(line, Retry(), Luck(0))
        assert not wire.lost
        await wire.close()
        assert (wire.lost, line.closed) == (True, 1)

    run(scenario())


class Kept:
    """Keeps what it is told of exchanges."""

    def __init__(self) -> None:
        self.exchanges: list[Exchanged] = []

    def exchanged(self, exchange: Exchanged) -> None:
        self.exchanges.append(exchange)

    def answered(self, wire_id: int, answer: Response | Refusal, now: float) -> None:
        raise AssertionError((wire_id, answer, now))

    def timed_out(self) -> None:
        raise AssertionError


def told(line: Line, *, until: float = math.inf) -> Exchanged:
    """Return what an observer is told of one exchange, which is cut off at `until`."""
    kept = Kept()

    async def scenario() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(None if until == math.inf else until):
                await Wire(line, Retry(), Luck(0), kept).exchange(REQUEST, body_of_transport)

    run(scenario())
    (exchange,) = kept.exchanges
    assert exchange.kind is Kind.TRANSPORT
    return exchange


def test_an_observer_is_told_how_each_exchange_ended_and_how_often_it_was_sent() -> None:
    silent = told(Line())
    assert (silent.state, silent.transmissions) == (State.SILENT, 3)
    assert silent.seconds == pytest.approx(0.3 * (1 + 1.6 + 1.6**2), abs=1e-5)
    cut = told(Line(), until=0.5)
    assert (cut.state, cut.transmissions) == (State.WAITING, 2)
    assert cut.seconds == pytest.approx(0.5, abs=1e-5)


def test_an_observer_is_told_of_answers_refusals_and_lost_links() -> None:
    async def answered(frame: Frame) -> Exchanged:
        line, kept = Line(), Kept()
        line.say(encode_frame(frame), after=0.31)
        await Wire(line, Retry(), Luck(0), kept).exchange(REQUEST, body_of_transport)
        return kept.exchanges[0]

    for frame, state in ((ANSWER, State.ANSWERED), (REFUSED, State.REFUSED)):
        exchange = run(answered(frame))
        assert (exchange.state, exchange.transmissions) == (state, 2)
        assert exchange.seconds == pytest.approx(0.31, abs=1e-5)
    broken = Line()
    broken.broken = True
    assert told(broken).state is State.LOST
