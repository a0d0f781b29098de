"""A pin's digits are where they must be, and nowhere else: not in logs, errors, registry, keys, or on the wire."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress

import httpx2
import pytest

from tests.together.processes import Place

CANARY = "73190482"
REFUSED = "73190483"


async def _tap(port: int, heard: bytearray, found: "Future[int]", stop: asyncio.Event) -> None:
    """Stand between bridge and lock on TCP until `stop`, and record every byte both ways."""

    async def carry(source: asyncio.StreamReader, drain: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(4096):
                heard.extend(data)
                drain.write(data)
        drain.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    found.set_result(server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()


@contextmanager
def tapped(port: int) -> Iterator[tuple[int, bytearray]]:
    """Run such a tap in a thread; yield its port and what it hears."""
    heard, found, stop = bytearray(), Future[int](), asyncio.Event()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=runner.run, args=(_tap(port, heard, found, stop),))
        thread.start()
        try:
            yield found.result(10), heard
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()


@pytest.mark.timeout(240)  # every command once, each a process of its own
def test_the_digits_appear_nowhere_but_in_the_lock(bench: Place) -> None:
    with bench.lock("--tcp", "127.0.0.1:0") as lock:
        port = int(lock.ready["tcp"].rpartition(":")[2])
        with tapped(port) as (tap, heard):
            target = f"tcp:127.0.0.1:{tap}"
            paired = bench.latchwire("pair", target, "--label-file", bench.path("label"), "--name", "a", "--id", "1")
            assert paired.code == 0, paired.err
            with bench.staying("monitor", "a"):  # all that it prints is in bench.said
                answers = _use_the_canary(bench, bench.token(lock="1"))
            traced = ("--trace", str(bench.state / "trace"))
            assert bench.latchwire("pin", "list", "a", "--json", *traced).json()["alias"] == "guest"
        assert bench.enter(CANARY).code == 0
        assert bench.enter(REFUSED).code == 4
        assert bench.here("sim", "state", "--control", bench.path("ctl")).code == 0
    assert len(heard) > 1000
    with closing(sqlite3.connect(bench.state / "latchwire.db")) as registry:
        assert {state for (state,) in registry.execute("SELECT state FROM changes")} == {"confirmed", "refused"}
    files = b"".join(path.read_bytes() for path in bench.state.rglob("*") if path.is_file())
    assert files.count(b"guest") == 1  # in the trace; the bridge keeps nothing of a pin
    for digits in (CANARY, REFUSED):
        for place, bytes_there in {
            "wire": bytes(heard),
            "state": files,
            "output": "".join(bench.said).encode(),
            "answers": "".join(answers).encode(),
        }.items():
            assert digits.encode() not in bytes_there, place


def _replace_and_read(bench: Place, url: str, headers: dict[str, str], bodies: list[object]) -> list[str]:
    """Replace the canary by itself in as many ways, and read it; whoever may write is told it, and nobody else."""
    answers = [httpx2.put(f"{url}/1", json=body, headers=headers, timeout=20).text for body in bodies]
    keyed = headers | {"Idempotency-Key": CANARY}
    answers += [httpx2.request(method, f"{url}/{CANARY}", headers=keyed).text for method in ("GET", "DELETE")]
    answers += [httpx2.get(f"{url}?listVersion={number}", headers=headers).text for number in (CANARY, CANARY * 2)]
    told = httpx2.get(f"{url}/1", headers=headers, timeout=20)
    assert told.json()["result"]["pin"] == CANARY
    reader = {"Authorization": f"Bearer {bench.token('Device.Read', lock='1')}"}
    return [*answers, httpx2.get(f"{url}/1", headers=reader, timeout=20).text]


def _use_the_canary(bench: Place, token: str) -> list[str]:
    """Create it, in every way that succeeds or fails, and return what was answered."""
    bodies: list[object] = [
        {"alias": "guest", "pin": CANARY},
        {"alias": "guest", "pin": CANARY},
        {"alias": "guest", "pin": CANARY, "weekDays": 128},
        {"alias": "guest", "pin": int(CANARY)},
        {"alias": "", "pin": CANARY + "9"},
        {"alias": CANARY * 5, "pin": REFUSED},
        {"pin": REFUSED, "startDate": CANARY},
        [CANARY],
    ]
    with bench.staying("serve", "--port", "0") as serving:
        url = f"{serving.ready['url']}/api/v1.32/my/lock/1/pin"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        contents = [*map(json.dumps, bodies), '{"pin": "' + CANARY]
        answers = [httpx2.post(url, content=content, headers=headers, timeout=20).text for content in contents]
        keyed = httpx2.post(url, content=contents[0], headers=headers | {"Idempotency-Key": CANARY}, timeout=20)
        answers.append(keyed.text)
        answers += _replace_and_read(bench, url, headers, bodies)
    for words in (["--from", "never"], ["--days", "someday"], ["--hours", "always"], []):
        done = bench.latchwire("pin", "add", "a", "--alias", "b", "--pin-stdin", *words, stdin=f"{CANARY}\n")
        assert done.code in (2, 4), done.err
    for words in ([CANARY], ["a", CANARY], [f"--{CANARY}"], [f"--pin={CANARY}"], ["--pin", CANARY]):
        assert bench.latchwire("pin", "add", "a", "--alias", "b", "--pin-stdin", *words).code == 2
    return answers
