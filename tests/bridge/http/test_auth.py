import socket

import httpx2
import pytest

from .conftest import Live
from .doubles import LOCK, READER, REMOVED_LOCK, UNGRANTED_LOCK, WRITER, RecordingService

PATH = f"/api/v37/my/lock/{LOCK}/pin"
BODY = {"alias": "Alias 1", "pin": "97531"}


def ask(live: Live, *lines: str, path: str = PATH) -> bytes:
    """Send a request's head, which promises a body that never comes, and return the answer to its end."""
    head = "\r\n".join((f"POST {path} HTTP/1.1", "Host: x", "Content-Length: 99", "Connection: close", *lines))
    with socket.create_connection(("127.0.0.1", live.port), timeout=5) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "PersonalKey", "PERSONALKEY", "personalkey"])
def test_both_schemes_are_taken_in_any_spelling(http: httpx2.Client, scheme: str) -> None:
    assert http.post(PATH, json=BODY, headers={"Authorization": f"{scheme} {WRITER}"}).status_code == 201


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "PersonalKey", WRITER, f"Basic {WRITER}", "Bearer lw_unknown", f"Bearer{WRITER}"],
)
def test_no_valid_token_is_401(http: httpx2.Client, service: RecordingService, authorization: str) -> None:
    response = http.post(PATH, json=BODY, headers={"Authorization": authorization})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["success"] is False
    assert set(service.calls) <= {"authenticate"}


def test_a_missing_header_is_401(http: httpx2.Client, service: RecordingService) -> None:
    del http.headers["Authorization"]
    assert http.post(PATH, json=BODY).status_code == 401
    assert service.calls == []


def test_401_comes_before_the_body_is_asked_for(live: Live, service: RecordingService) -> None:
    assert ask(live, "Expect: 100-continue").startswith(b"HTTP/1.1 401 ")
    assert service.calls == []


def test_a_missing_scope_is_403_before_any_look_up_and_before_the_body(live: Live, service: RecordingService) -> None:
    response = ask(live, f"Authorization: Bearer {READER}", "Expect: 100-continue")
    assert response.startswith(b"HTTP/1.1 403 ")
    assert b"The token lacks the scope Device.ReadWrite." in response
    assert service.calls == ["authenticate"]


@pytest.mark.parametrize("lock", [LOCK, UNGRANTED_LOCK, REMOVED_LOCK, 999, "abc"])
def test_a_missing_scope_is_told_alike_for_every_lock(http: httpx2.Client, lock: object) -> None:
    headers = {"Authorization": f"Bearer {READER}"}
    response = http.post(f"/api/v37/my/lock/{lock}/pin", json=BODY, headers=headers)
    assert response.status_code == 403
    assert response.json()["errorMessages"] == ["The token lacks the scope Device.ReadWrite."]


def forbidden(live: Live, lock: object) -> bytes:
    """Return the answer's bytes at `lock`, without the two lines that may differ."""
    path = f"/api/v37/my/lock/{lock}/pin"
    lines = ask(live, f"Authorization: Bearer {WRITER}", "Expect: 100-continue", path=path).split(b"\r\n")
    varying = (b"date:", b"x-correlation-id:")
    assert sum(line.lower().startswith(varying) for line in lines) == len(varying)
    return b"\r\n".join(line for line in lines if not line.lower().startswith(varying))


@pytest.mark.parametrize(
    "lock",
    [
        UNGRANTED_LOCK,
        REMOVED_LOCK,
        "abc",
        "-1",
        "1.0",
        "+123",
        "%20123",
        "0x7b",
        "1_2_3",
        "%D9%A1%D9%A2%D9%A3",
        "9" * 5000,
    ],
)
def test_an_unknown_lock_and_one_not_granted_are_the_same_bytes(
    live: Live, service: RecordingService, lock: object
) -> None:
    answer = forbidden(live, lock)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert answer == forbidden(live, 999)
    assert "create_pin" not in service.calls
