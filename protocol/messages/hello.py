"""The hello, the only thing in clear (SPEC 4.1); its layouts never change."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from ..fields import U8, U32, Bytes, Choice, Flags, Record, Terminated

RANDOM_SIZE = 16


class Mode(IntEnum):
    """What the bridge wants to open."""

    PAIR = 1
    SESSION = 2


class HelloFlag(IntFlag):
    """What a lock tells to anyone who asks."""

    PAIRING_OPEN = 1
    PAIRED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HelloRequest:
    """The versions that the bridge speaks, what it wants, and who it is."""

    lowest: int
    highest: int
    mode: Mode
    peer_id: int


HELLO_REQUEST = Record(HelloRequest, "lowest" / U8, "highest" / U8, "mode" / Choice(Mode), "peer_id" / U32, Terminated)


@dataclass(frozen=True, slots=True, kw_only=True)
class HelloResponse:
    """The version that the lock chose (0 = none), the range it speaks, who it is, and its 16 random bytes."""

    chosen: int
    lowest: int
    highest: int
    lock_id: int
    flags: HelloFlag
    random: bytes


HELLO_RESPONSE = Record(
    HelloResponse,
    "chosen" / U8,
    "lowest" / U8,
    "highest" / U8,
    "lock_id" / U32,
    "flags" / Flags(U8, HelloFlag),
    "random" / Bytes(RANDOM_SIZE),
    Terminated,
)
