"""Sessions: counters, repetition, candidates (SPEC 4.3, 4.7)."""

import pytest

from hil.conformance.test_hello import is_refused
from hil.hands import Hands
from hil.station import Session, Station
from protocol.codec import encode_request, next_operation
from protocol.framing import Frame, Kind
from protocol.messages.device import PingRequest, PingResponse, StatusRequest
from protocol.messages.hello import Mode
from protocol.messages.pins import PinCreateRequest
from protocol.session import MAX_REQUESTS
from protocol.vocabulary import PinEntry

PING = PingRequest(payload=b"?")
PONG = PingResponse(payload=b"?")
ANNA = PinEntry(digits="97531", alias="Anna")


def with_counter(frame: Frame, counter: int) -> Frame:
    return Frame(version=frame.version, kind=frame.kind, counter=counter, body=frame.body)


@pytest.mark.req("LW-025")
async def test_the_last_request_byte_for_byte_gets_the_last_answer_byte_for_byte(session: Session) -> None:
    create = PinCreateRequest(operation=next_operation(session.peer.operation), entry=ANNA)
    frame = session.ends.seal(encode_request(create))
    answer = await session.line.ask(frame)
    assert await session.line.ask(frame) == answer
    assert await session.line.ask(frame) == answer
    session.opened(answer)
    assert (await session.status()).used == 1


@pytest.mark.req("LW-025")
async def test_a_repeated_request_is_not_performed_again(session: Session, clock: Hands) -> None:
    frame = session.ends.seal(encode_request(StatusRequest()))
    answer = await session.line.ask(frame)
    await clock.advance(7)
    assert await session.line.ask(frame) == answer  # although the time that it tells is over


@pytest.mark.req("LW-024")
async def test_an_older_frame_is_met_by_silence(session: Session) -> None:
    old = session.ends.seal(encode_request(PING))
    session.opened(await session.line.ask(old))
    assert await session.ask(PING) == PONG
    await session.line.send(old)
    await session.line.stays_silent()
    assert await session.ask(PING) == PONG


@pytest.mark.req("LW-024", "LW-026")
async def test_a_frame_that_is_forged_or_comes_too_early_is_met_by_silence_and_moves_no_counter(
    session: Session,
) -> None:
    frame = session.ends.seal(encode_request(PING))
    later = session.ends.seal(encode_request(PING))
    forged = Frame(version=frame.version, kind=frame.kind, counter=frame.counter, body=bytes(len(frame.body)))
    for wrong in (forged, later, with_counter(later, frame.counter), with_counter(frame, later.counter)):
        await session.line.send(wrong)
        await session.line.stays_silent()
    assert (await session.line.ask(frame)).counter == frame.counter
    session.opened(await session.line.ask(later))


@pytest.mark.req("LW-026")
async def test_nothing_is_performed_and_refused_is_all_that_a_link_without_a_session_hears(lock: Station) -> None:
    line = await lock.connect()
    if lock.wire:
        pytest.skip("A wire keeps its session (SPEC 9.1).")
    stranger = Frame(version=1, kind=Kind.TRANSPORT, counter=0, body=bytes(20))
    answer = await line.ask(stranger)
    assert is_refused(answer, stranger)
    assert answer.body == b""


@pytest.mark.req("LW-014")
async def test_the_last_message_of_a_handshake_repeated_gets_the_same_answer(lock: Station) -> None:
    line = await lock.connect()
    greeting = await lock.greet(line, Mode.SESSION)
    message = Frame(version=greeting.lock.chosen, kind=Kind.HANDSHAKE, counter=0,
                    body=lock.handshake(greeting, lock.peer).write())  # fmt: skip
    assert await line.ask(message) == await line.ask(message)


@pytest.mark.req("LW-009")
async def test_each_handshake_has_a_fresh_ephemeral_key(lock: Station) -> None:
    line = await lock.connect()
    keys = set()
    for _ in range(2):
        greeting = await lock.greet(line, Mode.SESSION)
        message = Frame(version=greeting.lock.chosen, kind=Kind.HANDSHAKE, counter=0,
                        body=lock.handshake(greeting, lock.peer).write())  # fmt: skip
        keys.add((await line.ask(message)).body[:32])
    assert len(keys) == 2


@pytest.mark.req("LW-012")
async def test_a_handshake_that_hashes_another_hello_is_refused(lock: Station) -> None:
    line = await lock.connect()
    greeting = await lock.greet(line, Mode.SESSION)
    other = await lock.greet(line, Mode.SESSION)
    message = Frame(version=other.lock.chosen, kind=Kind.HANDSHAKE, counter=0,
                    body=lock.handshake(greeting, lock.peer).write())  # fmt: skip
    assert is_refused(await line.ask(message), message)


@pytest.mark.req("LW-015")
async def test_an_attempt_ends_with_a_message_that_noise_rejects(lock: Station) -> None:
    line = await lock.connect()
    greeting = await lock.greet(line, Mode.SESSION)
    wrong = Frame(version=greeting.lock.chosen, kind=Kind.HANDSHAKE, counter=0, body=bytes(48))
    assert is_refused(await line.ask(wrong), wrong)
    right = Frame(version=greeting.lock.chosen, kind=Kind.HANDSHAKE, counter=0,
                  body=lock.handshake(greeting, lock.peer).write())  # fmt: skip
    assert is_refused(await line.ask(right), right)


@pytest.mark.req("LW-015")
async def test_an_attempt_dies_ten_seconds_after_its_hello(lock: Station, clock: Hands) -> None:
    session = await lock.open()
    greeting = await lock.greet(session.line, Mode.SESSION)
    await clock.advance(10)
    late = Frame(version=greeting.lock.chosen, kind=Kind.HANDSHAKE, counter=0,
                 body=lock.handshake(greeting, lock.peer).write())  # fmt: skip
    assert is_refused(await session.line.ask(late), late)


@pytest.mark.req("LW-027")
async def test_a_candidate_that_authenticates_takes_the_place_of_the_session(lock: Station, session: Session) -> None:
    greeting = await lock.greet(session.line, Mode.SESSION)
    handshake = lock.handshake(greeting, lock.peer)
    await lock.turn(session.line, greeting, handshake)
    new = lock.session(session.line, greeting, handshake, lock.peer)
    assert await new.ask(PING) == PONG
    old = session.ends.seal(encode_request(PING))
    await session.line.send(old)
    await session.line.stays_silent()


@pytest.mark.req("LW-027")
async def test_a_session_on_another_link_ends_that_of_the_same_peer(lock: Station, session: Session) -> None:
    lock.require_links()
    other = await lock.open()
    assert await other.ask(PING) == PONG
    old = session.ends.seal(encode_request(PING))
    assert is_refused(await session.line.ask(old), old)


@pytest.mark.req("LW-028")
async def test_a_session_ends_after_a_day(session: Session, clock: Hands) -> None:
    await clock.advance(24 * 3600)
    old = session.ends.seal(encode_request(PING))
    assert is_refused(await session.line.ask(old), old)


@pytest.mark.req("LW-023")
async def test_no_answer_is_sealed_twice_under_one_counter(session: Session) -> None:
    bodies: dict[int, bytes] = {}
    for number in range(20):
        frame = session.ends.seal(encode_request(PingRequest(payload=bytes([number]))))
        for _ in range(2):
            answer = await session.line.ask(frame)
            assert bodies.setdefault(answer.counter, answer.body) == answer.body
    assert len(bodies) == 20


@pytest.mark.realtime
@pytest.mark.req("LW-029")
async def test_a_session_has_65536_requests_and_repeats_its_last_answer(session: Session) -> None:
    last = session.ends.seal(encode_request(PING))
    while last.counter < MAX_REQUESTS - 1:
        session.opened(await session.line.ask(last))
        last = session.ends.seal(encode_request(PING))
    answer = await session.line.ask(last)
    assert session.opened(answer)
    for other in (with_counter(last, MAX_REQUESTS), with_counter(last, 0)):
        assert is_refused(await session.line.ask(other), other)
        assert await session.line.ask(last) == answer
