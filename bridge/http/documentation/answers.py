"""What several routes have in common: the key of a change, the envelope, and the failures that meet every call."""

from typing import Any, Final

from bridge.http.envelope import envelope
from bridge.http.keys import HEADER, LONGEST
from bridge.http.middleware import CORRELATION_HEADER, SANE_ID
from bridge.http.problems import (
    BUSY,
    FORBIDDEN,
    INTERNAL,
    NOT_SET_UP,
    RETRY_AFTER,
    TIMEOUT,
    TOO_MANY,
    UNAUTHORIZED,
)
from bridge.records import IMPLIED, Scope
from bridge.refusals import SENTENCES
from protocol.vocabulary import Status

Answers = dict[int | str, dict[str, Any]]

_FRAMEWORK = "HTTPValidationError"

_CORRELATED: Final[dict[str, Any]] = {
    CORRELATION_HEADER: {
        "description": "The request's own, where it has one of 1 to 64 of A-Z a-z 0-9 . _ -; the log names it.",
        "required": True,
        "schema": {"type": "string", "pattern": f"^{SANE_ID}$"},
    }
}
_WAITING: Final[dict[str, Any]] = {
    RETRY_AFTER: {
        "description": "Seconds after which the same request has a chance.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}

KEY: Final[dict[str, Any]] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Drawn anew for each change and repeated with it: within 24 h it is made once.",
    "schema": {"type": "string", "pattern": f"^[ -~]{{1,{LONGEST}}}$"},
}


def success(status: int, description: str, result: object, schema: dict[str, Any]) -> Answers:
    """Return the answer that carries `result`, which `schema` describes."""
    return {status: _documented(description, envelope(status, result=result), schema)}


def linked(answers: Answers, *operations: str) -> Answers:
    """Return `answers`, whose success tells what else can be asked of the pin that it names."""
    parameters = {
        "version": "$request.path.version",
        "lock_id": "$request.path.lock_id",
        "pin_id": "$response.body#/result/id",
    }
    links = {operation: {"operationId": operation, "parameters": parameters} for operation in operations}
    return {status: answer | {"links": links} for status, answer in answers.items()}


def empty(status: int, description: str) -> Answers:
    """Return an answer without a body."""
    return {status: {"description": description}}


def failure(status: int, description: str, message: str) -> Answers:
    """Return the answer that says what is wrong."""
    return {status: _documented(description, envelope(status, messages=[message]), {"type": "null"})}


def with_a_token() -> Answers:
    """Return the failures of every call that needs a token."""
    return (
        failure(401, "No valid token.", UNAUTHORIZED[1])
        | failure(403, "A scope is missing, or the lock is unknown or not granted.", FORBIDDEN[1])
        | failure(429, "Too many requests; Retry-After says when to come back.", TOO_MANY[1])
        | failure(500, "The bridge failed.", INTERNAL[1])
    )


def at_a_lock(silence: tuple[int, str] = TIMEOUT) -> Answers:
    """Return the failures of every call at a lock; `silence` is what one that reads answers of a silent lock."""
    return (
        with_a_token()
        | failure(408, "The lock is silent or cannot be reached.", silence[1])
        | failure(409, "Another change is under way; Retry-After says when to come back.", BUSY[1])
        | failure(428, "The lock is not set up.", NOT_SET_UP[1])
        | failure(502, "The lock failed.", SENTENCES[Status.STORAGE])
    )


def own_answers(document: dict[str, Any]) -> dict[str, Any]:
    """Give each answer of an OpenAPI document its headers, and take the framework's own 422 out: that is 400 here."""
    for operation in (each for operations in document["paths"].values() for each in operations.values()):
        answers = operation["responses"]
        if _FRAMEWORK in str(answers.get("422")):
            del answers["422"]
        for status, told in answers.items():
            told["headers"] = _CORRELATED | (_WAITING if status in ("409", "429") else {})
    for name in (_FRAMEWORK, "ValidationError"):
        document.get("components", {}).get("schemas", {}).pop(name, None)
    return document


def _documented(description: str, example: dict[str, object], result: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["success", "errorMessages", "statusCode"],  # the framework drops `"result": null` from examples
        "properties": {
            "result": result,
            "success": {"type": "boolean"},
            "errorMessages": {"type": "array", "items": {"type": "string"}},
            "statusCode": {"type": "integer"},
        },
    }
    return {"description": description, "content": {"application/json": {"schema": schema, "example": example}}}


def with_implied_scopes(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with a way to be let in for each scope that brings the needed one with it."""
    implying = {implied: scope for scope, implied in IMPLIED.items()}
    for operations in document["paths"].values():
        for operation in operations.values():
            ways = operation.get("security", [])
            more = [
                {scheme: [implying[Scope(scope)] for scope in scopes]}
                for way in ways
                for scheme, scopes in way.items()
                if set(scopes) <= set(implying)
            ]
            ways += [way for way in more if way not in ways]
    return document
