"""Entries at the keypad, judged against digits, validity, windows, weekdays, zone and trust (SPEC 8.2)."""

from protocol.pin_rules import check_digits
from protocol.posix_tz import parse_tz
from protocol.schedule import judge
from protocol.vocabulary import Denial, Rule

from ..clock import Clock
from ..keypad import Decision
from ..memory import Memory
from .pins import Pins

_NOT_TYPEABLE = (Rule.DIGITS_LENGTH, Rule.DIGITS_DECIMAL)


class Gate:
    """Decides whether an entry opens, and says why not."""

    def __init__(self, memory: Memory, clock: Clock, pins: Pins) -> None:
        self._memory = memory
        self._clock = clock
        self._pins = pins

    def decide(self, digits: str) -> Decision:
        """Judge one entry as typed."""
        if check_digits(digits) in _NOT_TYPEABLE:
            return Decision(granted=False, denial=Denial.MALFORMED)
        pin = self._pins.matching(digits)
        if pin is None:
            return Decision(granted=False, denial=Denial.UNKNOWN)
        if not pin.entry.enabled:
            return Decision(granted=False, pin_id=pin.id, denial=Denial.DISABLED)
        denial = judge(
            pin.entry.schedule,
            now=self._clock.epoch,
            trusted=self._clock.trusted,
            rule=parse_tz(self._memory.zone.rule),
        )
        return Decision(granted=denial is None, pin_id=pin.id, denial=denial)
