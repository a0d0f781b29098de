"""The application: routes inside two middlewares, with one envelope around every answer."""

from fastapi import FastAPI
from starlette.middleware import Middleware

from bridge.service import Service

from .middleware import Guard, LowerCasePaths
from .pins import pin_routes
from .problems import handlers


def create_app(service: Service) -> FastAPI:
    """Return the ASGI application over `service`."""
    app = FastAPI(
        title="Latchwire",
        description="Manage the pins of door locks.",
        middleware=[Middleware(Guard), Middleware(LowerCasePaths)],
        exception_handlers=handlers(),
        redirect_slashes=False,  # a redirect would come without the envelope
    )
    app.include_router(pin_routes(service))
    return app
