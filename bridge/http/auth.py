"""Who may do what at which lock; an answer never tells whether a lock exists that the token is not granted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request, Security
from fastapi.openapi.models import HTTPBase
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase

from bridge.errors import NotRegistered
from bridge.records import IMPLIED, LARGEST_LOCK_ID, Grant, LockRecord, Scope
from bridge.service import Service

from .limits import Limits
from .numbers import whole_number
from .problems import UNAUTHORIZED, ApiError


class TokenHeader(SecurityBase):
    """The token of an Authorization header with one scheme, in any spelling; None where there is none."""

    def __init__(self, scheme: str) -> None:
        self.model = HTTPBase(scheme=scheme)
        self.scheme_name = scheme

    async def __call__(self, request: Request) -> str | None:
        """Return the token as sent."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == self.scheme_name.lower() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A lock, and the token that is granted it; `may_write` is needed to see what opens it."""

    lock: LockRecord
    token_id: int
    may_write: bool


def token_grant(service: Service, limits: Limits) -> Callable[..., Awaitable[Grant]]:
    """Return the dependency that gives a route the token's grant: `Security(grant, scopes=[...])`, every one needed.

    Judged before anything of the body is read: 401 without a valid token, then 429 where it has no request left, then
    403 without the scopes. What may write may read.
    """

    async def grant(
        request: Request,
        needed: SecurityScopes,
        bearer: Annotated[str | None, Security(TokenHeader("Bearer"))],
        personal_key: Annotated[str | None, Security(TokenHeader("PersonalKey"))],
        _version: Annotated[str, Path(alias="version", description="Any: all versions are served alike.")],
    ) -> Grant:
        token = bearer or personal_key
        found = await service.authenticate(token) if token else None
        if found is None:
            limits.count_failure(request.client.host if request.client else "")
            raise ApiError(*UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
        limits.count_request(found.token_id)
        held = found.scopes | {IMPLIED[scope] for scope in found.scopes if scope in IMPLIED}
        missing = [scope for scope in needed.scopes if scope not in held]
        if missing:
            raise ApiError(403, f"The token lacks the scope {' and '.join(missing)}.")
        return found

    return grant


def lock_access(service: Service, limits: Limits) -> Callable[..., Awaitable[Access]]:
    """Return the dependency that gives a route its lock: `Security(access, scopes=[...])`, every one needed.

    After what `token_grant` judges, and before any look-up: 403 for a lock that is not granted, and the same for one
    that is not registered or no number.
    """

    async def access(
        grant: Annotated[Grant, Depends(token_grant(service, limits))],
        lock_id: Annotated[str, Path(description="The lock's number.")],
    ) -> Access:
        number = whole_number(lock_id, LARGEST_LOCK_ID)
        if number is None or number not in grant.locks:
            raise NotRegistered("The token is not granted this lock.")
        may_write = Scope.DEVICE_READ_WRITE in grant.scopes
        return Access(lock=await service.lock(number), token_id=grant.token_id, may_write=may_write)

    return access
