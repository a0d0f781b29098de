"""Moving the bolt by request (SPEC 7.15)."""

from dataclasses import dataclass

from ..fields import U32, Choice
from ..vocabulary import BoltAction, BoltState
from .declaration import Change, Response, declare


@dataclass(frozen=True, slots=True, kw_only=True)
class BoltOperateRequest(Change):
    """Move the bolt once; whoever repeats this moves nothing a second time."""

    operation: int
    action: BoltAction


@dataclass(frozen=True, slots=True, kw_only=True)
class BoltOperateResponse(Response):
    """The motor has been started, or had nothing to do; `bolt` is where the bolt is now."""

    bolt: BoltState


BOLT_OPERATE = declare(
    0x30,
    "operate_bolt",
    "7.15",
    BoltOperateRequest,
    ["operation" / U32, "action" / Choice(BoltAction)],
    BoltOperateResponse,
    ["bolt" / Choice(BoltState)],
)
