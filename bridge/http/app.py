"""The application: routes inside two middlewares, with one envelope around every answer."""

from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

from bridge.service import Service

from .activity import activity_routes
from .documentation.answers import own_answers
from .locks import lock_routes
from .middleware import Guard, LowerCasePaths
from .pins import pin_routes
from .problems import handlers


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Return the document of what is answered here."""
        return own_answers(super().openapi())


def create_app(service: Service) -> FastAPI:
    """Return the ASGI application over `service`."""
    app = _Api(
        title="Latchwire",
        description="Manage the pins of door locks.",
        middleware=[Middleware(Guard), Middleware(LowerCasePaths)],
        exception_handlers=handlers(),
        redirect_slashes=False,  # a redirect would come without the envelope
    )
    app.include_router(pin_routes(service))
    app.include_router(lock_routes(service))
    app.include_router(activity_routes(service))
    return app
