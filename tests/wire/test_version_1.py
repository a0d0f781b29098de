"""The bytes of version 1, frozen. Do not change this test: where it is red, the change to the protocol is wrong.

A new message adds its bytes to version_1.py; a new version gets files of its own.
"""

from enum import IntEnum, IntFlag

import pytest

from protocol.codec import build, decode_answer, decode_request, encode_answer, encode_request, parse
from protocol.framing import Frame, FrameDecoder, Kind, encode_frame
from protocol.label import format_label, pairing_key, parse_label
from protocol.messages.declaration import Refusal, Request, Response
from protocol.messages.device import PING
from protocol.messages.hello import HELLO_REQUEST, HELLO_RESPONSE
from protocol.noise import peer_id, public_key
from protocol.registry import BY_REQUEST, MESSAGES
from protocol.session import BridgeSession, LockSession, hello_frame, prologue
from protocol.vocabulary import Rule, Status
from tests.protocol.handshakes import BRIDGE_STATIC, Ends, pairing, session
from tests.wire import version_1 as frozen


def exchange(ends: Ends, messages: list[str]) -> None:
    """Let both ends take turns, and compare each message with its frozen bytes."""
    for number, message in enumerate(messages):
        writer, reader = ends[number % 2], ends[1 - number % 2]
        assert writer.write() == bytes.fromhex(message)
        reader.read(bytes.fromhex(message))
    assert ends[0].finished
    assert ends[1].finished


@pytest.mark.parametrize(("request_", "asked", "response", "said"), frozen.MESSAGES)
def test_each_message_has_its_frozen_bytes(request_: Request, asked: str, response: Response, said: str) -> None:
    message = BY_REQUEST[type(request_)]
    assert encode_request(request_) == bytes.fromhex(asked)
    assert decode_request(bytes.fromhex(asked)) == (message, request_)
    assert encode_answer(message.opcode, response) == bytes.fromhex(said)
    assert decode_answer(message, bytes.fromhex(said)) == response


def test_every_opcode_of_the_registry_has_frozen_bytes() -> None:
    assert [bytes.fromhex(asked)[0] for _, asked, _, _ in frozen.MESSAGES] == sorted(MESSAGES)
    assert [bytes.fromhex(said)[:2] for *_, said in frozen.MESSAGES] == [bytes([each, 0]) for each in sorted(MESSAGES)]


@pytest.mark.parametrize(("status", "rule", "said"), frozen.REFUSALS)
def test_each_refusal_has_its_frozen_bytes(status: Status, rule: Rule | None, said: str) -> None:
    refusal = Refusal(status=status, rule=rule)
    assert encode_answer(PING.opcode, refusal) == bytes.fromhex(said)
    assert decode_answer(PING, bytes.fromhex(said)) == refusal


def test_every_status_and_every_rule_has_frozen_bytes() -> None:
    assert {status for status, _, _ in frozen.REFUSALS} == set(Status) - {Status.OK}
    assert [rule for _, rule, _ in frozen.REFUSALS if rule] == list(Rule)


@pytest.mark.parametrize(("words", "numbers"), frozen.NUMBERS.items(), ids=[words.__name__ for words in frozen.NUMBERS])
def test_each_word_keeps_its_number(words: type[IntEnum | IntFlag], numbers: dict[str, int]) -> None:
    assert {word.name: word.value for word in words} == numbers


def test_the_hellos_have_their_frozen_bytes() -> None:
    assert build(HELLO_REQUEST, frozen.HELLO_REQUEST) == bytes.fromhex(frozen.HELLO_REQUEST_BYTES)
    assert parse(HELLO_REQUEST, bytes.fromhex(frozen.HELLO_REQUEST_BYTES)) == frozen.HELLO_REQUEST
    assert build(HELLO_RESPONSE, frozen.HELLO_RESPONSE) == bytes.fromhex(frozen.HELLO_RESPONSE_BYTES)
    assert parse(HELLO_RESPONSE, bytes.fromhex(frozen.HELLO_RESPONSE_BYTES)) == frozen.HELLO_RESPONSE


@pytest.mark.parametrize(
    ("frame", "header", "stream"), frozen.FRAMES, ids=[each[0].kind.name for each in frozen.FRAMES]
)
def test_a_frame_of_each_kind_has_its_frozen_bytes(frame: Frame, header: str, stream: str) -> None:
    assert frame.header() == bytes.fromhex(header)
    assert encode_frame(frame) == bytes.fromhex(stream)
    assert FrameDecoder().feed(bytes.fromhex(stream)) == [frame]


def test_every_kind_of_frame_has_frozen_bytes() -> None:
    assert [frame.kind for frame, _, _ in frozen.FRAMES] == list(Kind)


def test_the_prologue_has_its_frozen_bytes() -> None:
    request, response = (
        hello_frame(Kind.HELLO_REQUEST, frozen.HELLO_COUNTER, bytes.fromhex(frozen.HELLO_REQUEST_BYTES)),
        hello_frame(Kind.HELLO_RESPONSE, frozen.HELLO_COUNTER, bytes.fromhex(frozen.HELLO_RESPONSE_BYTES)),
    )
    assert prologue(1, request, response) == frozen.PROLOGUE


def test_a_pairing_has_its_frozen_bytes() -> None:
    exchange(pairing(frozen.PROLOGUE), frozen.PAIRING)


def test_a_session_has_its_frozen_bytes() -> None:
    ends = session(frozen.PROLOGUE)
    exchange(ends, frozen.SESSION)
    bridge, lock = BridgeSession(ends[0].ciphers, 1), LockSession(ends[1].ciphers, 1)
    ask, answer, following = (
        (bytes.fromhex(body), bytes.fromhex(header + sealed)) for body, header, sealed in frozen.SEALED
    )
    request = bridge.seal(ask[0])
    assert request.signed() == ask[1]
    assert lock.receive(request).body == ask[0]
    assert lock.answer(answer[0]).signed() == answer[1]
    assert bridge.seal(following[0]).signed() == following[1]


def test_keys_and_labels_have_their_frozen_bytes() -> None:
    assert peer_id(public_key(BRIDGE_STATIC)) == frozen.BRIDGE_ID
    assert format_label(frozen.SECRET) == frozen.LABEL
    assert parse_label(frozen.LABEL) == frozen.SECRET
    assert pairing_key(frozen.SECRET, frozen.HELLO_RESPONSE.lock_id).hex() == frozen.PAIRING_KEY
