"""The `open` and `close` commands: move a bolt, and say where it has come to rest."""

from dataclasses import dataclass

from bridge.bolts import ENDS
from bridge.journal import COMMAND_LINE
from bridge.states import MOVING
from protocol.messages.device import StatusResponse
from protocol.vocabulary import BoltAction

from .context import service
from .exits import OK, REFUSED, UNKNOWN_OUTCOME
from .progress import progress

_DONE = {
    BoltAction.LOCK: "The bolt of {} is thrown.",
    BoltAction.UNLOCK: "The bolt of {} is drawn.",
    BoltAction.PULL: "Bolt and latch of {} are drawn: push the door.",
}
_JAMMED = "The bolt of {} is jammed: it could not finish its movement. See what is in its way, and try again."
_MOVING = "The bolt of {} has not come to rest within ten seconds. Look at the door."
_ELSEWHERE = "The lock {} did as it was asked, and its bolt is {} now. Look at the door."


@dataclass(frozen=True, slots=True, kw_only=True)
class BoltView:
    """Where a bolt is after it was moved; `outcome` is a sentence."""

    bolt: str
    jammed: bool
    outcome: str
    exit_code: int

    def __str__(self) -> str:
        return self.outcome


async def open_lock(lock: str, /, *, pull: bool = False) -> BoltView:
    """Draw the bolt of LOCK. It stays drawn until it is closed.

    Parameters
    ----------
    lock
        The lock's name or number.
    pull
        Draw the latch too, for a moment, so that the door can be pushed open.
    """
    return await _move("open", lock, BoltAction.PULL if pull else BoltAction.UNLOCK)


async def close_lock(lock: str, /) -> BoltView:
    """Throw the bolt of LOCK.

    Parameters
    ----------
    lock
        The lock's name or number.
    """
    return await _move("close", lock, BoltAction.LOCK)


async def _move(command: str, lock: str, action: BoltAction) -> BoltView:
    async with service(command) as bridge:
        record = await bridge.find_lock(lock)
        async with progress("Moving the bolt"):
            status = await bridge.move_bolt(record, action, COMMAND_LINE)
    outcome, code = _judge(status, action)
    return BoltView(
        bolt=status.bolt.name.lower(),
        jammed=status.jammed,
        outcome=outcome.format(record.name, status.bolt.name.lower()),
        exit_code=code,
    )


def _judge(status: StatusResponse, action: BoltAction) -> tuple[str, int]:
    if status.jammed:
        return _JAMMED, REFUSED
    if status.bolt is ENDS[action]:
        return _DONE[action], OK
    return (_MOVING if status.bolt in MOVING else _ELSEWHERE), UNKNOWN_OUTCOME
