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
    """Warns; what flash holds says which mark was warned of last, so a warning that it did not take is given again."""

    __slots__ = ("_audit", "_hardware", "_memory")

    def __init__(self, hardware: Hardware, memory: Memory, audit: Audit) -> None:
        self._hardware = hardware
        self._memory = memory
        self._audit = audit

    @property
    def level(self) -> int:
        """What `status` tells, in percent or UNKNOWN_BATTERY."""
        return self._hardware.battery

    def stage(self) -> bool:
        """Look at the level and stage what it changes; return whether there is something to commit."""
        level = self.level
        if level == UNKNOWN_BATTERY:
            return False
        warned = self._warned
        given = {
            mark for mark in MARKS if level <= mark or (warned and warned <= mark and level < mark + REARMED_ABOVE)
        }
        lowest = min(given, default=0)
        if lowest == warned:
            return False
        if lowest and (not warned or lowest < warned):
            self._audit.stage(AuditEvent.BATTERY_LOW, detail=level)
        self._memory.stage(BATTERY_KEY, BatteryWarning(mark=lowest))
        return True

    @property
    def _warned(self) -> int:
        """The lowest mark that was warned of, 0 for none; those above it were too."""
        return (self._memory.get(BATTERY_KEY, BatteryWarning) or BatteryWarning()).mark
