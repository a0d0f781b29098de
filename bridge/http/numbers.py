"""Numbers that paths and queries name: decimals without signs or leading zeros, so that nothing has two names."""

import re
from typing import Annotated

from fastapi import Request
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from bridge.records import LARGEST_PIN_ID
from bridge.refusals import SENTENCES
from protocol.vocabulary import Status

from .problems import PLAIN, ApiError

LIST_VERSION = "listVersion"
LARGEST_VERSION = 0xFFFF_FFFF
NO_VERSION = f"{LIST_VERSION}: must be one whole number from 0 to {LARGEST_VERSION}."
_PLAIN = re.compile("0|-?[1-9][0-9]*")


def whole_number(text: str, largest: int) -> int | None:
    """Return the number from 0 to `largest` that `text` names, or None."""
    plain = text.isascii() and text.isdecimal() and len(text) <= len(str(largest)) and text == str(int(text))
    return int(text) if plain and int(text) <= largest else None


def _plain(value: object) -> object:
    """Refuse 20.0, +20 and 020, which the framework takes for 20."""
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        raise PydanticCustomError(PLAIN, "no plain decimal")
    return value


Whole = Annotated[int, BeforeValidator(_plain)]
"""A whole number in a query, written in one way alone."""


def pin_number(text: str) -> int:
    """Return the id of a pin that a path names; raise ApiError(404) for one that no lock can have given."""
    if number := whole_number(text, LARGEST_PIN_ID):
        return number
    raise ApiError(404, SENTENCES[Status.NOT_FOUND])


def list_version(request: Request) -> int | None:
    """Return the list version that the caller knows, None where it tells none; raise ApiError(400) for no number."""
    told = [value for value in request.query_params.getlist(LIST_VERSION) if value]
    if not told:
        return None
    number = whole_number(told[0], LARGEST_VERSION)
    if number is None or len(told) > 1:
        raise ApiError(400, NO_VERSION)
    return number
