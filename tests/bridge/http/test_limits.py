"""How often who may ask: the windows by an injected clock, and the answers over a socket."""

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.http.limits import FAILURES, HOUR, MINUTE, Limits, Window
from bridge.http.problems import ApiError

from .calls import CALLS, CREATE, LIST
from .conftest import RATE, Clock, Live
from .doubles import READER, RecordingService

WRONG = {"Authorization": "Bearer lw_wrong"}


@given(
    most=st.integers(1, 4),
    steps=st.lists(st.integers(0, 4), max_size=40),
)
def test_no_stretch_of_time_holds_more_than_it_may_and_whoever_waits_as_told_gets_in(
    most: int, steps: list[int]
) -> None:
    clock, taken = Clock(), list[float]()
    window = Window(most, 5, clock)
    for step in steps:
        clock.now += step
        wait = window.wait("key")
        if wait == 0:
            taken.append(clock.now)
        else:
            assert 0 < wait <= 5
            clock.now += wait
            assert window.wait("key") == 0
            taken.append(clock.now)
    for first, later in zip(taken, taken[most:], strict=False):
        assert later - first >= 5


def test_what_is_refused_is_not_counted() -> None:
    clock = Clock()
    window = Window(1, 10, clock)
    assert window.wait("key") == 0
    for clock.now in (1.0, 5.0, 9.0):
        assert window.wait("key") == 10 - clock.now
    clock.now = 10.0
    assert window.wait("key") == 0


def test_each_key_has_its_own_events() -> None:
    window = Window(1, 10, Clock())
    assert [window.wait(key) for key in ("a", "b", "a")] == [0, 0, 10]


def test_the_table_is_bounded_and_forgets_the_quietest_first() -> None:
    clock = Clock()
    window = Window(2, 10, clock, keys=3)
    for key in ("a", "b", "c", "a", "d"):
        clock.now += 1
        assert window.wait(key) == 0
    assert len(window) == 3
    assert window.wait("a") > 0
    assert window.wait("b") == 0
    assert len(window) == 3


def test_keys_that_have_been_quiet_for_long_leave_the_table() -> None:
    clock = Clock()
    window = Window(2, 10, clock)
    for key in range(5):
        window.wait(key)
    clock.now = 10.0
    window.wait("new")
    assert len(window) == 1


def test_a_token_has_the_requests_of_the_vendors_api_unless_it_is_set_otherwise() -> None:
    limits = Limits(now=Clock())
    for _ in range(700):
        limits.count_request(1)
    with pytest.raises(ApiError) as refused:
        limits.count_request(1)
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "3600"})


def assert_too_many(response: httpx2.Response, seconds: float) -> None:
    assert response.status_code == 429
    assert response.headers["Retry-After"] == f"{seconds:g}"
    assert response.headers["X-Correlation-ID"] == "call-1"
    envelope = response.json()
    assert (envelope["result"], envelope["success"], envelope["statusCode"]) == (None, False, 429)
    assert len(envelope["errorMessages"]) == 1


def test_a_token_that_has_used_up_its_hour_waits_for_the_oldest_request(
    http: httpx2.Client, live: Live, service: RecordingService
) -> None:
    for _ in range(RATE):
        assert LIST.make(http).status_code == 200
    live.clock.now += 1.5
    service.reset()
    assert_too_many(CREATE.make(http, **{"X-Correlation-ID": "call-1"}), HOUR - 1)  # rounded up
    assert service.calls == ["authenticate"]
    live.clock.now += HOUR - 1.5
    assert CREATE.make(http).status_code == 201


def test_no_call_is_made_for_a_token_that_has_used_up_its_hour(http: httpx2.Client, service: RecordingService) -> None:
    for _ in range(RATE):
        LIST.make(http)
    service.reset()
    assert {call.make(http).status_code for call in CALLS} == {429}
    assert set(service.calls) == {"authenticate"}


def test_each_token_has_its_own_requests(http: httpx2.Client) -> None:
    for _ in range(RATE):
        LIST.make(http)
    assert LIST.make(http).status_code == 429
    assert LIST.make(http, Authorization=f"PersonalKey {READER}").status_code == 200


def test_a_request_without_the_scope_counts_too(http: httpx2.Client) -> None:
    reader = {"Authorization": f"Bearer {READER}"}
    statuses = [CREATE.make(http, **reader).status_code for _ in range(RATE + 1)]
    assert statuses == [403] * RATE + [429]


@pytest.mark.parametrize("headers", [WRONG, {"Authorization": "none"}], ids=["wrong token", "no token"])
def test_an_address_that_fails_too_often_waits_and_a_valid_token_from_there_does_not(
    http: httpx2.Client, live: Live, headers: dict[str, str]
) -> None:
    for _ in range(FAILURES):
        assert LIST.make(http, **headers).status_code == 401
    live.clock.now += 20
    assert_too_many(LIST.make(http, **headers, **{"X-Correlation-ID": "call-1"}), MINUTE - 20)
    assert LIST.make(http).status_code == 200
    live.clock.now += MINUTE - 20
    assert LIST.make(http, **headers).status_code == 401


def test_another_address_has_failures_of_its_own(http: httpx2.Client, live: Live) -> None:
    statuses = [LIST.make(http, **WRONG).status_code for _ in range(FAILURES + 1)]
    assert statuses[-1] == 429
    transport = httpx2.HTTPTransport(local_address="127.0.0.2")
    with httpx2.Client(transport=transport, base_url=f"http://127.0.0.1:{live.port}") as elsewhere:
        assert LIST.make(elsewhere, **WRONG).status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_whoever_watches_is_never_told_to_wait(http: httpx2.Client, path: str) -> None:
    for _ in range(FAILURES + 1):
        LIST.make(http, **WRONG)
    assert {http.get(path, headers=WRONG).status_code for _ in range(FAILURES + 1)} == {200}
