"""Every message of the registry: there and back, cut short, drawn out, and made of other people's bytes."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.codec import decode_request, encode_request
from protocol.errors import MalformedError
from protocol.messages.declaration import Change, Request, Response
from protocol.messages.device import INFO, PING
from protocol.registry import BY_REQUEST, MESSAGES, AnyMessage, index
from tests.protocol.strategies import CODINGS, Coding

every_coding = pytest.mark.parametrize("coding", CODINGS, ids=lambda coding: coding.name)
every_message = pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.method)


def assert_canonical_or_malformed(coding: Coding, body: bytes) -> None:
    """Nothing but MalformedError may escape, and two bodies never mean one message."""
    try:
        decoded = coding.decode(body)
    except MalformedError:
        return
    assert coding.encode(decoded) == body


def is_malformed(coding: Coding, body: bytes) -> bool:
    try:
        coding.decode(body)
    except MalformedError:
        return True
    return False


@st.composite
def mutated(draw: st.DrawFn, coding: Coding) -> bytes:
    body = bytearray(coding.encode(draw(coding.values)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(body)


@every_coding
def test_what_is_encoded_decodes_to_an_equal_message(coding: Coding) -> None:
    @given(coding.values)
    @settings(max_examples=40, deadline=None)
    def check(message: Any) -> None:
        assert coding.decode(coding.encode(message)) == message

    check()


@every_coding
def test_every_truncation_and_every_byte_too_many_is_malformed(coding: Coding) -> None:
    @given(coding.values, st.binary(min_size=1, max_size=1))
    @settings(max_examples=8, deadline=None)
    def check(message: Any, more: bytes) -> None:
        body = coding.encode(message)
        assert all(is_malformed(coding, body[:length]) for length in range(len(body)))
        assert is_malformed(coding, body + more)

    check()


@every_coding
def test_a_mutated_body_is_another_message_in_its_only_form_or_malformed(coding: Coding) -> None:
    @given(mutated(coding))
    @settings(max_examples=40, deadline=None)
    def check(body: bytes) -> None:
        assert_canonical_or_malformed(coding, body)

    check()


@every_coding
def test_random_bytes_behind_an_opcode_are_a_message_in_its_only_form_or_malformed(coding: Coding) -> None:
    @given(coding.values, st.integers(1, 2), st.binary(max_size=40))
    @settings(max_examples=25, deadline=None)
    def check(message: Any, kept: int, rest: bytes) -> None:
        assert_canonical_or_malformed(coding, coding.encode(message)[:kept] + rest)

    check()


@given(st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_a_request_in_its_only_form_or_malformed(body: bytes) -> None:
    try:
        message, request = decode_request(body)
    except MalformedError:
        return
    assert type(request) is message.request
    assert encode_request(request) == body


@pytest.mark.parametrize("opcode", sorted(set(range(256)) - set(MESSAGES)))
def test_an_opcode_that_nobody_declared_is_malformed(opcode: int) -> None:
    with pytest.raises(MalformedError):
        decode_request(bytes([opcode]))


@every_message
def test_a_message_is_found_by_its_opcode_and_by_its_request(message: AnyMessage) -> None:
    assert MESSAGES[message.opcode] is message
    assert BY_REQUEST[message.request] is message
    assert 0 < message.opcode < 256


@every_message
def test_requests_and_responses_are_frozen_slotted_dataclasses(message: AnyMessage) -> None:
    for kind, root in ((message.request, Request), (message.response, Response)):
        assert kind.__dataclass_params__.frozen
        assert all("__slots__" in vars(each) for each in kind.__mro__ if each is not object)
        assert issubclass(kind, root)


@every_message
def test_a_change_and_only_a_change_starts_with_the_operation_id(message: AnyMessage) -> None:
    names = [field.name for field in fields(message.request)]
    assert (names[:1] == ["operation"]) is issubclass(message.request, Change)
    assert "operation" not in names[1:]


@pytest.mark.parametrize("attribute", ["opcode", "method", "section", "request", "response"])
def test_two_messages_that_share_one_thing_refuse_to_be_indexed(attribute: str) -> None:
    thief = replace(PING, **{attribute: getattr(INFO, attribute)})
    assert index((INFO, PING)) == {INFO.opcode: INFO, PING.opcode: PING}
    with pytest.raises(TypeError, match=f"share one {attribute}"):
        index((INFO, thief))
