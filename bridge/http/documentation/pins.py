"""What OpenAPI says of the calls at a lock's pins."""

from typing import Any, Final

from bridge.errors import KeyReused
from bridge.http.body import JSON_TYPES
from bridge.http.numbers import LARGEST_VERSION, LIST_VERSION, NO_VERSION
from bridge.http.problems import BY_ERROR, SILENT
from bridge.records import LARGEST_PIN_ID
from bridge.refusals import SENTENCES
from protocol.pin_rules import sentence
from protocol.vocabulary import MAX_WINDOWS, Rule, Status

from .answers import KEY, Answers, at_a_lock, empty, failure, linked, success

_INSTANT: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "date-time"}
_DAYS: Final[dict[str, Any]] = {"minimum": 1, "maximum": 127, "description": "Monday = 1 to Sunday = 64, added up."}
_ID: Final[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": LARGEST_PIN_ID}
_ALIAS: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "description": "At most 32 bytes of UTF-8."}

_WINDOW: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["weekDays", "start", "end"],
    "additionalProperties": False,
    "properties": {
        "weekDays": {"type": "integer"} | _DAYS,
        "start": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
        "end": {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"},
    },
}
_LIMITS: Final[dict[str, Any]] = {
    "startDate": _INSTANT,
    "endDate": _INSTANT,
    "dayStartTime": _INSTANT | {"description": "Kept as the time of day at the lock; the date tells its offset."},
    "dayEndTime": _INSTANT | {"description": "Kept as the time of day at the lock; the date tells its offset."},
    "weekDays": {"type": ["integer", "null"]} | _DAYS,
    "enabled": {"type": ["boolean", "null"], "description": "Whether the pin may open at all; null is true."},
    "windows": {
        "type": ["array", "null"],
        "maxItems": MAX_WINDOWS,
        "items": _WINDOW,
        "description": "All windows, as the lock's wall clock shows them. The three fields above are the first.",
    },
}
_BODY: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["alias", "pin"],
    "properties": {"alias": _ALIAS, "pin": {"type": "string", "pattern": "^[0-9]{5,8}$", "writeOnly": True}} | _LIMITS,
}
_CREATED: Final[dict[str, Any]] = {"type": "object", "required": ["id"], "properties": {"id": _ID}}
_SUMMARY: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["id", "alias"],
    "properties": {"id": _ID, "alias": _ALIAS},
}
_LIST: Final[dict[str, Any]] = {
    "type": "object",
    "required": [LIST_VERSION, "pins"],
    "properties": {LIST_VERSION: {"type": "integer"}, "pins": {"type": "array", "items": _SUMMARY}},
}
_ONE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["id", "alias", "windows"],  # the framework drops nulls from examples
    "properties": {
        "id": _ID,
        "alias": _ALIAS,
        "pin": {"type": ["string", "null"], "description": "null where the token may not write."},
    }
    | _LIMITS,
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
_SEVERAL: Final = {
    "alias": "Alias 3",
    "pin": "13579",
    "windows": [{"weekDays": 31, "start": "08:00", "end": "16:00"}, {"weekDays": 96, "start": "22:00", "end": "06:00"}],
}
_READ_BACK: Final = {
    "id": 3,
    "alias": "Alias 2",
    "pin": "86420",
    "startDate": "2021-05-01T00:00:00Z",
    "endDate": "2021-05-31T00:00:00Z",
    "dayStartTime": "2021-05-01T08:00:00Z",
    "dayEndTime": "2021-05-01T16:00:00Z",
    "weekDays": 21,
    "enabled": True,
    "windows": [{"weekDays": 21, "start": "10:00", "end": "18:00"}],
}

_KNOWN_VERSION: Final[dict[str, Any]] = {
    "name": LIST_VERSION,
    "in": "query",
    "required": False,
    "description": "The list version that the caller knows; where it is still the lock's, the answer is 304.",
    "schema": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": LARGEST_VERSION}, {"const": ""}]},
}


def list_query() -> dict[str, Any]:
    """Return what the list call reads beside its path."""
    return {"parameters": [_KNOWN_VERSION]}


def pin_body() -> dict[str, Any]:
    """Return the key and the body of a change, which the framework cannot know: it never reads them itself."""
    examples = {
        "permanent": {"value": _PERMANENT},
        "limited": {"value": _LIMITED},
        "several windows": {"value": _SEVERAL},
    }
    content = {"schema": _BODY, "examples": examples}
    return {"parameters": [KEY], "requestBody": {"required": True, "content": dict.fromkeys(JSON_TYPES, content)}}


def key_alone() -> dict[str, Any]:
    """Return the key of a change without a body."""
    return {"parameters": [KEY]}


def create_answers() -> Answers:
    """Return the create call's answers, each with an example."""
    return (
        linked(success(201, "The lock has stored the pin.", {"id": 3}, _CREATED), "get_pin", "update_pin", "delete_pin")
        | _broken_rule()
        | _exists()
        | failure(422, "No free slot.", SENTENCES[Status.FULL])
        | at_a_lock()
    )


def list_answers() -> Answers:
    """Return the list call's answers."""
    pins = [{"id": 1, "alias": "Alias 1"}, {"id": 3, "alias": "Alias 2"}]
    return (
        success(200, "All pins, in ascending order of ids.", {LIST_VERSION: 2, "pins": pins}, _LIST)
        | empty(304, "The list is still that of the version that was told.")
        | failure(400, "The list version is none.", NO_VERSION)
        | at_a_lock(SILENT)
    )


def get_answers() -> Answers:
    """Return the answers of the call for one pin."""
    return success(200, "The pin, its daily times in UTC.", _READ_BACK, _ONE) | _not_found() | at_a_lock(SILENT)


def update_answers() -> Answers:
    """Return the update call's answers."""
    return empty(204, "The lock has replaced the pin.") | _broken_rule() | _not_found() | _exists() | at_a_lock()


def delete_answers() -> Answers:
    """Return the delete call's answers."""
    bad_key = failure(400, "The Idempotency-Key is none, or that of another request.", BY_ERROR[KeyReused][1])
    return empty(204, "The lock has removed the pin.") | bad_key | _not_found() | at_a_lock()


def _broken_rule() -> Answers:
    return failure(400, "The body breaks a rule.", f"pin: {sentence(Rule.DIGITS_LENGTH)}")


def _not_found() -> Answers:
    return failure(404, "The lock has no such pin.", SENTENCES[Status.NOT_FOUND])


def _exists() -> Answers:
    return failure(406, "Another pin has these digits.", SENTENCES[Status.EXISTS])
