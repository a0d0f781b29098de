"""Hypothesis strategies that follow the layouts, so that a message added to the registry needs none of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, singledispatch
from typing import Any

from construct import Bytes, FormatField, Prefixed, Renamed
from construct.core import StringEncoded
from hypothesis import strategies as st

from protocol.codec import decode_answer, decode_request, encode_answer, encode_request
from protocol.fields import Bool, Choice, Flags, Many, Record
from protocol.registry import MESSAGES, AnyMessage
from protocol.vocabulary import Rule, Status

Values = st.SearchStrategy[Any]


@singledispatch
def values(layout: object) -> Values:
    """Every value that `layout` can carry, long lists aside."""
    raise TypeError(f"no strategy for a {type(layout).__name__}: add it beside the others")


@values.register
def _(layout: Record) -> Values:
    struct: Any = layout.subcon
    return st.builds(layout.record, **{field.name: values(field) for field in struct.subcons if field.name})


@values.register(Renamed)
def _(layout: Any) -> Values:
    return values(layout.subcon)


@values.register(FormatField)
def _(layout: Any) -> Values:
    return st.integers(0, 256**layout.length - 1)


@values.register
def _(layout: Choice) -> Values:
    return st.sampled_from(list(layout.choices))


@values.register
def _(_: Bool) -> Values:
    return st.booleans()


@values.register
def _(layout: Flags) -> Values:
    return values(layout.subcon).map(layout.flags)


@values.register
def _(layout: Many) -> Values:
    return st.lists(values(layout.item), max_size=3).map(tuple)


@values.register(StringEncoded)
def _(layout: Any) -> Values:
    widest = {"ascii": 1, "utf8": 4}[layout.encoding]
    return st.text(st.characters(codec=layout.encoding), max_size=255 // widest)


@values.register(Prefixed)
def _(_: Any) -> Values:
    return st.binary(max_size=255)


@values.register(Bytes)
def _(layout: Any) -> Values:
    return st.binary(min_size=layout.length, max_size=layout.length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """One direction of one message: what it carries, and the two functions between that and its body."""

    name: str
    values: Values
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


def _request(body: bytes) -> Any:
    return decode_request(body)[1]


def _codings(message: AnyMessage) -> list[Coding]:
    answers = partial(encode_answer, message.opcode), partial(decode_answer, message)
    return [
        Coding(
            name=f"{message.method} request",
            values=values(message.request_layout),
            encode=encode_request,
            decode=_request,
        ),
        Coding(
            name=f"{message.method} response",
            values=values(message.response_layout),
            encode=answers[0],
            decode=answers[1],
        ),
    ]


CODINGS = [coding for message in MESSAGES.values() for coding in _codings(message)]

REFUSALS = [
    *((status, None) for status in Status if status not in {Status.OK, Status.INVALID}),
    *((Status.INVALID, rule) for rule in Rule),
]
"""Every status that refuses, with every rule where it has one."""
