"""How long a lock takes to answer. SPEC sets no limit (6.6 is the bridge's): no test here fails by being slow."""

import asyncio

from hil.running.measuring import Measure
from hil.station import Session
from protocol.messages.device import PingRequest, PingResponse
from protocol.vocabulary import PinEntry

SAMPLES = 5
PING = PingRequest(payload=bytes(16))


async def test_how_long_a_ping_takes(session: Session, measure: Measure) -> None:
    times = []
    for _ in range(SAMPLES):
        started = asyncio.get_running_loop().time()
        await session.told(PING, PingResponse)
        times.append(_milliseconds_since(started))
    measure("ping_ms", sorted(times)[SAMPLES // 2])


async def test_how_long_the_acknowledgement_of_a_pin_takes(session: Session, measure: Measure) -> None:
    times = []
    for number in range(min(SAMPLES, (await session.info()).capacity)):
        started = asyncio.get_running_loop().time()
        await session.create(PinEntry(digits=f"9753{number}", alias="guest"))
        times.append(_milliseconds_since(started))
    measure("create_ack_ms", sorted(times)[len(times) // 2])
    measure("create_ack_slowest_ms", max(times))


def _milliseconds_since(started: float) -> float:
    return round(1000 * (asyncio.get_running_loop().time() - started), 3)
