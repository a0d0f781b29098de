"""The Idempotency-Key header: under one key a change is made once, however often it is asked for."""

from fastapi import Request

from .problems import ApiError

HEADER = "Idempotency-Key"
LONGEST = 255


def idempotency_key(request: Request) -> str | None:
    """Return the request's key, None without one; raise ApiError where it is no 1 to 255 printable ASCII characters."""
    keys = request.headers.getlist(HEADER)
    if not keys:
        return None
    key = keys[0]
    if len(keys) > 1 or not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise ApiError(400, f"{HEADER}: must be one of 1 to {LONGEST} printable ASCII characters.")
    return key
