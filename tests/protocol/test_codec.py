"""Answers that refuse, values that do not fit, and what an error may say of them: never a digit of a pin."""

import hashlib
import traceback
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.codec import decode_answer, decode_request, encode_answer, encode_request, fingerprint, next_operation
from protocol.errors import MalformedError, MisuseError, PeerError, ProtocolError
from protocol.messages.declaration import Refusal, Request
from protocol.messages.device import PING, PingRequest, PingResponse
from protocol.messages.pins import PinCreateRequest, PinGetResponse, PinListResponse, PinUpdateRequest
from protocol.registry import MESSAGES, AnyMessage
from protocol.vocabulary import EVERY_DAY, PinEntry, PinSummary, Rule, Schedule, Status, Window
from tests.protocol.strategies import REFUSALS

CANARY = "8640197"
ENTRY = PinEntry(digits=CANARY, alias="guest")
SUMMARY = PinSummary(id=1, alias="guest", enabled=True, schedule=Schedule())
WINDOW = Window(weekdays=EVERY_DAY, start=0, end=1440)


def scheduled(schedule: Schedule) -> PinCreateRequest:
    return PinCreateRequest(operation=1, entry=replace(ENTRY, schedule=schedule))


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.method)
def test_every_refusal_of_every_message_survives_the_way(message: AnyMessage) -> None:
    for status, rule in REFUSALS:
        refusal = Refusal(status=status, rule=rule)
        assert decode_answer(message, encode_answer(message.opcode, refusal)) == refusal


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(status=Status.OK),
        Refusal(status=Status.OK, rule=Rule.MALFORMED),
        Refusal(status=Status.INVALID),
        Refusal(status=Status.BUSY, rule=Rule.MALFORMED),
    ],
)
def test_a_refusal_that_the_peer_could_not_read_is_misuse(refusal: Refusal) -> None:
    with pytest.raises(MisuseError):
        encode_answer(PING.opcode, refusal)


@pytest.mark.parametrize("opcode", [0x00, 0x7F, 0xFF])
def test_an_opcode_that_nobody_knows_can_be_refused(opcode: int) -> None:
    assert encode_answer(opcode, Refusal(status=Status.UNSUPPORTED)) == bytes([opcode, Status.UNSUPPORTED])


@given(st.binary(max_size=4))
@settings(max_examples=300, deadline=None)
def test_an_answer_that_refuses_has_one_form_alone(rest: bytes) -> None:
    body = bytes([PING.opcode]) + rest
    try:
        answer = decode_answer(PING, body)
    except MalformedError:
        return
    assert encode_answer(PING.opcode, answer) == body


def test_unknown_statuses_and_rules_are_malformed() -> None:
    unknown = [bytes([PING.opcode, code]) for code in range(256) if code not in set(Status)]
    unknown += [bytes([PING.opcode, Status.INVALID, code]) for code in range(256) if code not in set(Rule)]
    for body in unknown:
        with pytest.raises(MalformedError):
            decode_answer(PING, body)
    assert len(unknown) == 512 - len(Status) - len(Rule)


@pytest.mark.parametrize("body", ["", "03", "04 00 00", "03 05", "03 01 01", "03 05 01 00"])
def test_an_answer_that_is_cut_drawn_out_or_another_requests_is_malformed(body: str) -> None:
    with pytest.raises(MalformedError):
        decode_answer(PING, bytes.fromhex(body))


@pytest.mark.parametrize(
    "request_",
    [
        PinCreateRequest(operation=1, entry=replace(ENTRY, digits=CANARY * 40)),
        PinCreateRequest(operation=1, entry=replace(ENTRY, digits=CANARY + "８")),
        PinCreateRequest(operation=1, entry=replace(ENTRY, digits=CANARY + "\ud800")),
        PinCreateRequest(operation=1, entry=replace(ENTRY, alias=CANARY * 40)),
        PinCreateRequest(operation=1, entry=replace(ENTRY, alias=CANARY + "\ud800")),
        PinCreateRequest(operation=1 << 32, entry=ENTRY),
        PinCreateRequest(operation=-1, entry=ENTRY),
        PinUpdateRequest(operation=1, id=1 << 16, entry=ENTRY),
        scheduled(Schedule(valid_from=1 << 32)),
        scheduled(Schedule(valid_until=-1)),
        scheduled(Schedule(windows=(WINDOW,) * 256)),
        scheduled(Schedule(windows=(replace(WINDOW, start=1 << 16),))),
        scheduled(Schedule(windows=(replace(WINDOW, end=-1),))),
        PingRequest(payload=CANARY.encode() * 40),
    ],
)
def test_values_that_do_not_fit_are_misuse_and_the_error_tells_no_digits(request_: Request) -> None:
    with pytest.raises(MisuseError) as caught:
        encode_request(request_)
    said = "".join(traceback.format_exception(caught.value))
    assert CANARY not in said + repr(caught.value)
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)  # construct's own error quotes values
    assert type(request_).__name__ in str(caught.value)


def test_answers_that_do_not_fit_are_misuse() -> None:
    too_many = PinListResponse(list_version=1, more=False, pins=(SUMMARY,) * 256)
    for opcode, answer in ((0x14, too_many), (PING.opcode, too_many), (PING.opcode, PingResponse(payload=bytes(256)))):
        with pytest.raises(MisuseError):
            encode_answer(opcode, answer)


@pytest.mark.parametrize("at", range(5, 6 + len(CANARY)))
def test_an_error_about_a_peers_bytes_tells_no_digits(at: int) -> None:
    body = bytearray(encode_request(PinCreateRequest(operation=1, entry=ENTRY)))
    body[at] = 0xFF
    with pytest.raises(MalformedError) as caught:
        decode_request(bytes(body))
    said = "".join(traceback.format_exception(caught.value))
    assert not any(CANARY[start : start + 3] in said for start in range(len(CANARY) - 2))
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


def test_no_repr_shows_the_digits_of_a_pin() -> None:
    carriers = (ENTRY, PinCreateRequest(operation=1, entry=ENTRY), PinGetResponse(list_version=1, entry=ENTRY))
    assert all("guest" in repr(carrier) and CANARY not in repr(carrier) for carrier in carriers)


def test_a_fingerprint_is_the_first_eight_bytes_of_the_bodys_hash() -> None:
    body = encode_request(PinCreateRequest(operation=1, entry=ENTRY))
    assert fingerprint(body) == hashlib.sha256(body).digest()[:8]
    assert fingerprint(body) != fingerprint(body + b"\x00")
    assert fingerprint(b"").hex() == "e3b0c44298fc1c14"


@pytest.mark.parametrize(("last", "following"), [(0, 1), (1, 2), (0xFFFFFFFE, 0xFFFFFFFF), (0xFFFFFFFF, 1)])
def test_operation_ids_count_up_and_skip_the_zero_that_means_none(last: int, following: int) -> None:
    assert next_operation(last) == following


def test_misuse_and_misbehaviour_are_two_branches_of_one_tree() -> None:
    assert issubclass(MisuseError, ProtocolError)
    assert issubclass(MisuseError, ValueError)
    assert issubclass(MalformedError, PeerError)
    assert not issubclass(PeerError, MisuseError)
