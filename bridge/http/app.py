"""The application: routes inside two middlewares, with one envelope around every answer."""

from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

from bridge.service import Service

from .activity import activity_routes
from .documentation.answers import own_answers, with_implied_scopes
from .health import health_routes
from .limits import Limits
from .locks import lock_routes
from .metrics import Metrics
from .middleware import Guard, LowerCasePaths
from .pins import pin_routes
from .problems import handlers


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Return the document of what is answered here."""
        return with_implied_scopes(own_answers(super().openapi()))


def create_app(service: Service, *, limits: Limits | None = None, metrics: Metrics | None = None) -> FastAPI:
    """Return the ASGI application over `service`; `metrics` is what observes it, nothing where it is left out."""
    limits, metrics = limits or Limits(), metrics or Metrics()
    routers = (
        pin_routes(service, limits),
        lock_routes(service, limits),
        activity_routes(service, limits),
        health_routes(service, metrics),
    )
    app = _Api(
        title="Latchwire",
        description="Manage the pins of door locks.",
        middleware=[Middleware(Guard, metrics), Middleware(LowerCasePaths)],
        exception_handlers=handlers([route for router in routers for route in router.routes]),
        generate_unique_id_function=lambda route: route.name,
        docs_url=None,  # their pages load scripts from elsewhere, and ask for a token
        redoc_url=None,
        redirect_slashes=False,  # a redirect would come without the envelope
    )
    for router in routers:
        app.include_router(router)
    return app
