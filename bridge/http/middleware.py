"""What wraps the whole application: one spelling of paths, a correlation id, and no failure without an envelope."""

import logging
import re
import secrets
import traceback

from fastapi.requests import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .envelope import answer
from .metrics import MADE_UP, Metrics
from .problems import INTERNAL

CORRELATION_HEADER = "X-Correlation-ID"
SANE_ID = "[A-Za-z0-9._-]{1,64}"
"""What a caller's own id must match."""

_log = logging.getLogger(__name__)


class LowerCasePaths:
    """Lets routes match in any spelling: they are written in lower case."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            scope["path"] = scope["path"].lower()  # in place: Guard reads the route that the router notes there
        await self._app(scope, receive, send)


class Guard:
    """Gives every answer its X-Correlation-ID, counts it, and answers 500 where the application fails.

    The id is the caller's, if it is 1 to 64 of the characters A-Z a-z 0-9 . _ -, else a fresh one; the
    application finds it at `request.state.correlation_id`.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            await self._guarded(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        request.state.correlation_id = _correlation_id(request.headers)
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._metrics.count_answer(scope["method"], _route(scope), message["status"])
                MutableHeaders(scope=message)[CORRELATION_HEADER] = request.state.correlation_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            return
        except Exception as error:
            _log_failure(request.state.correlation_id, error)
            if not started:
                status, message = INTERNAL
                await answer(status, messages=[message])(scope, receive, send_with_id)


def _route(scope: Scope) -> str:
    """Return the template of the route that has taken the request."""
    return getattr(scope.get("route"), "path", MADE_UP)


def _correlation_id(headers: Headers) -> str:
    given = headers.get(CORRELATION_HEADER, "")
    return given if re.fullmatch(SANE_ID, given) else new_correlation_id()


def new_correlation_id() -> str:
    """Return an id for an answer whose request brings none."""
    return secrets.token_hex(8)


def _log_failure(correlation_id: str, error: Exception) -> None:
    """Log where `error` was raised, but not its text: that may repeat what was submitted."""
    where = "".join(traceback.format_tb(error.__traceback__))
    _log.error("request %s: %s\n%s", correlation_id, type(error).__name__, where)
