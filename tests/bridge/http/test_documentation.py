"""OpenAPI says of each call what it reads, what it answers and what scope it needs; its examples are what happens."""

from typing import Any

import httpx2
import pytest

from .calls import BODY, CALLS, CHANGES, CREATE, GET, LIST, UPDATE, Call
from .doubles import LIST_VERSION, RecordingService

every_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.asks)


@pytest.fixture
def document(http: httpx2.Client) -> Any:
    return http.get("/openapi.json").json()


def operation(document: Any, call: Call) -> Any:
    return document["paths"][call.documented][call.method.lower()]


def examples(operation: Any) -> dict[int, Any]:
    """Return the example of each answer that has a body."""
    return {
        int(status): response["content"]["application/json"]["example"]
        for status, response in operation["responses"].items()
        if "content" in response
    }


def test_there_is_no_call_but_those_that_are_tested_here(document: Any) -> None:
    pins = {path: set(operations) for path, operations in document["paths"].items() if "/pin" in path}
    assert pins == {CREATE.documented: {"post", "get"}, GET.documented: {"get", "put", "delete"}}


@every_call
def test_every_answer_is_documented_and_no_other(document: Any, call: Call) -> None:
    assert set(operation(document, call)["responses"]) == {str(status) for status in call.done | call.failures}


def test_nothing_is_left_of_the_frameworks_own_answers(document: Any) -> None:
    assert "ValidationError" not in str(document)


def test_every_answer_has_the_headers_that_are_sent_with_it(document: Any) -> None:
    operations = [operation for operations in document["paths"].values() for operation in operations.values()]
    for status, answer in [told for operation in operations for told in operation["responses"].items()]:
        waiting = {"Retry-After"} if status in ("409", "429") else set()
        assert set(answer["headers"]) == {"X-Correlation-ID"} | waiting
        assert all(header["required"] for header in answer["headers"].values())


@every_call
def test_the_scope_is_documented_for_both_schemes(document: Any, call: Call) -> None:
    scopes = ["Device.ReadWrite"] if call in CHANGES else ["Device.Read", "Device.ReadWrite"]  # who may write may read
    ways = [{scheme: [scope]} for scope in scopes for scheme in ("Bearer", "PersonalKey")]
    assert operation(document, call)["security"] == ways


@every_call
def test_every_parameter_is_documented(document: Any, call: Call) -> None:
    path = {"lock_id", "version"} | ({"pin_id"} if call.documented == GET.documented else set())
    more = {"Idempotency-Key"} if call in CHANGES else {"listVersion"} if call is LIST else set()
    assert {parameter["name"] for parameter in operation(document, call)["parameters"]} == path | more


@every_call
def test_every_example_of_an_answer_wears_its_status(document: Any, call: Call) -> None:
    for status, example in examples(operation(document, call)).items():
        assert example["statusCode"] == status
        assert example["success"] == (example["errorMessages"] == []) == (status in call.done)


@pytest.mark.parametrize("call", [CREATE, UPDATE], ids=lambda call: call.asks)
def test_every_example_of_a_body_is_taken_in_both_types(http: httpx2.Client, document: Any, call: Call) -> None:
    content = operation(document, call)["requestBody"]["content"]
    assert set(content) == {"application/json", "application/json-patch+json"}
    for media_type in content:
        for example in content[media_type]["examples"].values():
            headers = {"Content-Type": media_type}
            assert http.request(call.method, call.path, json=example["value"], headers=headers).status_code in call.done


@pytest.mark.parametrize("call", [LIST, GET], ids=lambda call: call.asks)
def test_an_answer_has_the_fields_of_its_example_and_schema(http: httpx2.Client, document: Any, call: Call) -> None:
    content = operation(document, call)["responses"]["200"]["content"]["application/json"]
    answered = call.make(http).json()["result"]
    assert set(content["example"]["result"]) == set(answered)
    schema = content["schema"]["properties"]["result"]
    assert set(schema["properties"]) == set(answered)
    assert set(schema["required"]) <= set(answered)


def test_the_example_of_one_pin_can_be_written_back(
    http: httpx2.Client, document: Any, service: RecordingService
) -> None:
    result = examples(operation(document, GET))[200]["result"]
    assert http.put(UPDATE.path, json=result).status_code == 204
    ((pin_id, service.held),) = service.updated
    assert (result["id"], http.get(GET.path).json()["result"]) == (pin_id, result)


@every_call
def test_a_failure_that_is_met_before_the_service_reads_as_its_example(
    http: httpx2.Client, document: Any, call: Call
) -> None:
    told = examples(operation(document, call))
    assert call.make(http, Authorization="none").json()["errorMessages"] == told[401]["errorMessages"]
    elsewhere = call.path.replace("/123/", "/999/")
    response = http.request(call.method, elsewhere, json=BODY if call.has_body else None)
    assert response.json()["errorMessages"] == told[403]["errorMessages"]
    if call is LIST:
        assert http.get(f"{LIST.path}?listVersion=x").json()["errorMessages"] == told[400]["errorMessages"]
        assert http.get(f"{LIST.path}?listVersion={LIST_VERSION}").status_code == 304
