"""What OpenAPI says of the create call; the answers are taken from the tables that make them."""

from typing import Any, Final

from bridge.http.body import JSON_TYPES
from bridge.http.envelope import envelope
from bridge.http.problems import BUSY, FORBIDDEN, NOT_SET_UP, TIMEOUT, UNAUTHORIZED
from bridge.refusals import SENTENCES
from protocol.pin_rules import sentence
from protocol.vocabulary import Rule, Status

from .answers import KEY

_INSTANT: Final = {"type": ["string", "null"], "format": "date-time"}

_CREATE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["alias", "pin"],
    "properties": {
        "alias": {"type": "string", "minLength": 1, "description": "At most 32 bytes of UTF-8."},
        "pin": {"type": "string", "pattern": "^[0-9]{5,8}$", "writeOnly": True},
        "startDate": _INSTANT,
        "endDate": _INSTANT,
        "dayStartTime": _INSTANT | {"description": "Kept as the time of day at the lock; the date tells its offset."},
        "dayEndTime": _INSTANT | {"description": "Kept as the time of day at the lock; the date tells its offset."},
        "weekDays": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": 127,
            "description": "Monday = 1 to Sunday = 64, added up; null is every day.",
        },
    },
}

_ENVELOPE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["success", "errorMessages", "statusCode"],  # the framework drops `"result": null` from examples
    "properties": {
        "result": {"type": ["object", "null"]},
        "success": {"type": "boolean"},
        "errorMessages": {"type": "array", "items": {"type": "string"}},
        "statusCode": {"type": "integer"},
    },
}

_PERMANENT: Final = {"alias": "Alias 1", "pin": "97531"}
_LIMITED: Final = {
    "alias": "Alias 2",
    "pin": "86420",
    "startDate": "2021-05-01T00:00:00.000Z",
    "endDate": "2021-05-31T00:00:00.000Z",
    "dayStartTime": "2021-05-01T08:00:00.000Z",
    "dayEndTime": "2021-05-02T16:00:00.000Z",
    "weekDays": 21,
}


def create_body() -> dict[str, Any]:
    """Return the operation's key and body, which the framework cannot know: it never reads them itself."""
    examples = {"permanent": {"value": _PERMANENT}, "limited": {"value": _LIMITED}}
    content = {"schema": _CREATE_SCHEMA, "examples": examples}
    return {"parameters": [KEY], "requestBody": {"required": True, "content": dict.fromkeys(JSON_TYPES, content)}}


def create_answers() -> dict[int | str, dict[str, Any]]:
    """Return the operation's answers, each with an example; naming 422 keeps the framework's own away."""
    return {
        201: _documented("The lock has stored the pin.", envelope(201, result={"id": 3})),
        400: _failure("The body breaks a rule.", 400, f"pin: {sentence(Rule.DIGITS_LENGTH)}"),
        401: _failure("No valid token.", *UNAUTHORIZED),
        403: _failure("A scope is missing, or the lock is unknown or not granted.", *FORBIDDEN),
        406: _failure("The pin exists.", 406, SENTENCES[Status.EXISTS]),
        408: _failure("The lock is silent or cannot be reached.", *TIMEOUT),
        409: _failure("Another change is under way; Retry-After says when to come back.", *BUSY),
        422: _failure("No free slot.", 422, SENTENCES[Status.FULL]),
        428: _failure("The lock is not set up.", *NOT_SET_UP),
    }


def _failure(description: str, status: int, message: str) -> dict[str, Any]:
    return _documented(description, envelope(status, messages=[message]))


def _documented(description: str, example: dict[str, object]) -> dict[str, Any]:
    content = {"application/json": {"schema": _ENVELOPE_SCHEMA, "example": example}}
    return {"description": description, "content": content}
