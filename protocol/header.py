"""The 8 bytes at the start of every frame (SPEC 3.1); like the hello, they are the same in all versions."""

from dataclasses import dataclass
from enum import IntEnum

from .fields import U8, U16, U32, Choice, Record, Terminated


class Kind(IntEnum):
    """What a frame carries (SPEC 3.1)."""

    HELLO_REQUEST = 1
    HELLO_RESPONSE = 2
    HANDSHAKE = 3
    TRANSPORT = 4
    REFUSED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first 8 bytes of a frame (SPEC 3.1); `length` is that of the body in bytes."""

    version: int
    kind: Kind
    counter: int
    length: int


HEADER = Record(Header, "version" / U8, "kind" / Choice(Kind), "counter" / U32, "length" / U16, Terminated)
