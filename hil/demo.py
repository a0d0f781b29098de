"""The demonstration: real processes on a real pty and a real socket, spoken to as a user would."""

import asyncio
import json
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 20
"""Seconds that any one step may take."""

_AIR = "air"
_PIN = "97531"
_BODY: dict[str, object] = {
    "alias": "Cleaning",
    "pin": _PIN,
    "startDate": None,
    "endDate": None,
    "dayStartTime": "2026-11-23T08:00:00.000Z",
    "dayEndTime": "2026-11-23T16:00:00.000Z",
    "weekDays": 31,
}
_ENTRIES = (
    ("Monday 09:00, within the window", "2030-01-07T09:00:00Z", _PIN, True),
    ("Monday 20:00, after the window", "2030-01-07T20:00:00Z", _PIN, False),
    ("Saturday 09:00, no day of the pin", "2030-01-12T09:00:00Z", _PIN, False),
    ("Monday 09:00, other digits", "2030-01-14T09:00:00Z", "86420", False),
)
"""Moments to come: a lock believes no clock that shows a time before one that was known to be good."""


class DemoFailed(Exception):
    """Something did not happen as the demonstration promises."""

    exit_code = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was done, and what came of it."""

    did: str
    outcome: str

    def __str__(self) -> str:
        return f"{self.did}\n    {self.outcome}"


class _Bench:
    """A folder with a lock, a bridge and their state; without a bus that has a radio, the lock is on a pty."""

    def __init__(self, folder: Path, bus: str | None) -> None:
        self._environment = {"PATH": "", "LATCHWIRE_STATE_DIR": str(folder / "state")}
        if bus:
            self._environment["DBUS_SYSTEM_BUS_ADDRESS"] = bus
        self._serial = folder / "lock0"
        self._air = folder / _AIR if bus else None
        self.control = str(folder / "ctl")
        self.label = str(folder / "label")

    @property
    def place(self) -> tuple[str, str]:
        """The option that puts the lock where it is."""
        return ("--serial", str(self._serial)) if self._air is None else ("--ble", f"unix-server:{self._air}")

    def target(self, lock: dict[str, Any]) -> str:
        """Return where the bridge finds the lock that has told this when it was ready."""
        return f"serial:{self._serial}" if self._air is None else f"ble:{lock['lock_id']:08X}"

    async def latchwire(self, *words: str) -> dict[str, Any]:
        """Run one command to its end and return what it printed; a refused entry is an answer, too."""
        process = await self._start(*words)
        output, _ = await process.communicate()
        answer = _first_object(output)
        if process.returncode not in (0, 4) or "error" in answer:
            raise DemoFailed(f"`latchwire {words[0]} …` ended with {process.returncode}: {answer.get('error')}")
        return answer

    @asynccontextmanager
    async def running(self, *words: str) -> AsyncIterator[dict[str, Any]]:
        """Run a command that stays, and yield what it printed when it was ready."""
        process = await self._start(*words)
        try:
            yield _first_object(await process.stdout.readline() if process.stdout else b"")
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    async def _start(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge.cli", *words, "--json",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
        )  # fmt: skip


async def run_demo(*, ble: bool = False) -> AsyncIterator[Step]:
    """Yield each step as it is done; raise DemoFailed where one does not end as it must.

    Over Bluetooth there is a virtual radio with a stand-in for BlueZ; raises BenchError where that cannot be.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="latchwire-demo-")))
        bench = _Bench(folder, await _radio(stack, folder) if ble else None)
        async with asyncio.timeout(PATIENCE):
            lock = await stack.enter_async_context(_simulated_lock(bench))
            where = "in Bluetooth's range, by a virtual radio" if ble else "on a pseudo-terminal"
            yield Step(did=f"A simulated keypad lock starts {where}.", outcome=lock["serial_number"])
            paired = await bench.latchwire("pair", bench.target(lock), "--label-file", bench.label, "--name", "front",
                                           "--id", "123", "--zone", "UTC")  # fmt: skip
            yield Step(did="The bridge pairs with it by the label's secret.", outcome=f"{paired['state']} as lock 123")
            token = await bench.latchwire("token", "create", "--scope", "Device.ReadWrite", "--lock", "123")
            serving = await stack.enter_async_context(bench.running("serve", "--port", "0"))
            yield Step(did="The bridge serves the HTTP API.", outcome=serving["url"])
        async with asyncio.timeout(PATIENCE):
            async for step in _create_and_type(bench, serving["url"], token["token"]):
                yield step


async def _radio(stack: AsyncExitStack, folder: Path) -> str:
    """Start what the bridge takes for BlueZ, and return its bus."""
    from .bluetooth.bench import RadioBench  # noqa: PLC0415  its packages are extras

    return (await stack.enter_async_context(RadioBench(f"unix-client:{folder / _AIR}"))).address


@asynccontextmanager
async def _simulated_lock(bench: _Bench) -> AsyncIterator[dict[str, Any]]:
    words = ("sim", "run", *bench.place, "--slots", "3", "--control", bench.control, "--label-file", bench.label,
             "--pairing-open")  # fmt: skip
    async with bench.running(*words) as lock:
        yield lock


async def _create_and_type(bench: _Bench, url: str, token: str) -> AsyncIterator[Step]:
    call = f"{url}/api/v1.32/my/lock/123/pin"
    status, answer = await asyncio.to_thread(_post, call, token, _BODY)
    _expect(status == 201, f"the pin was answered {status}")
    yield Step(did="POST /api/v1.32/my/lock/123/pin: weekdays, 08:00 to 16:00.", outcome=f"{status} {answer}")
    status, answer = await asyncio.to_thread(_post, call, token, _BODY)
    _expect(status == 406, f"the same digits were answered {status}")
    yield Step(did="The same digits once more.", outcome=f"{status} {answer}")
    for when, moment, digits, opens in _ENTRIES:
        await bench.latchwire("sim", "clock", "--control", bench.control, "--set", moment)
        entry = await bench.latchwire("sim", "enter", "--control", bench.control, digits)
        _expect(entry["granted"] is opens, f"an entry on {when} was judged wrongly")
        outcome = "granted: the bolt is drawn" if opens else f"denied: {entry['reason']}"
        yield Step(did=f"Somebody types at the keypad on {when}.", outcome=outcome)


def _post(url: str, token: str, body: dict[str, object]) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310  our own http address
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:  # noqa: S310
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _first_object(output: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(output.partition(b"\n")[0]))
    except ValueError:
        raise DemoFailed("A command of the demonstration said nothing that can be read.") from None


def _expect(as_promised: bool, otherwise: str) -> None:
    if not as_promised:
        raise DemoFailed(f"The demonstration failed: {otherwise}.")
