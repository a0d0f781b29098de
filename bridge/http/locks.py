"""The routes that tell of locks and move their bolts; telling wakes no lock."""

from enum import IntEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, Security

from bridge.journal import Caller
from bridge.records import Grant, LockRecord, Scope
from bridge.service import Service
from protocol.vocabulary import BoltAction

from .auth import Access, lock_access, token_grant
from .documentation.locks import (
    locks_answers,
    one_lock_answers,
    one_sync_answers,
    operation_answers,
    operation_key,
    syncs_answers,
)
from .envelope import answer
from .keys import idempotency_key
from .limits import Limits
from .lock_views import lock_view, operation_view, sync_view
from .numbers import Whole


class UnlockMode(IntEnum):
    """How clients ask for an unlock; a lock here is forced by each, and pulls its latch for the last alone."""

    NORMAL = 0
    FORCE = 2
    WITHOUT_PULL = 3
    OR_PULL = 4


def lock_routes(service: Service, limits: Limits) -> APIRouter:
    """Return the routes under `/api/{version}/my/lock` but those of pins."""
    routes = APIRouter(prefix="/api/{version}/my/lock", tags=["locks"])
    _add_lists(routes, service, limits)
    _add_single(routes, service, limits)
    _add_operations(routes, service, limits)
    return routes


def _add_lists(routes: APIRouter, service: Service, limits: Limits) -> None:
    granted = token_grant(service, limits)

    @routes.get("/", include_in_schema=False)  # as clients in the field ask for it
    @routes.get("", responses=locks_answers())
    async def get_locks(grant: Annotated[Grant, Security(granted, scopes=[Scope.DEVICE_READ])]) -> Response:
        """List the locks that the token is granted, each with its last known state."""
        locks = await _granted(service, grant)
        known = await service.known_states(locks)
        return answer(200, result=[lock_view(*told) for told in zip(locks, known, strict=True)])

    @routes.get("/sync", responses=syncs_answers())
    async def sync_locks(
        grant: Annotated[Grant, Security(granted, scopes=[Scope.DEVICE_READ])],
        wanted: Annotated[list[Whole] | None, Query(alias="id", description="Which locks; all without it.")] = None,
    ) -> Response:
        """Tell the last known states of the locks that the token is granted; no lock is woken."""
        locks = [lock for lock in await _granted(service, grant) if wanted is None or lock.id in wanted]
        known = await service.known_states(locks)
        return answer(200, result=[sync_view(*told) for told in zip(locks, known, strict=True)])


def _add_single(routes: APIRouter, service: Service, limits: Limits) -> None:
    granted = lock_access(service, limits)

    @routes.get("/{lock_id}", responses=one_lock_answers())
    async def get_lock(access: Annotated[Access, Security(granted, scopes=[Scope.DEVICE_READ])]) -> Response:
        """Tell of one lock, with its last known state."""
        (known,) = await service.known_states([access.lock])
        return answer(200, result=lock_view(access.lock, known))

    @routes.get("/{lock_id}/sync", responses=one_sync_answers())
    async def sync_lock(access: Annotated[Access, Security(granted, scopes=[Scope.DEVICE_READ])]) -> Response:
        """Tell the last known state of one lock, which is not woken."""
        (known,) = await service.known_states([access.lock])
        return answer(200, result=sync_view(access.lock, known))


def _add_operations(routes: APIRouter, service: Service, limits: Limits) -> None:
    granted = lock_access(service, limits)
    answers, key = operation_answers(), operation_key()

    async def operate(request: Request, access: Access, action: BoltAction) -> Response:
        caller = Caller(token_id=access.token_id, key=idempotency_key(request))
        return answer(202, result=operation_view(await service.operate_bolt(access.lock, action, caller)))

    @routes.post("/{lock_id}/operation/lock", status_code=202, responses=answers, openapi_extra=key)
    async def lock(
        request: Request, access: Annotated[Access, Security(granted, scopes=[Scope.LOCK_OPERATE])]
    ) -> Response:
        """Throw the bolt; answered once the lock has begun."""
        return await operate(request, access, BoltAction.LOCK)

    @routes.post("/{lock_id}/operation/unlock", status_code=202, responses=answers, openapi_extra=key)
    async def unlock(
        request: Request,
        access: Annotated[Access, Security(granted, scopes=[Scope.LOCK_OPERATE])],
        mode: Annotated[UnlockMode, Query(description="4 pulls the latch, too.")] = UnlockMode.NORMAL,
    ) -> Response:
        """Draw the bolt; answered once the lock has begun."""
        return await operate(request, access, BoltAction.PULL if mode is UnlockMode.OR_PULL else BoltAction.UNLOCK)

    @routes.post("/{lock_id}/operation/pull", status_code=202, responses=answers, openapi_extra=key)
    async def pull(
        request: Request, access: Annotated[Access, Security(granted, scopes=[Scope.LOCK_OPERATE])]
    ) -> Response:
        """Draw bolt and latch, the latch for a moment; answered once the lock has begun."""
        return await operate(request, access, BoltAction.PULL)


async def _granted(service: Service, grant: Grant) -> list[LockRecord]:
    return [lock for lock in await service.locks() if lock.id in grant.locks]
