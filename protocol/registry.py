"""Opcode → message; two messages with one opcode, class or method refuse to import."""

from collections.abc import Iterable
from typing import Any

from .fields import Record
from .header import HEADER
from .messages.audit import AUDIT_READ
from .messages.bolt import BOLT_OPERATE
from .messages.clock import CLOCK_GET, CLOCK_SET
from .messages.declaration import Message, Request
from .messages.device import INFO, PING, STATUS
from .messages.hello import HELLO_REQUEST, HELLO_RESPONSE
from .messages.pairing import PAIR_COMMIT, UNPAIR
from .messages.pins import LAST_OPERATION, PIN_CLEAR, PIN_CREATE, PIN_DELETE, PIN_GET, PIN_LIST, PIN_UPDATE

AnyMessage = Message[Any, Any]


def index(messages: Iterable[AnyMessage]) -> dict[int, AnyMessage]:
    """Return the messages by opcode; raise TypeError where two of them share an opcode, a class or a method."""
    listed = list(messages)
    for attribute in ("opcode", "method", "section", "request", "response"):
        values = [getattr(message, attribute) for message in listed]
        if len(set(values)) != len(values):
            raise TypeError(f"two messages share one {attribute}")
    return {message.opcode: message for message in listed}


MESSAGES = index(
    (
        INFO,
        STATUS,
        PING,
        CLOCK_GET,
        CLOCK_SET,
        PIN_CREATE,
        PIN_GET,
        PIN_UPDATE,
        PIN_DELETE,
        PIN_LIST,
        PIN_CLEAR,
        LAST_OPERATION,
        PAIR_COMMIT,
        UNPAIR,
        BOLT_OPERATE,
        AUDIT_READ,
    )
)

BY_REQUEST: dict[type[Request], AnyMessage] = {message.request: message for message in MESSAGES.values()}

LAYOUTS: tuple[Record, ...] = (
    HEADER,
    HELLO_REQUEST,
    HELLO_RESPONSE,
    *(layout for message in MESSAGES.values() for layout in (message.request_layout, message.response_layout)),
)
"""Every record that travels by itself; generated.py reads and writes these."""
