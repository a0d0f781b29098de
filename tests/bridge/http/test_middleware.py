import asyncio
import re
from collections.abc import Iterable

import httpx2
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.http.app import create_app
from bridge.http.metrics import Metrics
from bridge.http.middleware import Guard

from .conftest import Create
from .doubles import LOCK, WRITER, RecordingService


def drive(app: ASGIApp, received: Iterable[Message]) -> list[Message]:
    """Return what `app` sends for a create call at LOCK whose body comes as `received`."""
    messages, sent = iter(received), list[Message]()

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {WRITER}".encode())]
    scope = {"type": "http", "method": "POST", "path": f"/api/v37/my/lock/{LOCK}/pin", "headers": headers}

    async def serve() -> None:
        await app(scope | {"query_string": b""}, receive, send)

    asyncio.run(serve())
    return sent


@pytest.mark.parametrize("given", ["a", "0HN7-x_.y", "A" * 64])
def test_a_sane_correlation_id_comes_back(http: httpx2.Client, given: str) -> None:
    assert http.get("/", headers={"X-Correlation-ID": given}).headers["X-Correlation-ID"] == given


@pytest.mark.parametrize("given", ["", "A" * 65, "a b", "a;b", "<a>", "ä"])
def test_any_other_correlation_id_is_replaced(http: httpx2.Client, given: str) -> None:
    headers = [(b"X-Correlation-ID", given.encode())]
    first, second = (http.get("/", headers=headers).headers["X-Correlation-ID"] for _ in range(2))
    assert re.fullmatch("[0-9a-f]{16}", first)
    assert first != second


@pytest.mark.parametrize(
    "path",
    [f"/API/V1.17/My/Lock/{LOCK}/PIN", f"/api/anything/my/lock/{LOCK}/pin", f"/Api/v37/MY/LOCK/{LOCK}/Pin"],
)
def test_paths_match_in_any_spelling_and_version(http: httpx2.Client, path: str) -> None:
    assert http.post(path, json={"alias": "Alias 1", "pin": "97531"}).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", f"/my/lock/{LOCK}/pin", 404),
        ("POST", f"/api/v37/my/lock/{LOCK}/pin/", 404),
        ("POST", f"/api/v37/my/lock//{LOCK}/pin", 404),
        ("PATCH", f"/api/v37/my/lock/{LOCK}/pin", 405),
        ("BREW", f"/api/v37/my/lock/{LOCK}/pin", 405),
    ],
)
def test_what_the_framework_refuses_wears_the_envelope(
    http: httpx2.Client, method: str, path: str, status: int
) -> None:
    response = http.request(method, path)
    assert response.status_code == status
    assert response.headers["X-Correlation-ID"]
    told = {404: "There is no such call", 405: "This call takes GET, POST"}[status]
    assert response.json() == {
        "result": None,
        "success": False,
        "errorMessages": [f"{told}{': ' if status == 404 else '. '}/openapi.json lists all."],
        "statusCode": status,
    }
    assert ("Allow" in response.headers) == (status == 405)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (f"/api/v37/my/lock/{LOCK}/pin", {"GET", "POST"}),
        (f"/API/V37/my/lock/{LOCK}/PIN/3", {"DELETE", "GET", "PUT"}),
        ("/api/v37/my/lock/sync", {"GET"}),
        ("/metrics", {"GET"}),
        ("/openapi.json", {"GET", "HEAD"}),
    ],
)
def test_405_names_every_method_that_the_path_takes(http: httpx2.Client, path: str, methods: set[str]) -> None:
    response = http.request("TRACE", path)
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == methods


def test_an_unexpected_failure_is_500_and_logged_without_its_text(
    create: Create, service: RecordingService, caplog: pytest.LogCaptureFixture
) -> None:
    service.failure = RuntimeError("the pin 97531 of Alias 1")
    response = create(headers={"X-Correlation-ID": "call-1"})
    assert (response.status_code, response.headers["X-Correlation-ID"]) == (500, "call-1")
    assert response.json() == {
        "result": None,
        "success": False,
        "errorMessages": ["The bridge failed; its log has more under this answer's X-Correlation-ID."],
        "statusCode": 500,
    }
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.name == "bridge.http.middleware"
    assert record.getMessage().startswith("request call-1: RuntimeError\n")
    assert "create_pin" in record.getMessage()


def test_a_caller_who_leaves_in_mid_body_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    begun: Message = {"type": "http.request", "body": b'{"pin"', "more_body": True}
    service = RecordingService()
    assert drive(create_app(service), [begun, {"type": "http.disconnect"}]) == []
    assert service.created == []
    assert [record for record in caplog.records if record.name.startswith("bridge")] == []


def test_a_failure_in_mid_answer_is_logged_and_starts_no_second_answer(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(text)

    text = "the pin 97531"
    (start,) = drive(Guard(app, Metrics()), [])
    assert start["status"] == 200
    assert "RuntimeError" in caplog.text
    assert text not in caplog.text
