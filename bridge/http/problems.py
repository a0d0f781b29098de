"""How each failure becomes an HTTP answer: two tables, and no answer carries an exception's own text.

The text of a bridge error is for the operator (it may name ports and paths) and goes to the log.
"""

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from bridge import errors
from bridge.refusals import SENTENCES
from protocol.pin_rules import sentence
from protocol.vocabulary import Status

from .envelope import answer

RETRY_AFTER: Final = "Retry-After"
INTERNAL: Final = (500, "The bridge failed; its log has more under this answer's X-Correlation-ID.")
UNAUTHORIZED: Final = (401, "A valid token is required: Authorization: Bearer <token>, or PersonalKey <key>.")
FORBIDDEN: Final = (403, "This lock is unknown, or the token is not granted it.")
TIMEOUT: Final = (
    408,
    "The lock did not acknowledge in time: whether it made the change is unknown. "
    "The same request, repeated within 10 minutes, tells.",
)
UNREACHABLE: Final = (408, "The lock cannot be reached: try again.")
BOLT_UNKNOWN: Final = (
    408,
    "The lock did not acknowledge in time: whether the bolt moved is unknown. The same Idempotency-Key tells; "
    "a request without one moves the bolt anew.",
)
BUSY: Final = (409, "The lock is occupied with another change: try again.")
TOO_MANY: Final = (429, "The token has used up its requests of this hour: Retry-After says when to come back.")
TOO_MANY_FAILURES: Final = (
    429,
    "Too many requests without a valid token came from this address: Retry-After says when to come back.",
)
NOT_READY: Final = (503, "The bridge cannot use its registry or its keys; its log has more.")
MISSING: Final = "is missing."
NOT_SET_UP: Final = (428, "The lock is not paired with this bridge: pair it first.")

# A lock that fails is 502, so that whoever investigates knows on which side to look; the API that is spoken
# here documents no status above 499, and its clients take all of them alike.
BY_STATUS: Final[Mapping[Status, int]] = {
    Status.OK: 500,  # no refusal at all: whoever raised it is wrong
    Status.BUSY: 409,
    Status.FULL: 422,
    Status.EXISTS: 406,
    Status.NOT_FOUND: 404,
    Status.INVALID: 400,
    Status.STALE: 409,  # nothing was done, and each new session sets the count of operations right
    Status.CHANGED: 409,
    Status.STORAGE: 502,
    Status.CLOCK_UNTRUSTED: 502,
    Status.DENIED: 502,
    Status.UNSUPPORTED: 400,
    Status.CONFLICT: 409,  # as STALE
}

BY_ERROR: Final[Mapping[type[errors.BridgeError], tuple[int, str]]] = {
    errors.BridgeError: INTERNAL,
    errors.UsageError: (400, "The request makes no sense to the bridge."),
    errors.RuleBroken: (400, "The pin breaks a rule."),
    errors.KeyReused: (400, "Idempotency-Key: has been used for another request."),
    errors.NotRegistered: FORBIDDEN,
    errors.AlreadyRegistered: INTERNAL,  # nothing is registered by way of HTTP
    errors.UnsafeState: INTERNAL,
    errors.DamagedState: INTERNAL,
    errors.NotPaired: NOT_SET_UP,
    errors.PairingRefused: NOT_SET_UP,
    errors.ZoneChanged: (409, "The lock's zone was changed meanwhile, and is known now: try again."),
    errors.VersionMismatch: (428, "The lock and this bridge share no safe protocol version: update one of them."),
    errors.LockHeld: BUSY,
    errors.LockBusy: BUSY,
    errors.Unreachable: UNREACHABLE,
    errors.LinkLost: TIMEOUT,
    errors.AckTimeout: TIMEOUT,
    errors.OutcomeLost: (
        408,
        "What became of this change can no longer be learned: look at the lock, then ask anew, under a new key.",
    ),
    errors.BoltUnknown: BOLT_UNKNOWN,
}

PLAIN: Final = "plain"
"""The framework's word for a number that is written in another way than ours; see numbers.Whole."""
_NO_NUMBER: Final = "must be a whole number such as 20."
WHY: Final[Mapping[str, str]] = {
    "missing": MISSING,
    "enum": "must be {expected}.",
    "greater_than_equal": "must be at least {ge}.",
    "less_than_equal": "must be at most {le}.",
    "int_parsing_size": _NO_NUMBER,
    PLAIN: _NO_NUMBER,
}
"""What is said of a parameter, by the framework's word for what is wrong with it."""

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

_log = logging.getLogger(__name__)


class ApiError(Exception):
    """A request that is answered with `status` and `messages`; they name fields and rules, never values."""

    def __init__(self, status: int, *messages: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, messages)
        self.status = status
        self.messages = messages
        self.headers = headers


def api_error(error: errors.BridgeError) -> ApiError:
    """Return what the API answers for `error`; each 409 says when to come back."""
    if isinstance(error, errors.Refused):
        status, message = BY_STATUS[error.status], SENTENCES.get(error.status, INTERNAL[1])
    else:
        status, message = next(BY_ERROR[kind] for kind in type(error).__mro__ if kind in BY_ERROR)
    if isinstance(error, errors.Refused | errors.RuleBroken) and error.rule is not None:
        message = sentence(error.rule)
    return ApiError(status, message, headers={RETRY_AFTER: "1"} if status == 409 else None)


def handlers(routes: Sequence[BaseRoute] = ()) -> dict[int | type[Exception], Handler]:
    """Return the handlers of an application with `routes`; what has none is left to `middleware.Guard`."""
    return {
        ApiError: _on_api_error,
        errors.BridgeError: _on_bridge_error,
        HTTPException: partial(_on_http_exception, routes),
        RequestValidationError: _on_invalid_parameter,
    }


async def _on_api_error(_request: Request, error: ApiError) -> Response:
    return answer(error.status, messages=error.messages, headers=error.headers)


async def _on_bridge_error(request: Request, error: errors.BridgeError) -> Response:
    answered = api_error(error)
    _log.log(
        _level(error, answered.status), "request %s: %s: %s", request.state.correlation_id, type(error).__name__, error
    )
    return await _on_api_error(request, answered)


def _level(error: errors.BridgeError, status: int) -> int:
    """Return how loud to be: an error for what failed inside, a warning for what an operator can mend."""
    if status >= 500:
        return logging.ERROR
    return logging.WARNING if status in (408, 428) or isinstance(error, errors.LockHeld) else logging.INFO


NO_SUCH_CALL = "There is no such call: /openapi.json lists all."


async def _on_http_exception(routes: Sequence[BaseRoute], request: Request, error: HTTPException) -> Response:
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods(routes, request.url.path)):
        named = ", ".join(sorted(methods))
        headers = {"Allow": named}  # the framework names the methods of one route alone
        return answer(
            error.status_code, messages=[f"This call takes {named}. /openapi.json lists all."], headers=headers
        )
    if error.status_code == HTTPStatus.NOT_FOUND:
        return answer(error.status_code, messages=[NO_SUCH_CALL], headers=headers)
    return answer(error.status_code, messages=[HTTPStatus(error.status_code).phrase], headers=headers)


def _methods(routes: Sequence[BaseRoute], path: str) -> set[str]:
    taking = [route for route in routes if isinstance(route, Route) and route.path_regex.match(path)]
    return {method for route in taking for method in route.methods or ()}


async def _on_invalid_parameter(_request: Request, error: RequestValidationError) -> Response:
    """Answer 400, name the parameters and say why: the framework's own answer is 422 and repeats their values."""
    return answer(400, messages=sorted({_why(detail) for detail in error.errors()}))


def _why(detail: Mapping[str, Any]) -> str:
    """Return what is wrong with a parameter; the framework's context holds what was declared, not what was sent."""
    said = WHY.get(detail["type"], "is not valid.").format_map(detail.get("ctx", {}))
    return f"{detail['loc'][1]}: {said}"
