"""What a lock can do, tried out: what it tells has to be what its owner declares, and what it then does (SPEC 7.1)."""

from protocol.messages.bolt import BoltOperateRequest
from protocol.messages.declaration import Refusal
from protocol.messages.device import UNKNOWN_BATTERY
from protocol.messages.pins import PinCreateRequest
from protocol.vocabulary import BoltAction, Capability, DoorState, PinEntry, Schedule, Status, Weekdays, Window

from ..hands import Hand
from ..station import NOON, Session
from .facts import Facts, names

_GUEST = PinEntry(
    digits="97531",
    alias="guest",
    schedule=Schedule(valid_until=NOON + 3600, windows=(Window(weekdays=Weekdays.MONDAY, start=480, end=960),)),
)
_NEEDED = Capability.SCHEDULE | Capability.CLOCK
_MOVED = 60
"""Seconds after which a bolt has moved."""


def mismatches(facts: Facts) -> list[str]:
    """Return what the lock tells otherwise than its owner declares, or than version 1 needs."""
    found = (
        [f"It does not tell {names(_NEEDED & ~facts.told)}, which version 1 needs."] if _NEEDED & ~facts.told else []
    )
    if facts.declared is not None and facts.declared != facts.told:
        found.append(f"Declared is {names(facts.declared)}, and the lock tells {names(facts.told)}.")
    return found


async def lies(session: Session, told: Capability) -> list[str]:
    """Try out what a lock tells in a session of a test that has just begun; return what it does otherwise.

    Whether a latch is pulled is tried only where it must not be, or where a hand lets the time pass that it needs.
    """
    status = await session.status()
    does = {
        Capability.DOOR_CONTACT: status.door is not DoorState.UNKNOWN,
        Capability.BATTERY_LEVEL: status.battery != UNKNOWN_BATTERY,
        Capability.SCHEDULE: not await _is_unsupported_schedule(session),
        Capability.BOLT: not await _is_unsupported(session, BoltAction.LOCK),
    }
    if Capability.LATCH not in told or Hand.CLOCK in session.station.hands.able:
        does[Capability.LATCH] = not await _is_unsupported(session, BoltAction.PULL)
        await _rest(session)
    return [_sentence(each, told) for each, done in does.items() if done is not (each in told)]


async def _is_unsupported(session: Session, action: BoltAction) -> bool:
    answer = await session.try_change(lambda operation: BoltOperateRequest(operation=operation, action=action))
    return answer == Refusal(status=Status.UNSUPPORTED)


async def _is_unsupported_schedule(session: Session) -> bool:
    answer = await session.try_change(lambda operation: PinCreateRequest(operation=operation, entry=_GUEST))
    return isinstance(answer, Refusal)


async def _rest(session: Session) -> None:
    """Let the bolt be thrown again, where it was drawn."""
    if Hand.CLOCK in session.station.hands.able:
        await session.station.hands.advance(_MOVED)
        await _is_unsupported(session, BoltAction.LOCK)
        await session.station.hands.advance(_MOVED)


def _sentence(each: Capability, told: Capability) -> str:
    if each in told:
        return f"The lock tells {names(each)}, and does not have it."
    return f"The lock has {names(each)}, and does not tell it."
