"""The routes of a lock's pins; each names the scope it needs and leaves every failure to the error table."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response, Security

from bridge.records import Scope
from bridge.service import Service

from .auth import Access, lock_access
from .body import read_object
from .documentation import pins as documented
from .envelope import answer, no_content
from .keys import caller
from .limits import Limits
from .numbers import list_version, pin_number
from .schemas import pin_entry
from .views import pin_view, pins_view

PinId = Annotated[str, Path(description="The pin's number.")]


def pin_routes(service: Service, limits: Limits) -> APIRouter:
    """Return the routes under `/api/{version}/my/lock/{lock_id}/pin`."""
    routes = APIRouter(prefix="/api/{version}/my/lock/{lock_id}/pin", tags=["pins"])
    _add_reads(routes, service, limits)
    _add_changes(routes, service, limits)
    return routes


def _add_reads(routes: APIRouter, service: Service, limits: Limits) -> None:
    granted = lock_access(service, limits)

    @routes.get("", responses=documented.list_answers(), openapi_extra=documented.list_query())
    async def list_pins(
        request: Request, access: Annotated[Access, Security(granted, scopes=[Scope.DEVICE_READ])]
    ) -> Response:
        """List the pins, unless the lock still has the list that the caller knows: that takes one short request."""
        known = list_version(request)
        if known is not None and (await service.status(access.lock)).list_version == known:
            return Response(status_code=304)
        listed = await service.list_pins(access.lock)
        return answer(200, result=pins_view(listed.list_version, listed.pins))

    @routes.get("/{pin_id}", responses=documented.get_answers())
    async def get_pin(
        pin_id: PinId, access: Annotated[Access, Security(granted, scopes=[Scope.DEVICE_READ])]
    ) -> Response:
        """Tell one pin; its digits only to a token that may write."""
        number = pin_number(pin_id)
        entry = await service.get_pin(access.lock, number)
        view = pin_view(number, entry, access.lock.zone, shows_digits=access.may_write)
        return answer(200, result=view, headers={"Cache-Control": "no-store"})


def _add_changes(routes: APIRouter, service: Service, limits: Limits) -> None:
    granted = lock_access(service, limits)

    @routes.post("", status_code=201, responses=documented.create_answers(), openapi_extra=documented.pin_body())
    async def create_pin(
        request: Request, access: Annotated[Access, Security(granted, scopes=[Scope.DEVICE_READ_WRITE])]
    ) -> Response:
        """Create a pin; answered once the lock has stored it."""
        asking = caller(request, access.token_id)
        entry = pin_entry(await read_object(request), access.lock.zone)
        return answer(201, result={"id": await service.create_pin(access.lock, entry, asking)})

    @routes.put(
        "/{pin_id}", status_code=204, responses=documented.update_answers(), openapi_extra=documented.pin_body()
    )
    async def update_pin(
        pin_id: PinId, request: Request, access: Annotated[Access, Security(granted, scopes=[Scope.DEVICE_READ_WRITE])]
    ) -> Response:
        """Replace all of a pin: what the body leaves out is gone. The old pin opens until the lock has the new one."""
        number, asking = pin_number(pin_id), caller(request, access.token_id)
        entry = pin_entry(await read_object(request), access.lock.zone)
        await service.update_pin(access.lock, number, entry, asking)
        return no_content()

    @routes.delete(
        "/{pin_id}", status_code=204, responses=documented.delete_answers(), openapi_extra=documented.key_alone()
    )
    async def delete_pin(
        pin_id: PinId, request: Request, access: Annotated[Access, Security(granted, scopes=[Scope.DEVICE_READ_WRITE])]
    ) -> Response:
        """Remove a pin; answered once it opens no more."""
        await service.delete_pin(access.lock, pin_number(pin_id), caller(request, access.token_id))
        return no_content()
