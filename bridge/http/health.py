"""Whether the bridge lives, whether it can work, and what it has counted; for whoever watches it, without a token."""

import logging
from contextlib import suppress

from fastapi import APIRouter, Request, Response

from bridge.errors import BridgeError
from bridge.service import Service

from .documentation.health import alive_answers, metrics_answers, ready_answers
from .envelope import answer
from .metrics import Metrics
from .problems import NOT_READY, ApiError

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"

_log = logging.getLogger(__name__)


def health_routes(service: Service, metrics: Metrics) -> APIRouter:
    """Return the routes `/healthz`, `/readyz` and `/metrics`."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz", responses=alive_answers())
    async def healthz() -> Response:
        """Tell that the process answers; nothing else is looked at."""
        return answer(200)

    @routes.get("/readyz", responses=ready_answers())
    async def readyz(request: Request) -> Response:
        """Tell whether registry and keys can be used; locks are not asked."""
        try:
            await service.require_ready()
        except BridgeError as error:
            _log.warning("request %s: not ready: %s", request.state.correlation_id, error)
            raise ApiError(*NOT_READY) from None
        return answer(200)

    @routes.get("/metrics", responses=metrics_answers(), response_class=Response)
    async def read_metrics() -> Response:
        """Tell what has been counted since the process began, in Prometheus's text format; locks are not asked."""
        with suppress(BridgeError):  # what was counted is told even where the registry cannot say which locks there are
            metrics.keep({lock.wire_id for lock in await service.locks()})
        return Response(metrics.exposition(), media_type=EXPOSITION)

    return routes
