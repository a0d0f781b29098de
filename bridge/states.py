"""The last known states of locks: what they told of themselves, and when, so that nobody has to wake one to know."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from protocol.messages.device import UNKNOWN_BATTERY, InfoResponse, StatusResponse
from protocol.vocabulary import BoltState, Capability, DoorState

NO_CAPABILITY = Capability(0)
MOVING = frozenset({BoltState.LOCKING, BoltState.UNLOCKING, BoltState.PULLING})
UNSETTLED = MOVING | {BoltState.PULLED}
"""Where no bolt stays: what becomes of it, only another look tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownState:
    """What a lock has last told; None is what it has not told.

    `reached` is whether the last request got an answer, `info_told` and `state_told` are when the lock told what it is
    and how it is, and `bolt_since` is when its bolt was first seen where it is.
    """

    reached: bool = False
    model: str | None = None
    serial: str | None = None
    firmware_version: str | None = None
    capabilities: Capability = NO_CAPABILITY
    info_told: datetime | None = None
    bolt: BoltState = BoltState.UNKNOWN
    bolt_since: datetime | None = None
    door: DoorState = DoorState.UNKNOWN
    jammed: bool = False
    battery: int | None = None
    state_told: datetime | None = None


Renewal = Callable[[KnownState], KnownState]
"""From what was known to what is known now."""


class States(Protocol):
    """Where states are kept; all of it raises DamagedState where that fails."""

    async def states(self, lock_ids: Iterable[int]) -> Mapping[int, KnownState]:
        """Return the states of those locks that any is known of."""

    async def renew(self, lock_id: int, renewal: Renewal) -> None:
        """Replace what is known of a lock; raise NotRegistered for an unknown one."""


def by_contact(*, reached: bool) -> Renewal:
    """Return the renewal by a request that was answered, or was not."""
    return lambda known: replace(known, reached=reached)


def by_info(told: InfoResponse, now: datetime) -> Renewal:
    """Return the renewal by what a lock says that it is."""
    return lambda known: replace(
        known,
        reached=True,
        model=told.model,
        serial=told.serial,
        firmware_version=told.firmware_version,
        capabilities=told.capabilities,
        info_told=now,
    )


def by_status(told: StatusResponse, now: datetime) -> Renewal:
    """Return the renewal by how a lock says that it is."""
    return lambda known: replace(
        by_bolt(told.bolt, now)(known),
        door=told.door,
        jammed=told.jammed,
        battery=None if told.battery == UNKNOWN_BATTERY else told.battery,
    )


def by_operation(bolt: BoltState, begun: datetime) -> Renewal:
    """Return the renewal by the answer to an operation, which tells nothing new where it is of an earlier request."""
    return lambda known: known if known.state_told and begun <= known.state_told else by_bolt(bolt, begun)(known)


def by_bolt(bolt: BoltState, now: datetime) -> Renewal:
    """Return the renewal by where the bolt is; a movement that begins ends a jam (SPEC 8.3)."""
    return lambda known: replace(
        known,
        reached=True,
        bolt=bolt,
        bolt_since=known.bolt_since if bolt is known.bolt and known.bolt_since else now,
        jammed=known.jammed and bolt is BoltState.UNKNOWN,
        state_told=now,
    )
