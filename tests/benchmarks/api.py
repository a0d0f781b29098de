"""The HTTP create call, client, server and lock in three processes, against a constant route of the same server."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from http.client import HTTPConnection
from pathlib import Path

from bridge.pairing import PairingWish
from bridge.records import Scope

from .locks import bridge, simulated_lock, started
from .measuring import Aim, BenchmarkFailed, Race, plain
from .samples import all_digits

AIM = Aim(sentence="an HTTP create within 10 ms at p50", p50=10_000)
_BODY = {
    "alias": "Cleaning on weekdays",
    "startDate": "2026-07-01T08:00:00.000Z",
    "endDate": "2026-08-01T08:00:00.000Z",
    "dayStartTime": "2026-07-01T08:00:00.000Z",
    "dayEndTime": "2026-07-01T16:00:00.000Z",
    "weekDays": 31,
}


@asynccontextmanager
async def over_http(folder: Path) -> AsyncIterator[list[Race]]:
    """Yield the one row."""
    state = folder / "state"
    async with AsyncExitStack() as stack:
        _, label = stack.enter_context(simulated_lock(folder, "--serial", str(folder / "lock")))
        token = await _set_up(state, f"serial:{folder / 'lock'}", label)
        server = stack.enter_context(started("tests.benchmarks.server", str(state)))
        client = stack.enter_context(closing(HTTPConnection("127.0.0.1", server["port"])))
        yield [_race(_Caller(client, token), f"/api/v1.32/my/lock/{server['lock']}/pin")]


def _race(caller: "_Caller", create: str) -> Race:
    creates = plain(lambda: caller.post(create))

    async def ours(calls: int) -> list[float]:
        taken = await creates(calls)
        caller.post("/clear")
        return taken

    return Race(
        name="HTTP pin create over a pty",
        against="a constant route of the same server and connection",
        ours=ours,
        limit=plain(lambda: caller.post("/constant")),
        aim=AIM,
    )


class _Caller:
    """One connection that is kept open."""

    def __init__(self, client: HTTPConnection, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._digits = all_digits()

    def post(self, path: str) -> None:
        """Send the body of a create to `path` and read the answer, which must be 201."""
        body = json.dumps({**_BODY, "pin": next(self._digits)})
        self._client.request("POST", path, body.encode(), self._headers)
        response = self._client.getresponse()
        answer = response.read()
        if response.status != 201:
            raise BenchmarkFailed(f"POST {path} was answered {response.status} {answer.decode()}")


async def _set_up(state: Path, target: str, label: str) -> str:
    """Pair with the lock and return a token for it."""
    async with bridge(state) as (service, _):
        lock = await service.pair(PairingWish(target=target, name="bench", zone="UTC", id=1), label)
        return await service.create_token(scopes=frozenset({Scope.DEVICE_READ_WRITE}), locks=[lock.name])
