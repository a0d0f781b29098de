"""The routes of a lock's pins; each names the scope it needs and leaves every failure to the error table."""

from typing import Annotated

from fastapi import APIRouter, Request, Response, Security

from bridge.journal import Caller
from bridge.records import Scope
from bridge.service import Service

from .auth import Access, lock_access
from .body import read_object
from .documentation.pins import create_answers, create_body
from .envelope import answer
from .keys import idempotency_key
from .schemas import create_entry


def pin_routes(service: Service) -> APIRouter:
    """Return the routes under `/api/{version}/my/lock/{lock_id}/pin`."""
    routes = APIRouter(prefix="/api/{version}/my/lock/{lock_id}/pin", tags=["pins"])
    granted = lock_access(service)

    @routes.post("", status_code=201, responses=create_answers(), openapi_extra=create_body())
    async def create_pin(
        request: Request, access: Annotated[Access, Security(granted, scopes=[Scope.DEVICE_READ_WRITE])]
    ) -> Response:
        """Create a pin; answered once the lock has stored it."""
        caller = Caller(token_id=access.token_id, key=idempotency_key(request))
        entry = create_entry(await read_object(request), access.lock.zone)
        return answer(201, result={"id": await service.create_pin(access.lock, entry, caller)})

    return routes
