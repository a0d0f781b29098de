"""A lock and a bridge in real processes, killed with SIGKILL under load: what is acknowledged stays, and once only.

Whoever asks gets 201, a refusal, or no outcome; without one it asks again under the same key until it has one, as the
API tells its clients to.
"""

import asyncio
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx2

from firmware_sim.control import call
from tests.conftest import NO_TLS
from tests.together.processes import Place, Staying, Way, place

SLOTS = 250
CALLERS = 2
WISHES = 12
"""How many pins may be asked for from one kill to the next: more than are waited for, so that some are under way."""
PATIENCE = 60
"""Seconds in which everything that has to happen happens even on a busy machine."""


@dataclass(slots=True, kw_only=True)
class Wish:
    """A pin that a caller wants; `id` is what the acknowledgement told, `refused` the status that ended it."""

    number: int
    digits: str = field(repr=False)
    id: int | None = None
    refused: int | None = None
    was_unknown: bool = False

    @property
    def alias(self) -> str:
        """A name that no other pin has."""
        return f"pin {self.number}"


class Siege:
    """One lock's life: callers ask without pause while its process, the bridge's, or a command is killed."""

    def __init__(self, place: Place, chance: Random) -> None:
        self.place = place
        self.chance = chance
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self.wishes: list[Wish] = []
        self._lock, self._bridge = ExitStack(), ExitStack()
        self._url = ""
        self._token = ""
        self._allowed = threading.Semaphore(0)
        self._begun = threading.Semaphore(0)
        self._over = threading.Event()
        self._new_wish = threading.Lock()

    def start(self) -> None:
        """Start lock and bridge, and let them know each other."""
        self.start_lock()
        assert self.place.pair().code == 0
        self._token = self.place.token()
        self.start_bridge()

    def start_lock(self) -> None:
        """Start the lock on the flash that is there."""
        self._lock_process: Staying = self._lock.enter_context(self.place.lock(slots=SLOTS))

    def start_bridge(self) -> None:
        """Start the bridge on the state that is there."""
        self._bridge_process: Staying = self._bridge.enter_context(self.place.staying("serve", "--port", "0"))
        self._url = self._bridge_process.ready["url"]

    def stop(self) -> None:
        """End both."""
        self._bridge.close()
        self._lock.close()

    @contextmanager
    def load(self) -> Iterator[None]:
        """Have callers ask; those that have no outcome in the end ask on until they have one."""
        self._over.clear()
        callers = [threading.Thread(target=self._call_on) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        try:
            yield
        finally:
            self._over.set()
            for caller in callers:
                caller.join(PATIENCE)
        self._require(not any(caller.is_alive() for caller in callers), "a caller still has no outcome")

    def kill_one(self) -> None:
        """Kill lock or bridge at a random moment behind the beginning of some request, and start it anew."""
        self._allowed.release(WISHES)
        for _ in range(self.chance.randint(1, WISHES // 2)):
            assert self._begun.acquire(timeout=PATIENCE), "the callers ask no more"
        self._wait(0.03)
        if self.chance.random() < 0.5:
            self.counts["lock killed"] += 1
            self._lock_process.kill()
            self._lock.close()
            self.start_lock()
        else:
            self.counts["bridge killed"] += 1
            self._bridge_process.kill()
            self._bridge.close()
            self.start_bridge()
        self._see_acknowledged()

    def kill_a_command(self) -> None:
        """Kill `latchwire pin add` at a random moment while no bridge runs; asked again, it tells the outcome."""
        self._bridge.close()
        wish = self._wish()
        words = ["pin", "add", "front", "--alias", wish.alias, "--pin-stdin", "--json"]
        with subprocess.Popen(
            [sys.executable, "-m", "bridge.cli", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.place.environment,
            text=True,
        ) as adding:
            assert adding.stdin is not None
            adding.stdin.write(wish.digits + "\n")
            adding.stdin.flush()
            self._wait(2)
            adding.kill()
            self.counts["command killed"] += 1
            out, _ = adding.communicate(timeout=PATIENCE)
        if out:
            self._acknowledge(wish, json.loads(out)["id"])
        else:
            self._unknown(wish)
        again = self.place.latchwire(*words, stdin=wish.digits + "\n")
        self._require(again.code == (4 if out else 0), f"{wish}: the command ended with {again.code}: {again.out}")
        if not out and again.code == 0:
            self._acknowledge(wish, again.json()["id"])
        self.start_bridge()

    def settle(self) -> None:
        """See that the lock holds each acknowledged pin once, under its id, and nothing else."""
        self._see_acknowledged()
        self._bridge.close()
        listed = [(pin["alias"], pin["id"]) for pin in self.place.latchwire("pin", "list", "front", "--json").lines()]
        wanted = [(wish.alias, wish.id) for wish in self.wishes if wish.id is not None]
        self._require(len(set(listed)) == len(listed), "a request had two effects")
        self._require(sorted(listed) == sorted(wanted), f"listed and acknowledged differ: {set(listed) ^ set(wanted)}")
        self._require(
            all(wish.id or wish.refused for wish in self.wishes),
            f"left without an outcome: {[wish for wish in self.wishes if not (wish.id or wish.refused)]}",
        )

    def _see_acknowledged(self) -> None:
        """Type each pin that is acknowledged so far at the keypad."""
        for wish in list(self.wishes):
            if wish.id is not None:
                typed = asyncio.run(call(Path(self.place.path("ctl")), {"do": "enter", "digits": wish.digits}))
                self._require(typed["pin_id"] == wish.id and typed["granted"], f"{wish} is gone: {typed['denial']}")
                self.counts["entries"] += 1

    def _call_on(self) -> None:
        with httpx2.Client(timeout=PATIENCE, verify=NO_TLS) as client:
            while not self._over.is_set():
                if self._allowed.acquire(timeout=0.05):
                    self._call(client, self._wish(self._digits_taken()))

    def _digits_taken(self) -> str | None:
        """Return, for every fifth wish, digits that the lock has to refuse, as another pin has them."""
        held = [wish.digits for wish in self.wishes if wish.id is not None]
        return held[0] if held and len(self.wishes) % 5 == 0 else None

    def _call(self, client: httpx2.Client, wish: Wish) -> None:
        """Ask for one pin until there is an outcome."""
        self._begun.release()
        while wish.id is None and wish.refused is None:
            try:
                answer = client.post(
                    f"{self._url}/api/v1/my/lock/123/pin",
                    json={"alias": wish.alias, "pin": wish.digits},
                    headers={"Authorization": f"PersonalKey {self._token}", "Idempotency-Key": wish.alias},
                )
            except httpx2.ConnectError:  # it was never asked
                self._rest()
            except httpx2.TransportError:
                self._unknown(wish)
            else:
                self._take(wish, answer)

    def _take(self, wish: Wish, answer: httpx2.Response) -> None:
        match answer.status_code:
            case 201:
                self._acknowledge(wish, answer.json()["result"]["id"])
            case 408:
                self._unknown(wish)
                self._rest()
            case 409:
                self.counts["busy"] += 1
                self._rest()
            case status:
                self.counts["refused"] += 1
                self.counts["resolved"] += wish.was_unknown
                wish.refused = status
                self._require(status == 406, f"{wish}: {answer.text}")

    def _acknowledge(self, wish: Wish, pin_id: int) -> None:
        self.counts["acknowledged"] += 1
        self.counts["resolved"] += wish.was_unknown
        wish.id = pin_id

    def _unknown(self, wish: Wish) -> None:
        self.counts["unknown"] += not wish.was_unknown
        wish.was_unknown = True

    def _wish(self, digits: str | None = None) -> Wish:
        with self._new_wish:
            number = len(self.wishes) + 1
            wish = Wish(number=number, digits=digits or f"{90210000 + number}")
            self.wishes.append(wish)
            return wish

    def _require(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.violations.append(otherwise)

    def _wait(self, most: float) -> None:
        """Let a random part of `most` seconds pass."""
        threading.Event().wait(self.chance.uniform(0, most))

    def _rest(self) -> None:
        """Leave the others time, as a client that was told to come back does."""
        threading.Event().wait(0.02)


def besieged(chance: Random, kills: int, way: Way = "pty") -> Siege:
    """Let one lock live through `kills` kills of it or its bridge, and one of a command."""
    with place({"LATCHWIRE_RATE": "1000000"}, way) as made:  # no client is so patient with an hour
        siege = Siege(made, chance)
        try:
            siege.start()
            with siege.load():
                for _ in range(kills):
                    siege.kill_one()
            siege.kill_a_command()
            siege.settle()
        finally:
            siege.stop()
        return siege
