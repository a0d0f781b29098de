import httpx2
import pytest

from bridge.http.body import MAX_BODY, parse_object
from bridge.http.problems import ApiError

from .conftest import Live
from .doubles import LOCK, WRITER, RecordingService

PATH = f"/api/v37/my/lock/{LOCK}/pin"
GOOD = b'{"alias": "Alias 1", "pin": "97531"}'


def padded(length: int) -> bytes:
    return GOOD + b" " * (length - len(GOOD))


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/json-patch+json",
        "application/json; charset=utf-8",
        "Application/JSON-Patch+JSON;charset=UTF-8;odata=verbose",
    ],
)
def test_both_json_types_are_read_with_any_parameters(http: httpx2.Client, media_type: str) -> None:
    assert http.post(PATH, content=GOOD, headers={"Content-Type": media_type}).status_code == 201


def test_a_missing_content_type_is_taken_for_json(http: httpx2.Client) -> None:
    response = http.post(PATH, content=GOOD)
    assert "Content-Type" not in response.request.headers
    assert response.status_code == 201


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_any_other_type_is_400_and_named(http: httpx2.Client, media_type: str) -> None:
    response = http.post(PATH, content=GOOD, headers={"Content-Type": media_type})
    assert response.status_code == 400
    assert response.json()["errorMessages"] == [
        "Content-Type: must be application/json or application/json-patch+json."
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"97531"',
        b"{",
        GOOD + b"x",
        GOOD[:-1] + b', "extra": NaN}',
        GOOD[:-1] + b', "extra": [-Infinity]}',
        GOOD[:-1] + b', "pin": "97531"}',
        GOOD[:-1] + b', "extra": {"a": 1, "a": 2}}',
        GOOD[:-1] + b', "extra": "\xff"}',
        GOOD[:-1] + b', "extra": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        GOOD[:-1] + b', "extra": ' + b"9" * 5000 + b"}",
        GOOD.decode().encode("utf-16"),
        b"alias=Alias&pin=97531",
    ],
    ids=lambda body: repr(body[:60]),
)
def test_a_body_that_is_no_json_object_is_400(http: httpx2.Client, service: RecordingService, body: bytes) -> None:
    response = http.post(PATH, content=body)
    assert response.status_code == 400
    assert response.json()["errorMessages"] == [
        "The body must be one JSON object in UTF-8, with each field once and without NaN or Infinity."
    ]
    assert service.created == []


def test_a_body_of_64_kib_is_read_and_a_longer_one_is_400(http: httpx2.Client) -> None:
    assert http.post(PATH, content=padded(MAX_BODY)).status_code == 201
    response = http.post(PATH, content=padded(MAX_BODY + 1))
    assert response.status_code == 400
    assert response.json()["errorMessages"] == ["The body must have at most 64 KiB."]


@pytest.mark.parametrize(("length", "status"), [(MAX_BODY, 201), (MAX_BODY + 1, 400)])
def test_a_body_in_chunks_has_the_same_bound(live: Live, service: RecordingService, length: int, status: int) -> None:
    chunks = (padded(length)[at : at + 4096] for at in range(0, length, 4096))
    headers = {"Authorization": f"Bearer {WRITER}"}
    with httpx2.Client(trust_env=False) as client:
        response = client.post(f"http://127.0.0.1:{live.port}{PATH}", content=chunks, headers=headers)
    assert response.status_code == status
    assert len(service.created) == (status == 201)


@pytest.mark.parametrize("body", [b'{"pin": "97531"', b'{"pin": "97531", "pin": "97531"}', b'{"pin": "97531\xff"}'])
def test_the_error_of_a_broken_body_holds_nothing_of_it(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        parse_object(body)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert "97531" not in repr(caught.value)
