"""A plan carried out at a lock, slot by slot; nothing counts as done before it was read back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from enum import StrEnum

from protocol.vocabulary import PinEntry, Status

from .errors import AckTimeout, BridgeError, LinkLost, LockHeld, Refused, Unreachable
from .journal import COMMAND_LINE
from .plans import Action, Held, Step
from .records import LockRecord
from .service import Service

NOT_TOLD = (AckTimeout, LinkLost, Unreachable, LockHeld)
"""Failures after which the lock is not asked again in the same run."""

_READINGS = 3


class Outcome(StrEnum):
    """How a slot has ended."""

    VERIFIED = "verified"
    REFUSED = "refused"
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one step has ended; `reason` is a sentence where it is not verified."""

    step: Step
    outcome: Outcome
    id: int | None = None
    reason: str | None = None


async def read_pins(bridge: Service, lock: LockRecord) -> AsyncIterator[tuple[int, tuple[Held, ...]]]:
    """Read every pin with its digits; yield how many there are and those read so far, the last time all of them.

    It begins anew when the pins change meanwhile; raises Refused (CHANGED) when that happens again and again.
    """
    for _ in range(_READINGS):
        listed = await bridge.list_pins(lock)
        found: tuple[Held, ...] = ()
        for pin in listed.pins:
            try:
                found = (*found, Held(id=pin.id, entry=await bridge.get_pin(lock, pin.id)))
            except Refused as refusal:
                if refusal.status is not Status.NOT_FOUND:
                    raise
                break
            yield len(listed.pins), found
        if (await bridge.list_pins(lock)).list_version == listed.list_version:
            yield len(found), found
            return
    raise Refused(Status.CHANGED, None, "The lock's pins change faster than they can be read. Try again later.")


async def all_pins(bridge: Service, lock: LockRecord) -> tuple[Held, ...]:
    """Read every pin with its digits, as read_pins does."""
    return [found async for _, found in read_pins(bridge, lock)][-1]


async def carry_out(bridge: Service, lock: LockRecord, steps: tuple[Step, ...]) -> AsyncIterator[Ending]:
    """Do one step after another and yield how each has ended; a refusal does not keep the others from their turn.

    After a lock that does not tell what became of a step, the others are not asked.
    """
    silence: str | None = None
    for step in steps:
        if silence is not None:
            reason = "The lock had stopped answering before this slot's turn. Run the command again."
            ending = Ending(step=step, outcome=Outcome.NOT_ASKED, id=step.id, reason=reason)
        else:
            ending = await _carry_out(bridge, lock, step)
            silence = ending.reason if ending.outcome is Outcome.UNKNOWN else None
        yield ending


async def _carry_out(bridge: Service, lock: LockRecord, step: Step) -> Ending:
    try:
        done = await _change(bridge, lock, step)
    except NOT_TOLD as error:
        return await _look(bridge, lock, step, str(error))
    except BridgeError as error:
        return Ending(step=step, outcome=Outcome.REFUSED, id=step.id, reason=str(error))
    try:
        return _compare(step, done, await _read(bridge, lock, done))
    except BridgeError as error:
        reason = f"The lock has acknowledged this, and could not be read back. {error}"
        return Ending(step=step, outcome=Outcome.UNKNOWN, id=done, reason=reason)


async def _change(bridge: Service, lock: LockRecord, step: Step) -> int:
    """Ask for the change of a step and return the pin's id."""
    if step.action is Action.ADD and step.wanted is not None:
        return await bridge.create_pin(lock, step.wanted.entry(), COMMAND_LINE)
    if step.id is None:
        raise ValueError(f"a step that is to {step.action} names no pin")
    if step.action is Action.REMOVE:
        await bridge.delete_pin(lock, step.id, COMMAND_LINE)
    elif step.action is Action.UPDATE and step.wanted is not None and step.held is not None:
        await bridge.update_pin(lock, step.id, step.wanted.over(step.held), COMMAND_LINE)
    return step.id


async def _read(bridge: Service, lock: LockRecord, pin_id: int) -> PinEntry | None:
    try:
        return await bridge.get_pin(lock, pin_id)
    except Refused as refusal:
        if refusal.status is Status.NOT_FOUND:
            return None
        raise


async def _look(bridge: Service, lock: LockRecord, step: Step, reason: str) -> Ending:
    """Learn from the lock itself what became of a step without an answer."""
    unknown = Ending(step=step, outcome=Outcome.UNKNOWN, id=step.id, reason=reason)
    try:
        held = await all_pins(bridge, lock)
    except BridgeError:
        return unknown
    goal = _goal(step)
    found = next((pin for pin in held if pin.id == step.id or (step.id is None and pin.entry == goal)), None)
    ending = _compare(step, found.id if found else step.id, found.entry if found else None)
    return ending if ending.outcome is Outcome.VERIFIED else replace(ending, reason=reason)


def _compare(step: Step, pin_id: int | None, read: PinEntry | None) -> Ending:
    if read == _goal(step):
        return Ending(step=step, outcome=Outcome.VERIFIED, id=pin_id)
    reason = (
        "The lock holds something else in this slot: somebody may have changed it meanwhile. Run the command again."
    )
    return Ending(step=step, outcome=Outcome.DIFFERS, id=pin_id, reason=reason)


def _goal(step: Step) -> PinEntry | None:
    """Return what the slot should hold after a step, None for nothing."""
    if step.wanted is None:
        return None if step.action is Action.REMOVE else step.held
    return step.wanted.entry() if step.held is None else step.wanted.over(step.held)
