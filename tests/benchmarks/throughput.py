"""How many pins a second the HTTP API creates at one lock, and at many at once, each at the end of a slow line."""

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, closing
from functools import partial
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from time import perf_counter

from bridge.pairing import PairingWish
from bridge.records import Scope

from .locks import bridge, started
from .measuring import BenchmarkFailed, Figure
from .samples import all_digits
from .slow_line import BAUD

LOCKS = 50
CREATES = 20
FACTOR = 3


async def throughput(folder: Path, share: float) -> AsyncIterator[Figure]:
    """Yield the two figures, measured with that share of the locks and of the creates at each."""
    count, creates = max(2, round(LOCKS * share)), max(2, round(CREATES * share))
    async with AsyncExitStack() as stack:
        crowd = stack.enter_context(started("tests.benchmarks.crowd", str(count)))
        token = await _pair(folder / "state", crowd["locks"])
        server = stack.enter_context(started("tests.benchmarks.server", str(folder / "state")))
        create = partial(_create, server["port"], token)
        _rate(create, [1], 2)  # opens the session
        one = _rate(create, [1], creates, skip=2)
        yield Figure(
            name="HTTP creates, one slow lock",
            value=one,
            unit="a second",
            note=f"{creates} one after another, at a lock behind {BAUD} baud",
        )
        everyone = range(2, count + 1)
        _rate(create, everyone, 1)
        many = _rate(create, everyone, creates, skip=1)
        yield Figure(
            name="HTTP creates, many slow locks",
            value=many,
            unit="a second",
            note=f"{creates} at each of {len(everyone)} such locks at once: {many / one:.1f} × one lock's rate",
            aim=f"{LOCKS} locks serve at least {FACTOR} × what one lock's line lets through",
            met=many >= FACTOR * one,
        )


async def _pair(state: Path, locks: list[dict[str, object]]) -> str:
    """Pair with all of them, as 1, 2, …, and return a token for them."""
    async with bridge(state) as (service, _):
        for number, lock in enumerate(locks, 1):
            wish = PairingWish(target=f"tcp:127.0.0.1:{lock['port']}", name=f"lock {number}", zone="UTC", id=number)
            await service.pair(wish, str(lock["label"]))
        names = [record.name for record in await service.locks()]
        return await service.create_token(scopes=frozenset({Scope.DEVICE_READ_WRITE}), locks=names)


def _rate(create: "partial[None]", locks: "range | list[int]", creates: int, skip: int = 0) -> float:
    """Return how many pins a second are created, at all of `locks` at once; `skip` were created before at each."""
    start = perf_counter()
    with ThreadPoolExecutor(len(locks)) as pool:
        for done in [pool.submit(create, lock, creates, skip) for lock in locks]:
            done.result()
    return len(locks) * creates / (perf_counter() - start)


def _create(port: int, token: str, lock: int, creates: int, skip: int) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with closing(HTTPConnection("127.0.0.1", port)) as client:
        for digits in islice(all_digits(), skip, skip + creates):
            body = json.dumps({"alias": "Cleaning on weekdays", "pin": digits, "weekDays": 31})
            client.request("POST", f"/api/v1.32/my/lock/{lock}/pin", body.encode(), headers)
            response = client.getresponse()
            answer = response.read()
            if response.status != 201:
                raise BenchmarkFailed(f"the create was answered {response.status} {answer.decode()}")
