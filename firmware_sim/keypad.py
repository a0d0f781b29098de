"""An entry at the keypad and the answer to it; the digits stay out of the answer."""

from dataclasses import dataclass, field

from protocol.vocabulary import Denial


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Granted with the pin's id, or denied with the reason; an unknown pin has no id. `explanation` is for people."""

    granted: bool
    pin_id: int | None = None
    denial: Denial | None = None
    explanation: str = field(default="", compare=False)


SENTENCES = {
    Denial.MALFORMED: "a pin has 5 to 8 digits",
    Denial.UNKNOWN: "no pin has these digits",
    Denial.DISABLED: "the pin is disabled",
    Denial.CLOCK_UNTRUSTED: "the pin is limited in time and the lock does not know the time",
    Denial.NOT_YET_VALID: "the pin's validity has not begun",
    Denial.EXPIRED: "the pin's validity has ended",
    Denial.WRONG_WEEKDAY: "the pin does not open on this weekday",
    Denial.OUTSIDE_WINDOW: "the pin does not open at this time of day",
    Denial.LOCKED_OUT: "the keypad is locked out after wrong entries",
}
