"""The battery's warnings (SPEC 8.7): each mark once, until the level has risen well above it."""

from protocol.messages.device import UNKNOWN_BATTERY
from protocol.vocabulary import AuditEvent

from ..hardware import Hardware
from ..memory import Memory
from ..records import BATTERY_KEY, BatteryWarning
from .audit import Audit

MARKS = (20, 10, 5)
REARMED_ABOVE = 5


class Battery:
    """Knows the lowest mark that was warned of; those above it were too."""

    __slots__ = ("_audit", "_hardware", "_memory", "_warned")

    def __init__(self, hardware: Hardware, memory: Memory, audit: Audit) -> None:
        self._hardware = hardware
        self._memory = memory
        self._audit = audit
        self._warned = (memory.get(BATTERY_KEY, BatteryWarning) or BatteryWarning()).mark

    @property
    def level(self) -> int:
        """What `status` tells, in percent or UNKNOWN_BATTERY."""
        return self._hardware.battery

    def stage(self) -> bool:
        """Look at the level and stage what it changes; return whether there is something to commit."""
        level, warned = self.level, self._warned
        if level == UNKNOWN_BATTERY:
            return False
        given = {
            mark for mark in MARKS if level <= mark or (warned and warned <= mark and level < mark + REARMED_ABOVE)
        }
        self._warned = min(given, default=0)
        if self._warned == warned:
            return False
        if self._warned and (not warned or self._warned < warned):
            self._audit.stage(AuditEvent.BATTERY_LOW, detail=level)
        self._memory.stage(BATTERY_KEY, BatteryWarning(mark=self._warned))
        return True
