"""Moving a bolt and seeing where it rests: the lock's answer tells only that the motor has started (SPEC 7.15)."""

import asyncio

from protocol.messages.device import StatusResponse
from protocol.vocabulary import BoltAction, BoltState, Status

from .client import LockClient
from .engine import Engine
from .errors import AckTimeout, BridgeError, LinkLost, Refused
from .journal import Caller
from .records import LockRecord

MOVING = frozenset({BoltState.LOCKING, BoltState.UNLOCKING, BoltState.PULLING})
ENDS = {
    BoltAction.LOCK: BoltState.LOCKED,
    BoltAction.UNLOCK: BoltState.UNLOCKED,
    BoltAction.PULL: BoltState.PULLED,
}
"""Where the bolt rests after each action; after PULL, the lock lets go of the latch by itself."""
_LOOKS = 40
_PAUSE = 0.25
"""How often, and after how many seconds each, a bolt that still moves is looked at again."""


async def move_bolt(engine: Engine, lock: LockRecord, action: BoltAction, caller: Caller) -> StatusResponse:
    """Move the bolt for `caller`, once, and return how the lock is when it rests, or still moves after ten seconds.

    Raises AckTimeout where nobody knows whether or how far it has moved, Refused where the lock cannot do that.
    """
    try:
        await engine.change(lock, caller, LockClient.operate_bolt, action)
    except (AckTimeout, LinkLost):
        raise AckTimeout(
            f"The lock {lock.name} was asked to move its bolt and has not answered. Look at the door, or run "
            "`latchwire state`, before you ask again: it would move again."
        ) from None
    except Refused as refusal:
        if refusal.status is not Status.UNSUPPORTED:
            raise
        raise Refused(refusal.status, None, f"The lock {lock.name} cannot do that: {_lacking(action)}.") from None
    try:
        return await _at_rest(engine, lock)
    except BridgeError as error:
        raise AckTimeout(
            f"The lock {lock.name} has begun to move its bolt; where it is now is unknown. {error}"
        ) from None


async def _at_rest(engine: Engine, lock: LockRecord) -> StatusResponse:
    status = await engine.read(lock, LockClient.status)
    for _ in range(_LOOKS):
        if status.bolt not in MOVING:
            break
        await asyncio.sleep(_PAUSE)
        status = await engine.read(lock, LockClient.status)
    return status


def _lacking(action: BoltAction) -> str:
    return "it has no latch to pull" if action is BoltAction.PULL else "its bolt moves by hand alone"
