"""One owner task a lock, one owning process a lock: what is asked of a lock is done one after another.

A change that comes while another waits or runs is refused as busy; a read waits for its turn.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from protocol.exchange import Retry

from .changes import Changes
from .client import LockClient
from .config import Settings
from .errors import AckTimeout, BridgeError, LinkLost, LockBusy, NotPaired, Unreachable
from .journal import COMMAND_LINE, Caller, Journal, NoJournal
from .links import MemoryHub, open_link
from .observing import NOBODY, Observer
from .records import LockRecord, PairingState
from .sessions import KnownLock
from .store.folder import StateFolder
from .store.keys import BridgeKeys
from .store.ownership import Ownership
from .tracing import NO_TRACE, Trace
from .wire import Wire

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

_NOT_PAIRED = {
    PairingState.UNCONFIRMED: "its pairing was not finished",
    PairingState.UNPAIRING: "it was asked to forget this bridge, which `latchwire unpair` finishes",
    PairingState.UNPAIRED: "it was unpaired",
}

Operation = Callable[Concatenate[LockClient, P], Awaitable[T]]


class Engine:
    """The owners of all locks that this process has been asked for. Used inside one event loop."""

    def __init__(
        self,
        settings: Settings,
        folder: StateFolder,
        keys: BridgeKeys,
        *,
        command: str,
        hub: MemoryHub | None = None,
        journal: Journal | None = None,
        now: Callable[[], float] = time.time,
        trace: Trace = NO_TRACE,
        observer: Observer = NOBODY,
        corrects_clocks: bool = True,
    ) -> None:
        self._corrects_clocks = corrects_clocks
        self.settings = settings
        self.keys = keys
        self.journal = journal or NoJournal()
        self.now = now
        self.trace = trace
        self.observer = observer
        self.left_open = asyncio.Event()
        """Set where a caller was told of an unknown outcome; whoever waits for it clears it."""
        self._folder = folder
        self._command = command
        self._hub = hub
        self._owners: dict[int, _Owner] = {}

    async def read(self, lock: LockRecord, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something that changes nothing, after whatever runs at this lock; raise Unreachable where it is silent."""
        return await self._owner(lock).run(lock, lambda client: operation(client, *args, **kwargs))

    async def visit(self, lock: LockRecord, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Read, as `read` does, but give the lock back as early as without it: one that was at rest, at once."""
        return await self._owner(lock).run(lock, lambda client: operation(client, *args, **kwargs), brief=True)

    async def change(
        self, lock: LockRecord, caller: Caller, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Change a lock for `caller`, once, however often it asks.

        Raises LockBusy where another change waits or runs, AckTimeout where the outcome is unknown at the deadline,
        LinkLost where it is before, KeyReused where the caller's key belongs to another request.
        """
        return await self._owner(lock).run(lock, lambda client: operation(client, *args, **kwargs), caller)

    async def connect(self, target: str) -> Wire:
        """Open a wire to a target; raise UsageError or Unreachable."""
        luck = Random()  # noqa: S311  jitter is no secret
        return Wire(await open_link(target, self._hub), Retry(), luck, self.observer)

    def client(self, lock: LockRecord, connect: Callable[[], Awaitable[Wire]]) -> LockClient:
        """Return a client of a lock, without any link yet."""
        known = KnownLock(wire_id=lock.wire_id, public_key=lock.public_key, version=lock.version, zone=lock.zone)
        changes = Changes(self.journal, self.keys.hmac_key, lock.wire_id, self.now)
        return LockClient(
            known,
            self.keys,
            connect,
            changes=changes,
            now=self.now,
            corrects_clock=self._corrects_clocks,
            trace=self.trace,
            observer=self.observer,
        )

    def own(self, wire_id: int, name: str) -> Ownership:
        """Make this process the owner of a lock, which people call `name`; raise LockHeld."""
        return Ownership.acquire(
            self._folder, wire_id, name, command=self._command, idle=self.settings.idle, now=datetime.now(UTC)
        )

    async def forget(self, lock_id: int) -> None:
        """End the owner of a lock whose record has changed."""
        if owner := self._owners.pop(lock_id, None):
            await owner.stop()

    async def close(self) -> None:
        """End all owners: links are given back, and locks to other processes."""
        for lock_id in list(self._owners):
            await self.forget(lock_id)

    def _owner(self, lock: LockRecord) -> "_Owner":
        if lock.state is not PairingState.PAIRED:
            raise NotPaired(
                f"The lock {lock.name} is not paired: {_NOT_PAIRED[lock.state]}. Hold its button for 5 s and run "
                "`latchwire pair`."
            )
        if lock.id not in self._owners or self._owners[lock.id].ended:
            self._owners[lock.id] = _Owner(self, lock)
        return self._owners[lock.id]


@dataclass(slots=True, kw_only=True)
class _Job(Generic[T]):
    """One use of a lock: what to do, until when, and who waits for it; without a caller it changes nothing.

    A `brief` one does not put off when the lock is given back.
    """

    lock: LockRecord
    work: Callable[[LockClient], Awaitable[T]]
    caller: Caller | None
    until: float
    done: asyncio.Future[T]
    brief: bool


class _Owner:
    """The one task that talks to a lock; it holds link and ownership until the lock has been idle for a while."""

    def __init__(self, engine: Engine, lock: LockRecord) -> None:
        self._engine = engine
        self._lock = lock
        self._ownership: Ownership | None = None
        self._changing = False
        self._writing = asyncio.Lock()
        self._rest_at = asyncio.get_running_loop().time()
        self._client = self._make_client()
        self._jobs: asyncio.Queue[_Job[Any]] = asyncio.Queue()
        self._task = asyncio.create_task(self._serve())

    async def run(
        self,
        lock: LockRecord,
        work: Callable[[LockClient], Awaitable[T]],
        caller: Caller | None = None,
        *,
        brief: bool = False,
    ) -> T:
        """Let the owner do `work`, a change where it has a caller; whoever waits may go away, the work goes on."""
        change = caller is not None
        if change and self._changing:
            raise LockBusy(f"Another request is being processed for the lock {self._lock.name}. Try again in a second.")
        self._changing = self._changing or change
        loop = asyncio.get_running_loop()
        until = loop.time() + self._engine.settings.deadline
        done: asyncio.Future[T] = loop.create_future()
        self._jobs.put_nowait(_Job(lock=lock, work=work, caller=caller, until=until, done=done, brief=brief))
        return await done

    @property
    def ended(self) -> bool:
        """Whether the task has ended, which it does by itself only where something failed that nobody expected."""
        return self._task.done()

    async def stop(self) -> None:
        """End the task; work that waits is cancelled, and what was answered is written down."""
        async with self._writing:
            self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        while not self._jobs.empty():
            self._jobs.get_nowait().done.cancel()
        await self._let_go()

    async def _serve(self) -> None:
        while True:
            try:
                async with asyncio.timeout_at(self._rest_at):
                    job = await self._jobs.get()
            except TimeoutError:
                with suppress(OSError):  # what cannot be tidied up must not end the owner
                    await self._let_go()
                job = await self._jobs.get()
            await self._do(job)
            if not job.brief:
                self._rest_at = asyncio.get_running_loop().time() + self._engine.settings.idle

    async def _do(self, job: _Job[Any]) -> None:
        result: Any = None
        failure: Exception | None = None
        try:
            if not job.done.done():  # else whoever waited has gone away before it began
                async with asyncio.timeout_at(job.until):
                    result = await self._work(job)
        except asyncio.CancelledError:
            job.done.cancel()
            raise
        except TimeoutError as error:
            self._engine.observer.timed_out()
            failure = error if isinstance(error, AckTimeout) else self._silence(job)
        except LinkLost as error:
            failure = error if self._in_doubt(job) else Unreachable(str(error))
        except Exception as error:
            failure = error
        heard = not job.done.done() and (job.caller is None or await job.caller.listens())
        self._changing = self._changing and job.caller is None
        # The answer first: a bridge that is killed here repeats what was told, rather than denying what was not.
        _settle(job.done, result, failure)
        async with self._writing:
            await self._note(job, heard=heard)

    async def _work(self, job: _Job[T]) -> T:
        await self._turn_to(job.lock)
        self._client.changes.serve(job.caller or COMMAND_LINE)
        if job.caller is None and self._client.changes.unresolved:  # a change sees to that itself
            await self._client.resolve()
        return await job.work(self._client)

    async def _note(self, job: _Job[Any], *, heard: bool) -> None:
        """Write down what the caller is told; where that fails, the row alone says enough."""
        try:
            await self._client.changes.conclude(heard=heard)
        except Exception as error:  # whatever it is, the owner lives on
            _log.warning("What became of a change at %s was not written down. %s", self._lock.name, error)
        if job.caller and self._client.changes.unresolved:
            self._engine.left_open.set()

    async def _turn_to(self, lock: LockRecord) -> None:
        """Take a lock's newest record: another process may have paired anew, or found the lock at another target."""
        old, self._lock = self._lock, lock
        if replace(old, name=lock.name, state=lock.state, list_version=lock.list_version) != lock:
            await self._let_go()
            self._client = self._make_client()

    def _make_client(self) -> LockClient:
        return self._engine.client(self._lock, self._connect)

    def _silence(self, job: _Job[Any]) -> BridgeError:
        name, seconds = self._lock.name, f"{self._engine.settings.deadline:g}"
        if self._in_doubt(job):
            return AckTimeout(
                f"The lock {name} has not acknowledged within {seconds} s: the change may have been made or not. "
                "Ask the same again within 10 minutes to learn it."
            )
        unchanged = ", and nothing was changed" if job.caller else ""
        return Unreachable(f"The lock {name} has not answered within {seconds} s{unchanged}. Is it powered? Try again.")

    def _in_doubt(self, job: _Job[Any]) -> bool:
        """Whether a change was sent and not answered; a read has no outcome that could be unknown."""
        return job.caller is not None and self._client.unanswered

    async def _connect(self) -> Wire:
        if self._ownership is None:
            self._ownership = self._engine.own(self._lock.wire_id, self._lock.name)
        try:
            return await self._engine.connect(self._lock.target)
        except BaseException:
            self._release()
            raise

    async def _let_go(self) -> None:
        try:
            await self._client.close()
        finally:
            self._release()

    def _release(self) -> None:
        ownership, self._ownership = self._ownership, None
        if ownership:
            ownership.release()


def _settle(done: asyncio.Future[T], result: T, failure: Exception | None) -> None:
    if done.done():
        return
    if failure is None:
        done.set_result(result)
    else:
        done.set_exception(failure)
