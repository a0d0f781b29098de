"""What a replay puts in the place of what a recording hides, or what a lock gives anew: pins, ids, versions."""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from bridge.tracing import HIDDEN
from protocol.pin_rules import check_digits
from protocol.vocabulary import LARGEST_PIN_ID, Denial, Rule

from .legible import MARK
from .trace import Event, What

_STAND_IN = "#####"
"""In an alias, for what looked like digits."""
_BROKEN = {
    Rule.DIGITS_LENGTH.name.lower(): "1357",
    Rule.DIGITS_DECIMAL.name.lower(): "9753x",
    Rule.DIGITS_VARIETY.name.lower(): "11221",
    Rule.DIGITS_SEQUENCE.name.lower(): "12345",
    Denial.MALFORMED.name.lower(): "12",
}
"""Digits that are as wrong as those were that were answered so."""


class Paired:
    """Numbers that a lock has given then, each with the one that it gives now; 0 means none, then and now."""

    def __init__(self) -> None:
        self._now = {0: 0}
        self._then = {0: 0}

    def now(self, then: int) -> int:
        """Return the number for `then`; for one that was not given yet, one that is not given now either."""
        if then in self._now or then not in self._then:
            return self._now.get(then, then)
        return next(number for number in range(LARGEST_PIN_ID, 0, -1) if number not in self._then)

    def fit(self, then: int, now: int) -> bool:
        """Take a pair; return whether it goes with all before it."""
        return self._now.setdefault(then, now) == now and self._then.setdefault(now, then) == then


class Substitutes:
    """Digits for the names of hidden pins: as good as the hidden ones, or as bad, as the recorded answers say."""

    def __init__(self, events: Iterable[Event], random: Random) -> None:
        self._random = random
        self._digits: dict[str, str] = {}
        last: Mapping[str, Any] = {}
        for event in events:
            if event.what is What.REQUEST:
                last = event.fields.get("entry", {})
            elif event.what is What.ANSWER:
                self._learn(last, event.fields.get("rule"))
            elif event.what is What.HAND:
                self._learn(event.fields, event.fields.get("denial"))

    def digits(self, name: str) -> str:
        """Return the digits for a name; digits that a recording shows are their own."""
        if not name.startswith(MARK):
            return name
        while name not in self._digits:
            drawn = f"{self._random.randrange(10**5):05}"
            if check_digits(drawn) is None and drawn not in self._digits.values():
                self._digits[name] = drawn
        return self._digits[name]

    def alias(self, alias: str) -> str:
        """Return the alias for one in which something may be hidden."""
        return alias.replace(HIDDEN, _STAND_IN)

    def _learn(self, fields: Mapping[str, Any], reason: object) -> None:
        name = str(fields.get("digits", ""))
        if name.startswith(MARK) and str(reason) in _BROKEN:
            self._digits.setdefault(name, _BROKEN[str(reason)])
