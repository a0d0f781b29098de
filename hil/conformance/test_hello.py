"""Hello (SPEC 4.1, 4.2)."""

import pytest

from hil.station import Session, Station, read_hello
from protocol.messages.device import PingRequest, PingResponse
from protocol.messages.hello import Mode


@pytest.mark.req("LW-008")
async def test_a_byte_identical_hello_gets_the_identical_response(lock: Station) -> None:
    line = await lock.connect()
    hello = lock.hello(Mode.SESSION)
    assert await line.ask(hello) == await line.ask(hello)


@pytest.mark.req("LW-009")
async def test_each_new_response_has_fresh_random_bytes(lock: Station) -> None:
    line = await lock.connect()
    hellos = [lock.hello(Mode.SESSION) for _ in range(2)]
    told = [read_hello(await line.ask(hello), hello).random for hello in hellos]
    assert told[0] != told[1]


@pytest.mark.req("LW-007")
async def test_a_hello_does_not_touch_a_live_session(lock: Station, session: Session) -> None:
    hello = lock.hello(Mode.SESSION)
    read_hello(await session.line.ask(hello), hello)
    assert await session.told(PingRequest(payload=b"still here"), PingResponse) == PingResponse(payload=b"still here")
