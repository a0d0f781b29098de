"""What makes valid requests of schemathesis meet the lock: its number, its pins, and digits and keys of their own.

Only what is meant to be valid is touched; broken requests go out as they were made.
"""

from itertools import count
from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response

from tests.together.fuzzed import LOCK

_fresh = count(1)
_pins: list[str] = []
"""Those that were created, and are not removed."""


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Let a valid request ask for something that has not been asked for before."""
    del context, kwargs
    number = next(_fresh)
    if _is_valid(case, ParameterLocation.PATH) and "lock_id" in case.path_parameters:
        case.path_parameters["lock_id"] = str(LOCK)
    if _is_valid(case, ParameterLocation.PATH) and "pin_id" in case.path_parameters and _pins:
        case.path_parameters["pin_id"] = _pins.pop(0) if case.method == "DELETE" and len(_pins) > 1 else _pins[-1]
    if _is_valid(case, ParameterLocation.QUERY) and "deviceId" in case.query:
        case.query["deviceId"] = LOCK
    if _is_valid(case, ParameterLocation.HEADER) and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"key {number}"
    if _is_valid(case, ParameterLocation.BODY) and isinstance(case.body, dict):
        case.body["pin"] = f"91{number:05}"


def _is_valid(case: Case[Any], where: ParameterLocation) -> bool:
    if case.meta is None or where not in case.meta.components:
        return False
    return case.meta.components[where].mode is GenerationMode.POSITIVE


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Note which pins there are."""
    del context
    if case.method == "POST" and response.status_code == 201 and "/pin" in case.path:
        _pins.append(str(response.json()["result"]["id"]))
