"""Expiry: pins that ended long ago are removed, and only by a lock that can be sure of the time (SPEC 8.6)."""

from protocol.vocabulary import AuditEvent, Cause

from ..clock import DAY, NANOSECONDS, Clock
from ..memory import Memory
from ..records import Pin
from .audit import Audit

SWEEP_SECONDS = DAY
GRACE_SECONDS = DAY
"""How long ago a pin must have ended, and must have been changed last, to be removed."""


class Expiry:
    """Sweeps once in a day of uninterrupted power; each pin is removed in a commit of its own."""

    __slots__ = ("_audit", "_clock", "_memory", "wake_ns")

    def __init__(self, memory: Memory, clock: Clock, audit: Audit) -> None:
        self._memory = memory
        self._clock = clock
        self._audit = audit
        self.wake_ns = 0
        """When the next sweep is due."""
        self.begin_anew()

    def begin_anew(self) -> None:
        """Let the next sweep be a day away."""
        self.wake_ns = self._clock.now_ns + SWEEP_SECONDS * NANOSECONDS

    def step(self) -> None:
        """Sweep where a sweep is due; a flash that does not take it ends this one."""
        if self._clock.now_ns < self.wake_ns:
            return
        self.begin_anew()
        if self._clock.trusted:
            self._sweep(self._clock.epoch)

    def _sweep(self, now: int) -> None:
        for key, pin in list(self._memory.slots()):
            if pin.entry.schedule.valid_until == 0:
                continue
            if pin.changed == 0:
                self._memory.stage(key, Pin(id=pin.id, entry=pin.entry, changed=now))
            elif _is_over(pin, now):
                self._memory.stage(key, None)
                self._memory.stage_change()
                self._audit.stage(AuditEvent.PIN_EXPIRED, cause=Cause.AUTOMATIC, pin_id=pin.id)
            if not self._memory.try_commit():
                return


def _is_over(pin: Pin, now: int) -> bool:
    return now - max(pin.entry.schedule.valid_until, pin.changed) >= GRACE_SECONDS
