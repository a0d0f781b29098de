"""One real server on a loopback socket for all HTTP tests, and a watch that no answer or log repeats a value."""

import asyncio
import logging
import queue
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import httpx2
import pytest

from bridge.http.app import create_app
from bridge.http.limits import HOUR, Limits
from bridge.http.metrics import Metrics
from bridge.http.server import running
from tests.conftest import DRAWN, NO_TLS

from .doubles import LOCK, WRITER, RecordingService

SUBMITTED = re.compile(r'"(?:alias|pin|\w+Date|\w+Time)": ?"([^"]{4,})"')

RATE = 40
"""Requests an hour that a token has here: more than any test needs that is not about them."""


class Create(Protocol):
    def __call__(self, body: Mapping[str, object] = ..., headers: Mapping[str, str] = ...) -> httpx2.Response: ...


@dataclass(frozen=True, slots=True)
class Live:
    service: RecordingService
    port: int
    metrics: Metrics
    clock: "Clock"


class Clock:
    """What the limits go by; it stands still until a test moves it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    service, metrics, clock = RecordingService(), Metrics(), Clock()
    app = create_app(service, limits=Limits(RATE, now=clock), metrics=metrics)
    started: queue.SimpleQueue[tuple[int, Callable[[], object]]] = queue.SimpleQueue()

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with running(app, "127.0.0.1", 0) as port:
            started.put((port, lambda: loop.call_soon_threadsafe(stop.set)))
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    port, stop = started.get(timeout=10)
    yield Live(service, port, metrics, clock)
    stop()
    thread.join(timeout=10)


@pytest.fixture
def service(live: Live) -> RecordingService:
    live.service.reset()
    live.clock.now += HOUR  # nothing is left of what other tests have asked
    return live.service


@pytest.fixture
def http(live: Live, service: RecordingService, caplog: pytest.LogCaptureFixture) -> Iterator[httpx2.Client]:
    """Return a client whose every submitted value is then looked for in all answers and in the log."""
    del service  # here for its reset alone
    caplog.set_level(logging.DEBUG)
    responses: list[httpx2.Response] = []
    headers = {"Authorization": f"Bearer {WRITER}"}
    url = f"http://127.0.0.1:{live.port}"
    hooks = {"response": [responses.append]}
    with httpx2.Client(base_url=url, headers=headers, event_hooks=hooks, verify=NO_TLS, trust_env=False) as client:
        yield client
    for response in responses:
        told = DRAWN.sub("", f"{response.headers}{response.text}{caplog.text}")
        for value in SUBMITTED.findall(response.request.content.decode(errors="replace")):
            assert value not in told


@pytest.fixture
def create(http: httpx2.Client) -> Create:
    """Return the create call at LOCK."""

    def post(
        body: Mapping[str, object] = MappingProxyType({"alias": "Alias 1", "pin": "97531"}),
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> httpx2.Response:
        return http.post(f"/api/v1.32/my/lock/{LOCK}/pin", json=dict(body), headers=headers)

    return post
