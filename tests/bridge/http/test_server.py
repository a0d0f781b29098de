import asyncio
import json
import re
import socket
import subprocess
import sys

import httpx2
import pytest

from bridge.errors import UsageError
from bridge.http.app import create_app
from bridge.http.server import listen, running
from bridge.journal import Caller
from bridge.records import LockRecord
from protocol.vocabulary import PinEntry

from .conftest import Live
from .doubles import LOCK, PIN_ID, WRITER, RecordingService


class SlowService(RecordingService):
    """Takes a pin and answers when it is let go."""

    def reset(self) -> None:
        super().reset()
        self.entered = asyncio.Event()
        self.go = asyncio.Event()

    async def create_pin(self, lock: LockRecord, entry: PinEntry, caller: Caller) -> int:
        del lock, entry, caller
        self.entered.set()
        await self.go.wait()
        return PIN_ID


async def bind(host: str, port: int) -> int:
    async with running(create_app(RecordingService()), host, port) as bound:
        return bound


def test_port_0_is_a_port_of_the_systems_choice() -> None:
    assert asyncio.run(bind("127.0.0.1", 0)) > 0


def test_a_port_can_be_listened_on_again_at_once() -> None:
    port = asyncio.run(bind("127.0.0.1", 0))
    assert asyncio.run(bind("127.0.0.1", port)) == port


def test_connections_are_known_as_tcp_so_that_no_answer_waits_for_an_acknowledgement() -> None:
    with asyncio.run(listen("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP


def test_a_port_in_use_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as caught:
            asyncio.run(bind("127.0.0.1", port))
    assert str(caught.value) == (
        f"Cannot listen on 127.0.0.1 port {port}: Address already in use. Choose another --host or --port."
    )


def test_an_address_of_another_host_is_a_sentence() -> None:
    with pytest.raises(UsageError, match=r"^Cannot listen on 192\.0\.2\.1 port 0: .+\. Choose another"):
        asyncio.run(bind("192.0.2.1", 0))


@pytest.mark.parametrize("port", [-1, 65_536, 1 << 40])
def test_a_number_that_is_no_port_is_a_sentence(port: int) -> None:
    with pytest.raises(UsageError, match=f"^There is no port {port}: "):
        asyncio.run(bind("127.0.0.1", port))


def test_a_request_under_way_is_answered_before_the_server_ends() -> None:
    async def scenario() -> httpx2.Response:
        service = SlowService()
        server = running(create_app(service), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{await server.__aenter__()}/api/v37/my/lock/{LOCK}/pin"
        headers = {"Authorization": f"Bearer {WRITER}"}
        async with httpx2.AsyncClient(headers=headers, trust_env=False) as client:
            body = {"alias": "Alias 1", "pin": "97531"}
            answer = asyncio.create_task(client.post(url, json=body))
            await service.entered.wait()
            ending = asyncio.create_task(server.__aexit__(None, None, None))
            await asyncio.sleep(0)
            service.go.set()
            await ending
            return await answer

    assert asyncio.run(scenario()).status_code == 201


NO_HTTP = {
    "words": b"hello there\r\n\r\n",
    "a binary": bytes(range(128, 256)) + b"\r\n\r\n",
    "an endless head": b"GET / HTTP/1.1\r\nX: " + b"97531" * 4_000,
    "a bad length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 97531x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("said", NO_HTTP.values(), ids=NO_HTTP.keys())
def test_what_is_no_http_is_400_in_the_envelope_and_not_repeated(live: Live, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", live.port), timeout=5) as connection:
        connection.sendall(said)
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    status, *lines = head.decode().lower().split("\r\n")
    assert status == "http/1.1 400 bad request"
    headers = dict(line.split(": ", 1) for line in lines)
    assert re.fullmatch("[0-9a-f]{16}", headers["x-correlation-id"])
    assert (headers["content-type"], headers["connection"]) == ("application/json", "close")
    envelope = json.loads(body)
    assert (envelope["result"], envelope["success"], envelope["statusCode"]) == (None, False, 400)
    assert envelope["errorMessages"] == ["Invalid HTTP request received."]


def test_a_failure_of_the_caller_passes_and_ends_the_server() -> None:
    async def scenario() -> None:
        async with running(create_app(RecordingService()), "127.0.0.1", 0):
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        asyncio.run(scenario())


def test_the_framework_is_imported_by_nobody_who_does_not_serve() -> None:
    program = "import sys, bridge.service, bridge.http; sys.exit('fastapi' in sys.modules or 'uvicorn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_body_that_is_no_http_is_given_no_second_answer(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    head = f"POST /api/v1/my/lock/{LOCK}/pin HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", live.port), timeout=5) as connection:
        connection.sendall(head.encode())
        answered = connection.recv(65_536)  # 401: the body is not waited for
        connection.sendall(b"no chunk\r\n")
        answered += b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answered.startswith(b"HTTP/1.1 401 ")
    assert answered.count(b"HTTP/1.1") == 1
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
