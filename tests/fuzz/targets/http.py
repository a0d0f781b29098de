"""A pin's body: a pin entry that breaks no rule and comes back as it was shown, or an ApiError."""

import json
from contextlib import suppress

from bridge.http.body import parse_object
from bridge.http.problems import ApiError
from bridge.http.schemas import pin_entry
from bridge.http.times import read_instant
from bridge.http.views import pin_view
from protocol.pin_rules import check_alias, check_digits
from protocol.schedule import check_schedule
from protocol.vocabulary import PinEntry

ZONE = "Europe/Warsaw"


def fuzz(data: bytes) -> None:
    """Take the bytes as a body, and as an instant."""
    instant = read_instant(data.decode("utf-8", "replace"))
    assert instant is None or 1970 <= instant.year <= 2106
    with suppress(ApiError):
        _check(pin_entry(parse_object(data), ZONE))


def _check(entry: PinEntry) -> None:
    assert (check_digits(entry.digits), check_alias(entry.alias), check_schedule(entry.schedule)) == (None, None, None)
    assert pin_entry(pin_view(1, entry, ZONE, shows_digits=True), ZONE) == entry


def seeds() -> list[bytes]:
    """Return bodies with every field, with odd values, and such as are no object."""
    pin: dict[str, object] = {"alias": "Anna", "pin": "135790"}
    full = pin | {
        "startDate": "2026-07-01T08:00:00Z", "endDate": "2026-07-08T10:00:00.5+02:00",
        "dayStartTime": "2026-07-01T22:00:00Z", "dayEndTime": "2026-07-01T04:30:01Z", "weekDays": 31,
    }  # fmt: skip
    several = pin | {"enabled": False, "windows": [{"weekDays": 31, "start": "22:00", "end": "06:00"}] * 2}
    odd = [pin | {name: value} for name, value in (("Pin", "1"), ("weekDays", True), ("endDate", 1), ("startDate", ""))]
    texts = [b"[]", b"null", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 90, b"1" * 90, b"2026-07-01T08:00Z", b"\xff{}"]
    return [*(json.dumps(body).encode() for body in (pin, full, several, *odd)), *texts]
