"""The route that tells what happened at a lock, page by page, newest first."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response, Security

from bridge.errors import NotRegistered
from bridge.records import Grant, Scope
from bridge.service import Service

from .auth import token_grant
from .documentation.locks import activity_answers
from .envelope import answer
from .limits import Limits
from .lock_views import entry_view
from .numbers import Whole
from .problems import ApiError

MOST_ELEMENTS = 200
_NO_DATE = "lastElemDate: must be a date and time such as 2026-07-01T08:00:00.000Z."


def activity_routes(service: Service, limits: Limits) -> APIRouter:
    """Return the route `/api/{version}/my/deviceactivity`."""
    routes = APIRouter(prefix="/api/{version}/my/deviceactivity", tags=["locks"])

    @routes.get("", responses=activity_answers())
    async def get_activity(
        grant: Annotated[Grant, Security(token_grant(service, limits), scopes=[Scope.DEVICE_ACTIVITY_READ])],
        lock_id: Annotated[Whole, Query(alias="deviceId", description="The lock's number.")],
        elements: Annotated[Whole, Query(ge=1, le=MOST_ELEMENTS)] = MOST_ELEMENTS,
        last: Annotated[
            str | None,
            Query(
                alias="lastElemDate",
                description="Only what is older is told: give the last date of a page to get the next.",
                json_schema_extra={"format": "date-time"},
            ),
        ] = None,
    ) -> Response:
        """Tell what happened at a lock; without lastElemDate the lock is asked what is new, if it answers in time."""
        if lock_id not in grant.locks:
            raise NotRegistered("The token is not granted this lock.")
        before = None if last is None else read_date(last)
        entries = await service.activity(await service.lock(lock_id), elements, before)
        return answer(200, result=[entry_view(entry) for entry in entries])

    return routes


def read_date(text: str) -> datetime:
    """Return the instant that `text` says, in UTC where it names no offset; raise ApiError(400) where it says none."""
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ApiError(400, _NO_DATE) from None
    try:
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except OverflowError:  # an offset beyond the first year or the last
        return instant.replace(tzinfo=UTC)
