"""The interface of a lock has one method for each message of the registry, and nothing else."""

import inspect
from typing import get_type_hints

import pytest

from protocol.handler import Handler
from protocol.messages.declaration import Refusal
from protocol.registry import MESSAGES, AnyMessage


def test_a_handler_has_exactly_one_method_a_message() -> None:
    methods = sorted(name for name in vars(Handler) if not name.startswith("_"))
    assert methods == sorted(message.method for message in MESSAGES.values())


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.method)
def test_each_method_takes_the_request_and_returns_the_response_or_a_refusal(message: AnyMessage) -> None:
    method = getattr(Handler, message.method)
    assert list(inspect.signature(method).parameters) == ["self", "peer", "request"]
    assert get_type_hints(method) == {
        "peer": int,
        "request": message.request,
        "return": message.response | Refusal,
    }
    assert f"(SPEC {message.section})" in (method.__doc__ or "")
