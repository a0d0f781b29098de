"""Moving a bolt and seeing where it rests: the lock's answer tells only that the motor has started (SPEC 7.15)."""

import asyncio
from collections.abc import Awaitable, Callable

from protocol.messages.device import StatusResponse
from protocol.vocabulary import BoltAction, BoltState, Status

from .errors import BoltUnknown, BridgeError, Refused
from .states import MOVING

ENDS = {
    BoltAction.LOCK: BoltState.LOCKED,
    BoltAction.UNLOCK: BoltState.UNLOCKED,
    BoltAction.PULL: BoltState.PULLED,
}
"""Where the bolt rests after each action; after PULL, the lock lets go of the latch by itself."""
_LOOKS = 40
_PAUSE = 0.25
"""How often, and after how many seconds each, a bolt that still moves is looked at again."""


async def until_it_rests(look: Callable[[], Awaitable[StatusResponse]], name: str) -> StatusResponse:
    """Look at a lock whose bolt was moved until it rests, for ten seconds at most; raise BoltUnknown."""
    try:
        status = await look()
        for _ in range(_LOOKS):
            if status.bolt not in MOVING:
                break
            await asyncio.sleep(_PAUSE)
            status = await look()
    except BridgeError as error:
        raise BoltUnknown(f"The lock {name} has begun to move its bolt; where it is now is unknown. {error}") from None
    return status


def cannot_do(name: str, action: BoltAction, refusal: Refused) -> Refused:
    """Return a refusal of `action` as people understand it."""
    if refusal.status is not Status.UNSUPPORTED:
        return refusal
    return Refused(refusal.status, None, f"The lock {name} cannot do that: {_lacking(action)}.")


def _lacking(action: BoltAction) -> str:
    return "it has no latch to pull" if action is BoltAction.PULL else "its bolt moves by hand alone"
