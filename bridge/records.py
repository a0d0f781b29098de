"""What the bridge knows of locks and callers, as values; the store makes them, everything above reads them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from protocol.vocabulary import BoltState

LARGEST_LOCK_ID = 0x7FFF_FFFF
"""What the registry's column holds, in PostgreSQL too."""


class Scope(StrEnum):
    """What a token may do; the names are the HTTP API's."""

    DEVICE_READ = "Device.Read"
    DEVICE_READ_WRITE = "Device.ReadWrite"
    LOCK_OPERATE = "Lock.Operate"
    DEVICE_ACTIVITY_READ = "DeviceActivity.Read"


IMPLIED = {Scope.DEVICE_READ_WRITE: Scope.DEVICE_READ}
"""Scopes that bring another with them: what may write may read."""


class PairingState(StrEnum):
    """How far the pairing with a lock has come."""

    UNCONFIRMED = "unconfirmed"  # keys stored, the lock has not answered with them yet
    PAIRED = "paired"
    UNPAIRING = "unpairing"  # the lock was asked to forget this bridge, and has not answered yet
    UNPAIRED = "unpaired"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRecord:
    """One lock of the registry. `id` is the HTTP API's number, `wire_id` the lock's own (SPEC 4.1)."""

    id: int
    name: str
    target: str
    wire_id: int
    public_key: bytes
    state: PairingState
    zone: str
    version: int  # the highest protocol version seen of this lock: a lower one is refused (SPEC 4.2)
    list_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an authenticated token allows."""

    token_id: int
    scopes: frozenset[Scope]
    locks: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoltOperation:
    """A bolt operation that the lock has acknowledged: when it was asked for, and where the bolt was as it began."""

    begun: datetime
    bolt: BoltState


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """What the registry knows of a token; times are aware. The token itself it does not know."""

    id: int
    scopes: frozenset[Scope]
    locks: frozenset[int]
    expires: datetime | None
    last_used: datetime | None
