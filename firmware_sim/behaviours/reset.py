"""The reset for a new owner (SPEC 8.8): one flash record, so that a lock is as before or wholly reset."""

from protocol.vocabulary import AuditEvent, Cause

from ..clock import Clock
from ..memory import Memory
from ..records import AUDIT_KEYS, IDENTITY_KEY, OPERATION_KEYS, PEER_KEYS, SLOT_KEYS, ZONE_KEY
from .audit import Audit

HOLD_SECONDS = 10

_OWNERS = (
    range(IDENTITY_KEY, IDENTITY_KEY + 1),
    range(ZONE_KEY, ZONE_KEY + 1),
    PEER_KEYS,
    OPERATION_KEYS,
    SLOT_KEYS,
    AUDIT_KEYS,
)


def stage_reset(memory: Memory, clock: Clock, audit: Audit) -> None:
    """Stage the removal of everything that the owner brought; the audit goes on with the number of RESET."""
    audit.stage(AuditEvent.RESET, cause=Cause.BUTTON)
    for keys in _OWNERS:
        memory.stage_removal(keys)
    memory.stage_change()
    memory.afterwards(clock.lose)
