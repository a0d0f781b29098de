"""From a request's body to one JSON object; a body that is none is refused without a trace of what it held."""

import json
from collections.abc import Mapping

from fastapi import Request

from .problems import ApiError

MAX_BODY = 64 * 1024
JSON_TYPES = ("application/json", "application/json-patch+json")  # clients in the field send both

_WRONG_TYPE = f"Content-Type: must be {' or '.join(JSON_TYPES)}."
_TOO_LONG = "The body must have at most 64 KiB."
_NO_OBJECT = "The body must be one JSON object in UTF-8, with each field once and without NaN or Infinity."


async def read_object(request: Request) -> Mapping[str, object]:
    """Return the JSON object that `request` carries; raise ApiError(400) where it carries none."""
    media_type = request.headers.get("Content-Type", JSON_TYPES[0]).partition(";")[0].strip().lower()
    if media_type not in JSON_TYPES:
        raise ApiError(400, _WRONG_TYPE)
    return parse_object(await _bounded(request))


def parse_object(body: bytes) -> Mapping[str, object]:
    """Return the JSON object that `body` is; raise ApiError(400) where it is none."""
    try:
        document = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # its context would hold the body: raise outside of this block
        document = None
    if not isinstance(document, dict):
        raise ApiError(400, _NO_OBJECT)
    return document


async def _bounded(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise ApiError(400, _TOO_LONG)
    return bytes(body)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field is given twice")
    return fields


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
