"""Pairing with a lock, in steps that can stop anywhere: what was cut off is finished by the next try.

The lock's key is stored before the commit, for an answer that is lost must not lose the pairing (SPEC 4.6).
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace

from protocol.codec import decode_answer, encode_request
from protocol.errors import MalformedError
from protocol.exchange import State
from protocol.messages.declaration import Refusal
from protocol.messages.hello import HelloFlag, Mode
from protocol.messages.pairing import PAIR_COMMIT, PairCommitRequest
from protocol.session import BridgeSession, accepting
from protocol.vocabulary import Status

from . import handshakes
from .client import LockClient
from .engine import Engine
from .errors import AckTimeout, AlreadyRegistered, LinkLost, NotPaired, PairingRefused
from .handshakes import Greeting
from .links import advertised_lock
from .records import LockRecord, PairingState
from .refusals import refused
from .sessions import KnownLock
from .store.registry import Registry
from .wire import Wire
from .zones import host_zone

CUT_OFF = (
    "The lock stopped answering while it was being paired. Run the same `latchwire pair` command again: it finishes "
    "what was begun, or begins anew."
)

NO_ROOM = "The lock has no room for another bridge: it keeps as many as it can."


@dataclass(frozen=True, slots=True, kw_only=True)
class PairingWish:
    """What a technician asks for.

    `id` is the lock's number in the HTTP API, None for the next free one. `zone` is an IANA name, None for this
    host's; a lock that somebody has paired with before keeps the zone that it has, for its windows are meant in it.
    """

    target: str
    name: str
    zone: str | None = None
    id: int | None = None


class Pairing:
    """One attempt over one wire, with the registry beside it."""

    def __init__(self, engine: Engine, registry: Registry, wish: PairingWish) -> None:
        self._engine = engine
        self._registry = registry
        self._wish = wish

    async def run(self, secret: bytes) -> LockRecord:
        """Pair, and return the lock's record once the lock has answered in a session.

        Raises PairingRefused, AlreadyRegistered, Unreachable, LockHeld, and LinkLost or AckTimeout where the lock
        falls silent.
        """
        with ExitStack() as owned:
            named = advertised_lock(self._wish.target)
            expected = await self._registered_here() if named is None else named
            if expected is not None:  # before the port is opened: whoever holds the lock is told by name
                owned.enter_context(self._engine.own(expected, await self._name(expected)))
            wire = await self._engine.connect(self._wish.target)
            try:
                greeting = await self._greet(wire)
                found = greeting.lock.lock_id
                if named is not None:
                    handshakes.require_lock(found, named)
                if found != expected:
                    owned.enter_context(self._engine.own(found, await self._name(found)))
                return await self._pair(wire, greeting, secret)
            finally:
                await wire.close()

    async def _registered_here(self) -> int | None:
        """Return the id of the lock that was last at this target."""
        locks = await self._registry.locks()
        return next((record.wire_id for record in locks if record.target == self._wish.target), None)

    async def _name(self, wire_id: int) -> str:
        """Return what people call a lock, or will call it where the registry does not know it yet."""
        locks = await self._registry.locks()
        return next((record.name for record in locks if record.wire_id == wire_id), self._wish.name)

    async def _pair(self, wire: Wire, greeting: Greeting, secret: bytes) -> LockRecord:
        known = await self._known(greeting.lock.lock_id)
        try:
            if known and known.state is PairingState.UNCONFIRMED:
                try:
                    return await self._confirm(wire, known, in_use=False)
                except NotPaired:  # the lock has forgotten the pending key: begin anew
                    greeting = await self._greet(wire)
            session, lock_key = await handshakes.pair(wire, greeting, self._engine.keys, secret)
            record = await self._store(known, greeting, lock_key)
            await self._commit(wire, session)
            return await self._confirm(wire, record, in_use=HelloFlag.PAIRED in greeting.lock.flags)
        except (LinkLost, AckTimeout) as error:
            raise type(error)(CUT_OFF) from None

    async def _greet(self, wire: Wire) -> Greeting:
        return await handshakes.greet(wire, Mode.PAIR, self._engine.keys.peer_id)

    async def _known(self, wire_id: int) -> LockRecord | None:
        """Return what the registry holds of this lock; raise AlreadyRegistered for a wish that it could not store."""
        known = None
        for record in await self._registry.locks():
            if record.wire_id == wire_id:
                known = record
            elif record.name == self._wish.name or record.id == self._wish.id:
                raise AlreadyRegistered(
                    f"The lock {record.id} ({record.name}) at {record.target} has this name or number already. "
                    "Choose another --name or --id."
                )
        if known and self._wish.id not in (None, known.id):
            raise AlreadyRegistered(f"This lock is registered as {known.id} ({known.name}). Leave --id out.")
        return known

    async def _store(self, known: LockRecord | None, greeting: Greeting, lock_key: bytes) -> LockRecord:
        """Keep the key that the lock has proven; a pairing that holds already is not put in doubt by its repetition."""
        wish, lock = self._wish, greeting.lock
        holds = known is not None and known.state is PairingState.PAIRED and known.public_key == lock_key
        record = LockRecord(
            id=known.id if known else wish.id or await self._registry.next_lock_id(),
            name=wish.name,
            target=wish.target,
            wire_id=lock.lock_id,
            public_key=lock_key,
            state=PairingState.PAIRED if holds else PairingState.UNCONFIRMED,
            zone=known.zone if known and holds else wish.zone or host_zone(),
            version=max(lock.chosen, known.version if known else 0),
        )
        if known:
            await self._registry.save_lock(record)
        else:
            await self._registry.add_lock(record)
        return record

    async def _commit(self, wire: Wire, session: BridgeSession) -> None:
        outcome = await wire.exchange(session.seal(encode_request(PairCommitRequest())), accepting(session))
        if outcome.state is State.REFUSED:
            raise PairingRefused(CUT_OFF)
        if outcome.state is State.LOST:
            raise LinkLost(CUT_OFF)
        try:
            answer = decode_answer(PAIR_COMMIT, outcome.value or b"")
        except MalformedError:  # nothing has come, or nothing that this version can read
            raise AckTimeout(CUT_OFF) from None
        if isinstance(answer, Refusal):
            raise PairingRefused(NO_ROOM) if answer.status is Status.FULL else refused(answer)

    async def _confirm(self, wire: Wire, record: LockRecord, *, in_use: bool) -> LockRecord:
        """Open a session with the new key, which makes the lock keep it; then set clock and zone.

        A lock that is in use, for it has had peers before, keeps its zone unless another is wished.
        """
        known = KnownLock(wire_id=record.wire_id, public_key=record.public_key, version=record.version)

        async def same_wire() -> Wire:
            return wire

        client = LockClient(known, self._engine.keys, same_wire, corrects_clock=False, trace=self._engine.trace)
        await client.ping()
        zone = self._wish.zone or ((await client.get_clock()).zone if in_use else record.zone)
        await client.set_clock(zone, force=True)
        status = await client.status()
        paired = replace(
            record,
            name=self._wish.name,
            target=self._wish.target,
            state=PairingState.PAIRED,
            zone=zone,
            list_version=status.list_version,
        )
        await self._registry.save_lock(paired)
        return paired
