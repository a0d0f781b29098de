"""What makes valid requests of schemathesis meet the lock: its number, pins that it has, digits and keys of their own.

Only what is meant to be valid is touched; broken requests go out as they were made.
"""

from itertools import count
from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext, Response
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from tests.together.fuzzed import LOCK

_fresh = count(1)
_created: list[int] = []


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Let a valid request ask for something that has not been asked for before."""
    del context, kwargs
    number = next(_fresh)
    if _is_valid(case, ParameterLocation.PATH) and "lock_id" in case.path_parameters:
        case.path_parameters["lock_id"] = str(LOCK)
    names_a_pin = _is_valid(case, ParameterLocation.PATH) and "pin_id" in case.path_parameters
    if names_a_pin and _created and not _is_linked(case):
        case.path_parameters["pin_id"] = str(_created[-1])
    if _is_valid(case, ParameterLocation.QUERY) and "deviceId" in case.query:
        case.query["deviceId"] = LOCK
    if _is_valid(case, ParameterLocation.HEADER) and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"key {number}"
    if _is_valid(case, ParameterLocation.BODY) and isinstance(case.body, dict):
        case.body["pin"] = f"91{number:05}"


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Keep which pins there are."""
    del context
    if response.status_code == 201:
        _created.append(response.json()["result"]["id"])
    elif response.status_code == 204 and case.method == "DELETE":
        _created[:] = [each for each in _created if str(each) != str(case.path_parameters["pin_id"])]


def _is_linked(case: Case[Any]) -> bool:
    """Whether its pin is that of an earlier answer, which the checks follow from its creation to its end."""
    return case.meta is not None and case.meta.phase.name is TestPhase.STATEFUL


def _is_valid(case: Case[Any], where: ParameterLocation) -> bool:
    if case.meta is None or where not in case.meta.components:
        return False
    return case.meta.components[where].mode is GenerationMode.POSITIVE
