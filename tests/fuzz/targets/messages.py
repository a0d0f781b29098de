"""Bodies: generated code and layouts agree, what was read is written alike, and nothing but MalformedError escapes."""

from contextlib import suppress
from typing import Any

from construct import ConstructError

from protocol.codec import NOT_TAKEN, build, decode_answer, decode_request, encode_answer, encode_request, parse
from protocol.errors import MalformedError
from protocol.fields import Record
from protocol.generated import READERS
from protocol.registry import LAYOUTS, MESSAGES
from tests.wire import version_1 as frozen

OPCODES = sorted(MESSAGES)


def fuzz(data: bytes) -> None:
    """Take one byte that chooses a layout and a message, and the rest as its bytes."""
    if not data:
        return
    _read_record(LAYOUTS[data[0] % len(LAYOUTS)], data[1:])
    with suppress(MalformedError):
        _, request = decode_request(data[1:])
        assert encode_request(request) == data[1:]
    opcode = OPCODES[data[0] % len(OPCODES)]
    with suppress(MalformedError):
        answer = decode_answer(MESSAGES[opcode], data[1:])
        assert encode_answer(opcode, answer) == data[1:]


def _read_record(layout: Record, body: bytes) -> None:
    generated = _generated(layout, body)
    try:
        judged: Any = layout.parse(body)
    except ConstructError:
        assert generated is None, "the generated reader takes what the layout refuses"
        return
    assert generated in (None, judged)
    assert parse(layout, body) == judged
    assert build(layout, judged) == body


def _generated(layout: Record, body: bytes) -> Any:
    try:
        return READERS[layout.record](body) if layout.record in READERS else None
    except NOT_TAKEN:
        return None


def seeds() -> list[bytes]:
    """Return every frozen body, each under every choice that could read it."""
    bodies = [value for value in vars(frozen).values() if isinstance(value, bytes)]
    requests = [bytes([0]) + body for body in bodies]
    answers = [bytes([OPCODES.index(body[0])]) + body for body in bodies if body and body[0] in OPCODES]
    records = [bytes([index]) + bytes(size) for index in range(len(LAYOUTS)) for size in (1, 8)]
    return [*requests, *answers, *records]
