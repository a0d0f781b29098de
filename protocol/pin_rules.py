"""The rules of a pin, judged alike by bridge and lock; a rule speaks of what is wrong, never of the value."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from .schedule import check_schedule
from .vocabulary import PinEntry, Rule

MIN_DIGITS = 5
MAX_DIGITS = 8
MIN_DIFFERENT_DIGITS = 3
MAX_ALIAS_BYTES = 32

SENTENCES: Final[Mapping[Rule, str]] = {
    Rule.MALFORMED: "The request's body is not laid out as this protocol version says.",
    Rule.DIGITS_LENGTH: "A pin has 5 to 8 digits.",
    Rule.DIGITS_DECIMAL: "A pin consists of the digits 0 to 9 alone: no letters, blanks or signs.",
    Rule.DIGITS_VARIETY: "A pin needs at least three different digits.",
    Rule.DIGITS_SEQUENCE: "A pin must not count up or down in ones, from its first digit to its last.",
    Rule.ALIAS_LENGTH: "An alias has 1 to 32 bytes of UTF-8; a letter beyond ASCII takes several.",
    Rule.ALIAS_CONTROL: "An alias is readable text: no control characters, such as tabs or line ends.",
    Rule.VALIDITY_ORDER: "The validity must begin before it ends.",
    Rule.WINDOW_COUNT: "A pin has at most four windows.",
    Rule.WINDOW_WEEKDAYS: "A window needs at least one weekday; the bits run from Monday = 1 to Sunday = 64.",
    Rule.WINDOW_TIMES: "A window starts at 00:00 to 23:59, ends at 00:01 to 24:00, and has a length.",
    Rule.CLOCK_TIME: "The time is not one that the lock's clock can be set to.",
    Rule.CLOCK_STEP_BACK: "The clock goes back by more than 5 minutes only when that is forced.",
    Rule.ZONE_NAME: "The zone must be an IANA name, such as Europe/Warsaw.",
    Rule.ZONE_RULE: "The zone's rule must be a POSIX TZ rule, such as CET-1CEST,M3.5.0,M10.5.0/3.",
}


def sentence(rule: Rule) -> str:
    """Return one sentence for people that says what the broken rule allows."""
    return SENTENCES[rule]


def check_entry(entry: PinEntry) -> Rule | None:
    """Return the first rule that `entry` breaks: of its digits, then its alias, then its schedule."""
    return check_digits(entry.digits) or check_alias(entry.alias) or check_schedule(entry.schedule)


def check_digits(digits: str) -> Rule | None:
    """Return the rule that `digits` break, or None.

    Judged in this order: DIGITS_DECIMAL (a character other than ASCII 0 to 9), DIGITS_LENGTH (the empty
    string too), DIGITS_VARIETY, DIGITS_SEQUENCE (every neighbour +1 or every one -1, without wrap).
    """
    if not all("0" <= digit <= "9" for digit in digits):
        return Rule.DIGITS_DECIMAL
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
        return Rule.DIGITS_LENGTH
    if len(set(digits)) < MIN_DIFFERENT_DIGITS:
        return Rule.DIGITS_VARIETY
    steps = {ord(right) - ord(left) for left, right in pairwise(digits)}
    return Rule.DIGITS_SEQUENCE if steps in ({1}, {-1}) else None


def check_alias(alias: str) -> Rule | None:
    """Return the rule that `alias` breaks, or None.

    Judged in this order: ALIAS_CONTROL for a lone surrogate, which UTF-8 cannot carry; ALIAS_LENGTH outside 1
    to 32 bytes of UTF-8; ALIAS_CONTROL for U+0000 to U+001F and U+007F to U+009F (Unicode's category Cc).
    """
    try:
        length = len(alias.encode())
    except UnicodeEncodeError:
        return Rule.ALIAS_CONTROL
    if not 1 <= length <= MAX_ALIAS_BYTES:
        return Rule.ALIAS_LENGTH
    if any(character <= "\x1f" or "\x7f" <= character <= "\x9f" for character in alias):
        return Rule.ALIAS_CONTROL
    return None
