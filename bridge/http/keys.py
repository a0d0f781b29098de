"""The Idempotency-Key header: under one key a change is made once, however often it is asked for."""

from fastapi import Request

from bridge.journal import Caller

from .problems import ApiError

HEADER = "Idempotency-Key"
LONGEST = 255


def caller(request: Request, token_id: int) -> Caller:
    """Return who asks for a change by `request`; raise ApiError as `idempotency_key` does.

    A client that has gone away while the lock was asked has not been told, and may ask the same again.
    """

    async def listens() -> bool:
        return not await request.is_disconnected()

    return Caller(token_id=token_id, key=idempotency_key(request), listens=listens)


def idempotency_key(request: Request) -> str | None:
    """Return the request's key, None without one; raise ApiError where it is no 1 to 255 printable ASCII characters."""
    keys = request.headers.getlist(HEADER)
    if not keys:
        return None
    key = keys[0]
    if len(keys) > 1 or not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise ApiError(400, f"{HEADER}: must be one of 1 to {LONGEST} printable ASCII characters.")
    return key
