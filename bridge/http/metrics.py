"""What is counted, as Prometheus reads it: in a registry of its own, and with no digits, tokens or names in a label.

A lock is labelled by its own number, as the trace writes it; a call by its method and its route's template.
"""

from collections.abc import Collection
from http import HTTPMethod

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bridge.observing import Exchanged
from protocol.exchange import State
from protocol.framing import Kind
from protocol.messages.clock import ClockGetResponse
from protocol.messages.declaration import Refusal, Response
from protocol.messages.device import InfoResponse, StatusResponse

MADE_UP = "none"
"""The label of a method that there is not, and of what no route answers: what callers make up must be no label."""
METHODS = frozenset(HTTPMethod)
KINDS = {Kind.HELLO_REQUEST: "hello", Kind.HANDSHAKE: "handshake", Kind.TRANSPORT: "transport"}
"""The labels of what a bridge may ask."""
OUTCOMES = {
    State.ANSWERED: "answered",
    State.REFUSED: "refused",
    State.SILENT: "silent",
    State.LOST: "link_lost",
    State.WAITING: "cut_off",
}
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """One process's counts; an Observer of what the bridge does."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._exchanges = Histogram(
            "latchwire_exchange_seconds",
            "Exchanges with locks, from the first transmission on.",
            ("kind", "outcome"),
            registry=registry,
            buckets=SECONDS,
        )
        self._retries = Counter(
            "latchwire_retries", "Frames sent again because no answer came in time.", registry=registry
        )
        self._timeouts = Counter(
            "latchwire_timeouts", "Requests to locks that ended without an answer in time.", registry=registry
        )
        self._free = Gauge("latchwire_free_slots", "Pins that a lock has room for.", ("lock",), registry=registry)
        self._skew = Gauge(
            "latchwire_clock_skew_seconds",
            "How far a lock's clock was ahead when it last told its time.",
            ("lock",),
            registry=registry,
        )
        self._answers = Counter(
            "latchwire_http_answers", "Answers over HTTP.", ("method", "route", "status"), registry=registry
        )
        self._capacities: dict[int, int] = {}
        self._heard: set[int] = set()

    def exchanged(self, exchange: Exchanged) -> None:
        """Count an exchange, and what had to be sent again for it."""
        labels = KINDS[exchange.kind], OUTCOMES[exchange.state]
        self._exchanges.labels(*labels).observe(exchange.seconds)
        self._retries.inc(max(exchange.transmissions - 1, 0))

    def answered(self, wire_id: int, answer: Response | Refusal, now: float) -> None:
        """Keep what a lock tells of its slots and its clock; slots are free once both of their numbers are known."""
        self._heard.add(wire_id)
        match answer:
            case InfoResponse():
                self._capacities[wire_id] = answer.capacity
            case StatusResponse():
                self._keep_skew(wire_id, answer.time, now)
                if wire_id in self._capacities:
                    self._free.labels(_lock(wire_id)).set(self._capacities[wire_id] - answer.used)
            case ClockGetResponse():
                self._keep_skew(wire_id, answer.time, now)

    def timed_out(self) -> None:
        """Count a request that met its deadline."""
        self._timeouts.inc()

    def count_answer(self, method: str, route: str, status: int) -> None:
        """Count an answer over HTTP; `method` is as it was sent, `route` is a template or MADE_UP."""
        self._answers.labels(method if method in METHODS else MADE_UP, route, str(status)).inc()

    def keep(self, wire_ids: Collection[int]) -> None:
        """Forget what locks other than these have told."""
        for wire_id in self._heard.difference(wire_ids):
            self._capacities.pop(wire_id, None)
            for gauge in (self._free, self._skew):
                gauge.remove(_lock(wire_id))
        self._heard.intersection_update(wire_ids)

    def exposition(self) -> bytes:
        """Return all of it in Prometheus's text format."""
        return generate_latest(self._registry)

    def _keep_skew(self, wire_id: int, told: int, now: float) -> None:
        self._skew.labels(_lock(wire_id)).set(told - now)


def _lock(wire_id: int) -> str:
    return f"{wire_id:08X}"
