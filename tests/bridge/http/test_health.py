"""Whoever watches the bridge is answered without a token: whether it lives, whether it can work, what it counted."""

import re

import httpx2
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from bridge import errors
from bridge.http.metrics import MADE_UP, Metrics
from bridge.observing import Exchanged
from protocol.exchange import State
from protocol.framing import Kind
from protocol.messages.clock import ClockGetResponse
from protocol.messages.declaration import Refusal
from protocol.messages.device import InfoResponse, StatusResponse
from protocol.vocabulary import BoltState, Capability, ClockState, DoorState, Status

from .calls import BODY, CREATE, OPENAPI
from .conftest import Create, Live
from .doubles import WIRE_ID, WRITER, RecordingService

LOCK, OTHER = 0x0A1B2C3D, 0x0A1B2C3E
INFO = InfoResponse(
    lock_id=LOCK,
    min_version=1,
    max_version=1,
    model="M",
    serial="S",
    firmware_version="1",
    capacity=200,
    max_frame=256,
    capabilities=Capability(0),
)
STATUS = StatusResponse(
    list_version=1,
    used=3,
    clock=ClockState.TRUSTED,
    time=1_000,
    battery=100,
    bolt=BoltState.LOCKED,
    door=DoorState.CLOSED,
    jammed=False,
)

Samples = dict[tuple[str, tuple[str, ...]], float]


def samples(exposition: str) -> Samples:
    """Return each sample by its name and its labels' values, in the order of the labels' names."""
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def told(metrics: Metrics) -> Samples:
    return samples(metrics.exposition().decode())


def anonymous(http: httpx2.Client) -> httpx2.Client:
    del http.headers["Authorization"]
    return http


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/HealthZ"])
def test_a_bridge_that_works_says_so_in_the_envelope(http: httpx2.Client, path: str) -> None:
    response = anonymous(http).get(path)
    assert response.status_code == 200
    assert response.json() == {"result": None, "success": True, "errorMessages": [], "statusCode": 200}
    assert response.headers["X-Correlation-ID"]


def test_a_bridge_that_cannot_work_still_lives_and_tells_why_in_the_log_alone(
    http: httpx2.Client, service: RecordingService, caplog: pytest.LogCaptureFixture
) -> None:
    service.failure = errors.DamagedState("The registry /secret/place is gone.")
    response = anonymous(http).get("/readyz", headers={"X-Correlation-ID": "look-1"})
    assert (response.status_code, response.json()["success"]) == (503, False)
    assert "/secret/place" not in response.text
    assert "request look-1: not ready: The registry /secret/place is gone." in caplog.text
    assert http.get("/healthz").status_code == 200


def test_what_is_counted_is_read_without_a_token(http: httpx2.Client) -> None:
    response = anonymous(http).get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.headers["X-Correlation-ID"]
    assert ("latchwire_retries_total", ()) in samples(response.text)


def test_answers_are_counted_by_method_and_template(http: httpx2.Client, live: Live, create: Create) -> None:
    def count(method: str, route: str, status: int) -> float:
        return told(live.metrics).get(("latchwire_http_answers_total", (method, route, str(status))), 0)

    asked = [
        ("POST", OPENAPI, 201),
        ("POST", OPENAPI, 401),
        ("GET", "/healthz", 200),
        ("POST", "/healthz", 405),
        (MADE_UP, "/healthz", 405),
        ("GET", MADE_UP, 404),
    ]
    before = [count(*key) for key in asked]
    create()
    CREATE.make(http, Authorization="none")
    http.get("/HEALTHZ")
    http.post("/healthz")
    http.request("X97531", "/healthz")
    http.get("/97531")
    assert [count(*key) for key in asked] == [count + 1 for count in before]


def test_a_failure_that_nobody_expected_is_counted_too(live: Live, create: Create, service: RecordingService) -> None:
    key = ("latchwire_http_answers_total", ("POST", OPENAPI, "500"))
    before = told(live.metrics).get(key, 0)
    service.failure = RuntimeError()
    create()
    assert told(live.metrics)[key] == before + 1


def test_no_label_holds_what_was_sent(http: httpx2.Client, create: Create) -> None:
    create(headers={"Idempotency-Key": "drawn"})
    http.get(f"/{BODY['pin']}", params={"alias": str(BODY["alias"])})
    text = http.get("/metrics").text
    for secret in (str(BODY["pin"]), str(BODY["alias"]), WRITER, "drawn"):
        assert secret not in text


def test_nothing_is_counted_in_the_registry_that_a_process_shares() -> None:
    Metrics().count_answer("GET", "/healthz", 200)
    assert not re.search("latchwire", str(list(REGISTRY.collect())))


def exchanged(state: State, transmissions: int, seconds: float) -> Exchanged:
    return Exchanged(kind=Kind.TRANSPORT, state=state, transmissions=transmissions, seconds=seconds)


def test_exchanges_are_a_histogram_for_each_outcome_and_what_was_sent_again_is_counted() -> None:
    metrics = Metrics()
    metrics.exchanged(exchanged(State.ANSWERED, 1, 0.02))
    metrics.exchanged(exchanged(State.ANSWERED, 2, 0.3))
    metrics.exchanged(exchanged(State.SILENT, 3, 1.5))
    metrics.exchanged(exchanged(State.LOST, 0, 0.0))  # before anything was sent
    metrics.timed_out()
    counted = told(metrics)
    assert counted["latchwire_exchange_seconds_count", ("transport", "answered")] == 2
    assert counted["latchwire_exchange_seconds_sum", ("transport", "answered")] == pytest.approx(0.32)
    assert counted["latchwire_exchange_seconds_bucket", ("transport", "0.025", "answered")] == 1
    assert counted["latchwire_exchange_seconds_count", ("transport", "silent")] == 1
    assert counted["latchwire_exchange_seconds_count", ("transport", "link_lost")] == 1
    assert counted["latchwire_retries_total", ()] == 3
    assert counted["latchwire_timeouts_total", ()] == 1


@pytest.mark.parametrize("state", [state for state in State if state is not State.READY])
def test_every_way_in_which_an_exchange_can_end_has_a_label(state: State) -> None:
    Metrics().exchanged(exchanged(state, 1, 0.1))


def test_slots_and_clock_are_those_of_the_lock_as_it_last_told() -> None:
    metrics = Metrics()
    metrics.answered(LOCK, STATUS, 997.5)
    assert ("latchwire_free_slots", ("0A1B2C3D",)) not in told(metrics)
    metrics.answered(LOCK, INFO, 997.5)
    metrics.answered(LOCK, STATUS, 997.5)
    counted = told(metrics)
    assert counted["latchwire_free_slots", ("0A1B2C3D",)] == 197
    assert counted["latchwire_clock_skew_seconds", ("0A1B2C3D",)] == 2.5
    metrics.answered(LOCK, ClockGetResponse(state=ClockState.TRUSTED, time=1_000, zone="UTC", rule="UTC0"), 1_004.0)
    metrics.answered(LOCK, Refusal(status=Status.BUSY), 0.0)
    assert told(metrics)["latchwire_clock_skew_seconds", ("0A1B2C3D",)] == -4


def test_what_a_lock_has_told_is_forgotten_with_it() -> None:
    metrics = Metrics()
    for answer in (INFO, STATUS):
        metrics.answered(LOCK, answer, 0.0)
        metrics.answered(OTHER, answer, 0.0)
    metrics.keep({OTHER})
    assert {key for key in told(metrics) if "0A1B2C3D" in key[1]} == set()
    assert told(metrics)["latchwire_free_slots", ("0A1B2C3E",)] == 197
    metrics.answered(LOCK, STATUS, 0.0)
    assert ("latchwire_free_slots", ("0A1B2C3D",)) not in told(metrics)  # its capacity may be another now
    assert ("latchwire_clock_skew_seconds", ("0A1B2C3D",)) in told(metrics)


def test_locks_that_are_not_registered_leave_the_metrics_unless_nobody_can_know(
    http: httpx2.Client, live: Live, service: RecordingService
) -> None:
    for wire_id in (LOCK, WIRE_ID):
        live.metrics.answered(wire_id, STATUS, 0.0)
    service.failure = errors.DamagedState("The registry is gone.")
    assert 'lock="0A1B2C3D"' in http.get("/metrics").text
    service.failure = None
    counted = http.get("/metrics").text
    assert ('lock="0A1B2C3D"' in counted, f'lock="{WIRE_ID:08X}"' in counted) == (False, True)
