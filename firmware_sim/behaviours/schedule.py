"""Entries at the keypad, judged against digits, validity, windows, weekdays, zone and trust (SPEC 8.2)."""

from protocol.pin_rules import check_digits
from protocol.posix_tz import parse_tz
from protocol.schedule import judge
from protocol.vocabulary import Denial, Rule

from ..clock import Clock
from ..explain import explain
from ..keypad import SENTENCES, Decision
from ..memory import Memory
from ..records import Pin
from .pins import Pins

_NOT_TYPEABLE = (Rule.DIGITS_LENGTH, Rule.DIGITS_DECIMAL)


class Gate:
    """Decides whether an entry opens, and says why not."""

    __slots__ = ("_clock", "_memory", "_pins")

    def __init__(self, memory: Memory, clock: Clock, pins: Pins) -> None:
        self._memory = memory
        self._clock = clock
        self._pins = pins

    def decide(self, digits: str) -> Decision:
        """Judge one entry as typed."""
        if check_digits(digits) in _NOT_TYPEABLE:
            return _of_nobody(Denial.MALFORMED)
        pin = self._pins.matching(digits)
        if pin is None:
            return _of_nobody(Denial.UNKNOWN)
        return self._judge(pin, self._clock.epoch, trusted=self._clock.trusted)

    def foresee(self, pin_id: int, epoch: int | None) -> Decision | None:
        """Judge a pin without its digits, now or as if a trusted clock showed `epoch`; None where none has the id."""
        pin = next((pin for _, pin in self._memory.slots() if pin.id == pin_id), None)
        if pin is None:
            return None
        if epoch is None:
            return self._judge(pin, self._clock.epoch, trusted=self._clock.trusted)
        return self._judge(pin, epoch, trusted=True)

    def _judge(self, pin: Pin, epoch: int, *, trusted: bool) -> Decision:
        zone = self._memory.zone
        rule = parse_tz(zone.rule)
        denial = (
            judge(pin.entry.schedule, now=epoch, trusted=trusted, rule=rule) if pin.entry.enabled else Denial.DISABLED
        )
        return Decision(
            granted=denial is None,
            pin_id=pin.id,
            denial=denial,
            explanation=explain(pin.id, pin.entry.schedule, denial, epoch=epoch, rule=rule, zone=zone.name),
        )


def _of_nobody(denial: Denial) -> Decision:
    return Decision(granted=False, denial=denial, explanation=SENTENCES[denial])
