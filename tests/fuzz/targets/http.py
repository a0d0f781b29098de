"""The create call's body: a pin entry or an ApiError that repeats nothing of it."""

import json

from bridge.http.body import parse_object
from bridge.http.problems import ApiError
from bridge.http.schemas import create_entry
from bridge.http.times import read_instant
from protocol.pin_rules import check_alias, check_digits
from protocol.schedule import check_schedule

ZONE = "Europe/Warsaw"


def fuzz(data: bytes) -> None:
    """Take the bytes as a body, and as an instant."""
    instant = read_instant(data.decode("utf-8", "replace"))
    assert instant is None or 1970 <= instant.year <= 2105
    try:
        entry = create_entry(parse_object(data), ZONE)
    except ApiError as error:
        assert error.status == 400
        return
    assert (check_digits(entry.digits), check_alias(entry.alias), check_schedule(entry.schedule)) == (None, None, None)


def seeds() -> list[bytes]:
    """Return bodies with every field, with odd values, and such as are no object."""
    pin: dict[str, object] = {"alias": "Anna", "pin": "135790"}
    full = pin | {
        "startDate": "2026-07-01T08:00:00Z", "endDate": "2026-07-08T10:00:00.5+02:00",
        "dayStartTime": "2026-07-01T22:00:00Z", "dayEndTime": "2026-07-01T04:30:01Z", "weekDays": 31,
    }  # fmt: skip
    odd = [pin | {name: value} for name, value in (("Pin", "1"), ("weekDays", True), ("endDate", 1), ("startDate", ""))]
    texts = [b"[]", b"null", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 90, b"1" * 90, b"2026-07-01T08:00Z", b"\xff{}"]
    return [*(json.dumps(body).encode() for body in (pin, full, *odd)), *texts]
