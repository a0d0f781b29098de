"""Body ↔ message: `opcode, layout` for requests, `opcode, status, layout` for answers (SPEC 6).

Malformed bytes raise MalformedError and nothing else. The layouts are the only judges: generated.py, where it knows a
layout, saves time on what fits, and what it does not take is handed to the layout.
"""

import hashlib
import struct
from collections.abc import Callable
from typing import Any, TypeVar, cast

from construct import ConstructError, StreamError, TerminatedError

from .errors import MalformedError, MisuseError
from .fields import Layout
from .generated import READERS, WRITERS
from .messages.declaration import Message, Refusal, Request, Response
from .messages.pins import FINGERPRINT_SIZE
from .registry import BY_REQUEST, LAYOUTS, MESSAGES
from .vocabulary import Rule, Status

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=Response)


_READERS: dict[Layout, Callable[[bytes], Any]] = {
    layout: READERS[layout.record] for layout in LAYOUTS if layout.record in READERS
}
_WRITERS: dict[Layout, Callable[[Any], bytes]] = {
    layout: WRITERS[layout.record] for layout in LAYOUTS if layout.record in WRITERS
}
_WRONG: dict[type, str] = {
    StreamError: "it ends too early",
    TerminatedError: "it goes on behind its last field",
}
NOT_TAKEN = (struct.error, LookupError, TypeError, ValueError, AttributeError)
"""What a generated reader or writer raises."""


def parse(layout: Layout, data: bytes) -> Any:
    """Read one record that fills `data`; raise MalformedError."""
    read = _READERS.get(layout)
    if read is not None:
        try:
            return read(data)
        except NOT_TAKEN:
            pass
    try:
        return layout.parse(data)
    except ConstructError as error:  # it quotes values, and would be the context of what is raised in here
        reason = _reason(error)
    raise MalformedError(reason)


def build(layout: Layout, record: object) -> bytes:
    """Return the bytes of one record; raise MisuseError for values that do not fit their fields."""
    write = _WRITERS.get(layout)
    if write is not None:
        try:
            return write(record)
        except NOT_TAKEN:
            pass
    try:
        return layout.build(record)
    except ConstructError as error:  # as above
        reason = _reason(error)
    raise MisuseError(f"a {type(record).__name__} that does not fit its layout ({reason})")


def encode_request(request: Request) -> bytes:
    """Return the body of `request`."""
    message = BY_REQUEST[type(request)]
    return bytes([message.opcode]) + build(message.request_layout, request)


def decode_request(body: bytes) -> tuple[Message[Any, Any], Request]:
    """Return the message and the request that `body` holds; raise MalformedError."""
    if not body or body[0] not in MESSAGES:
        raise MalformedError("no request of this version")
    message = MESSAGES[body[0]]
    return message, cast("Request", parse(message.request_layout, body[1:]))


def encode_answer(opcode: int, answer: Response | Refusal) -> bytes:
    """Return the body of the answer to a request of `opcode`; a refusal answers opcodes that nobody knows, too."""
    if isinstance(answer, Refusal):
        if answer.status is Status.OK or (answer.rule is None) is (answer.status is Status.INVALID):
            raise MisuseError("a refusal has a status that is not OK, and a rule beside INVALID alone")
        rule = b"" if answer.rule is None else bytes([answer.rule])
        return bytes([opcode, answer.status]) + rule
    return bytes([opcode, Status.OK]) + build(MESSAGES[opcode].response_layout, answer)


def decode_answer(message: Message[Q, R], body: bytes) -> R | Refusal:
    """Return what the lock answered to a request of `message`; raise MalformedError."""
    if len(body) < 2 or body[0] != message.opcode:
        raise MalformedError("no answer to this request")
    if body[1] == Status.OK:
        return cast("R", parse(message.response_layout, body[2:]))
    return _refusal(body[1], body[2:])


def _refusal(code: int, rest: bytes) -> Refusal:
    try:
        status = Status(code)
        if status is not Status.INVALID and not rest:
            return Refusal(status=status)
        if status is Status.INVALID and len(rest) == 1:
            return Refusal(status=status, rule=Rule(rest[0]))
    except ValueError:
        pass
    raise MalformedError("no status of this version")


def fingerprint(body: bytes) -> bytes:
    """Return the mark by which a lock knows a repeated change: the first 8 bytes of SHA-256(body) (SPEC 6.5)."""
    return hashlib.sha256(body).digest()[:FINGERPRINT_SIZE]


def next_operation(last: int) -> int:
    """Return the operation id after `last`: one more, and 1 again after the largest u32 (SPEC 6.5)."""
    return last + 1 if last < 0xFFFFFFFF else 1


def _reason(error: ConstructError) -> str:
    """Say what is wrong without the value: construct's own messages quote what they were given, digits included."""
    where = (error.path or "").removeprefix("(parsing)").removeprefix("(building)").replace(" -> ", ".").strip(" .")
    told = _WRONG.get(type(error), "a value that does not fit")
    return f"{told}, at {where}" if where else told
