"""How a message is declared; the one rule: a request names its response, its handler method and its section."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from ..fields import Layout, Record, Terminated
from ..vocabulary import Rule, Status


class Request:
    """What a bridge asks."""

    __slots__ = ()


class Response:
    """What a lock answers with Status.OK."""

    __slots__ = ()


class Change(Request):
    """A request that changes the lock; its first field is the operation id (SPEC 6.5)."""

    __slots__ = ()

    operation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a lock answers instead of a response: a status that is not OK, and the rule beside Status.INVALID."""

    status: Status
    rule: Rule | None = None


Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=Response)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Generic[Q, R]):
    """One request and its response: `method` is its name in handler.py, `section` its place in SPEC.md."""

    opcode: int
    method: str
    section: str
    request: type[Q]
    response: type[R]
    request_layout: Record
    response_layout: Record


def declare(
    opcode: int,
    method: str,
    section: str,
    request: type[Q],
    asks: list[Layout],
    response: type[R],
    says: list[Layout],
) -> Message[Q, R]:
    """Declare a message whose request has the fields `asks` and whose response has the fields `says`."""
    return Message(
        opcode=opcode,
        method=method,
        section=section,
        request=request,
        response=response,
        request_layout=Record(request, *asks, Terminated),
        response_layout=Record(response, *says, Terminated),
    )
