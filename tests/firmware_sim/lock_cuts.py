"""Power cut at every flash operation of a lock's day: what was answered is there, what is asked has one effect.

The lock is asked as if in a session, without the cost of a handshake. Each step is done on a copy of the lock, once for
each of its flash operations, and power is lost in that one.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, cast

from firmware_sim.behaviours.bolt import Bolt
from firmware_sim.clock import Clock
from firmware_sim.errors import PowerCut
from firmware_sim.events import ButtonHeld, DigitsEntered, Event, Woken
from firmware_sim.factory import Factory
from firmware_sim.failing_flash import FailingFlash, Tear
from firmware_sim.firmware import ENTROPY, Firmware
from firmware_sim.flash import Geometry, NorFlash
from firmware_sim.hardware import Hardware
from firmware_sim.links import Session
from firmware_sim.record_log import Damage
from firmware_sim.records import AUDIT_KEYS, OPERATION_KEYS, PEER_KEYS, Operation, Peer
from firmware_sim.store import Region, Store
from protocol.codec import encode_request
from protocol.messages.bolt import BoltOperateRequest
from protocol.messages.clock import ClockSetRequest
from protocol.messages.declaration import Change, Request
from protocol.messages.pairing import UnpairRequest
from protocol.messages.pins import PinClearRequest, PinCreateRequest, PinDeleteRequest, PinUpdateRequest
from protocol.noise import peer_id
from protocol.session import LockSession
from protocol.vocabulary import AuditEvent, AuditRecord, BoltAction, PinEntry, Schedule
from tests.firmware_sim.flashes import TEARS, drawn
from tests.firmware_sim.power_cuts import Cuts

GEOMETRY = Geometry(page_size=2048, pages=4)
REGION = Region(first_page=1, sectors=3, pages_per_sector=1)
FACTORY = Factory(lock_id=1, serial="SIM-1", secret=bytes(range(16)))
KEY = bytes(range(32))
SECOND = 1_000_000_000
WRONG = DigitsEntered(digits="11335577")
WARSAW = ClockSetRequest(time=1_790_000_000, force=False, zone="Europe/Warsaw", rule="CET-1CEST,M3.5.0,M10.5.0/3")


def entry(digits: str, valid_until: int = 0) -> PinEntry:
    return PinEntry(digits=digits, alias=f"guest {digits[-1]}", schedule=Schedule(valid_until=valid_until))


Step = Request | Event | float
"""A request of the one peer, something that happens at the door, or hours that pass."""

DAY: Sequence[Step] = (
    WARSAW,
    PinCreateRequest(operation=1, entry=entry("97531")),
    PinCreateRequest(operation=2, entry=entry("86420", valid_until=1_790_000_100)),
    DigitsEntered(digits="97531"),
    0.1,
    PinUpdateRequest(operation=3, id=1, entry=entry("975312")),
    BoltOperateRequest(operation=4, action=BoltAction.PULL),
    0.1,
    WRONG,
    WRONG,
    WRONG,
    WRONG,
    WRONG,
    1.0,
    ButtonHeld(seconds=5),
    PinCreateRequest(operation=5, entry=entry("0246813")),
    24.0,
    24.0,
    PinDeleteRequest(operation=6, id=1),
    BoltOperateRequest(operation=7, action=BoltAction.LOCK),
    PinClearRequest(operation=8),
    PinCreateRequest(operation=9, entry=entry("55001177")),
    UnpairRequest(),
    ButtonHeld(seconds=10),
)


@dataclass(slots=True)
class Lock:
    """A lock that keeps one peer; `flash`, `clock` and `hardware` outlive its power."""

    flash: FailingFlash = field(default_factory=lambda: FailingFlash(NorFlash(GEOMETRY)))
    clock: Clock = field(default_factory=Clock)
    hardware: Hardware = field(default_factory=Hardware)
    now_ns: int = 0
    firmware: Firmware = field(init=False)

    def __post_init__(self) -> None:
        self.boot()

    def boot(self) -> None:
        """Start, with whatever flash holds."""
        store = Store.mount(self.flash, REGION)
        assert store.damage == Damage()
        bolt = Bolt(self.hardware, self.now_ns)
        self.firmware = Firmware(
            FACTORY, store, self.clock, hardware=self.hardware, bolt=bolt, slots=4, entropy=bytes(range(ENTROPY))
        )

    def restart(self) -> bytes:
        """Start, and answer nothing."""
        self.boot()
        return b""

    def pair(self) -> None:
        """Keep the one peer."""
        self.firmware.memory.stage(PEER_KEYS[0], Peer(peer_id=peer_id(KEY), public_key=KEY))
        self.firmware.memory.commit()

    def do(self, step: Step) -> bytes:
        """Do one step, and return the answer to a request."""
        if isinstance(step, float):
            self.now_ns += round(step * 3600 * SECOND)
            for _ in range(3):  # the bolt's next movement begins where the last one ended
                self.firmware.step(self.now_ns, Woken())
            return b""
        if isinstance(step, Request):
            return self.firmware._perform(self._session(), encode_request(step))
        self.firmware.step(self.now_ns, step)
        return b""

    def _session(self) -> Session:
        ends = cast("LockSession", None)  # only Links ask it anything
        return Session(ends, peer_id=peer_id(KEY), public_key=KEY, pairing=False, greeted_ns=0, born_ns=0)

    def seen(self) -> dict[str, Any]:
        """Return all that a change is about, but for what each start adds to the audit."""
        firmware, memory = self.firmware, self.firmware.memory
        return {
            "pins": {pin.id: pin.entry for _, pin in memory.slots()},
            "ledger": memory.ledger,
            "zone": memory.zone,
            "floor": memory.floor,
            "peers": firmware.pairing.peers(),
            "operation": memory.get(OPERATION_KEYS[0], Operation),
            "wrong": (firmware.lockout.wrong, firmware.lockout.locked_out),
            "entries": self.told(AuditEvent.ENTRY_GRANTED, AuditEvent.ENTRY_DENIED),
        }

    def told(self, *events: AuditEvent) -> list[int]:
        """Return the pins that audit records of some kinds tell of, oldest first; 0 is none."""
        return [record.pin_id for record in self.audit() if record.event in events]

    def audit(self) -> list[AuditRecord]:
        """Return the audit records, oldest first."""
        kept = (self.firmware.memory.get(key, AuditRecord) for key in AUDIT_KEYS)
        return sorted((record for record in kept if record), key=lambda record: record.sequence)


def cut_lock(lock: Lock, steps: Sequence[Step], tear: Tear | None, cuts: Cuts, *, doubles: int = 0) -> None:
    """Cut every flash operation of `steps` and of the starts, with one model of a torn one, or with all in turn."""
    for step in steps:
        _cut(lock, Lock.restart, None, tear, cuts, doubles)
        _cut(lock, partial(Lock.do, step=step), step, tear, cuts, doubles)
        lock.do(step)


def _copy(lock: Lock) -> Lock:
    """Return a lock like this one; the two share what never changes, most of which is records."""
    memory = lock.firmware.memory
    kept: tuple[object, ...] = (*memory._records.values(), *memory._store._puts.values())
    return deepcopy(lock, {id(value): value for value in kept})


def _cut(
    lock: Lock, happen: Callable[[Lock], bytes], step: Step | None, tear: Tear | None, cuts: Cuts, doubles: int
) -> None:
    whole = _copy(lock)
    answer = happen(whole)
    allowed = [lock.seen(), whole.seen()]
    for cut in count(1):
        tried = _copy(lock)
        torn = tear or TEARS[cut % len(TEARS)]
        tried.flash.cut_after(cut, torn, drawn(cut))
        try:
            happen(tried)
        except PowerCut:
            cuts.single += 1
        else:
            return
        moved = tried.hardware.position
        for second in range(1, doubles + 1):
            if not _cut_start(tried, second, torn):
                break
            cuts.double += 1
        tried.boot()
        found = tried.seen()
        _check_state(step, found, allowed)
        if isinstance(step, float):
            _check_expiry(lock, tried)
        if found == allowed[0] != allowed[1]:
            assert moved is lock.hardware.position, "the motor waits for the commit"
        assert tried.hardware.position is moved, "a start moves no bolt"
        _check_audit(lock, tried)
        if isinstance(step, Change):
            assert tried.do(step) == answer, "the repeated request has the same answer"
            assert tried.seen() == allowed[1]
            assert tried.do(step) == answer


def _check_state(step: Step | None, found: dict[str, Any], allowed: list[dict[str, Any]]) -> None:
    """What is asked or typed is done whole or not at all; what happens by itself may be several changes."""
    if step is not None and not isinstance(step, float):
        assert found in allowed
    assert all(found[name] in [state[name] for state in allowed] for name in found)


def _check_expiry(before: Lock, after: Lock) -> None:
    """A pin that time has removed is told of, and no other one is."""
    gone = before.seen()["pins"].keys() - after.seen()["pins"].keys()
    told, told_before = after.told(AuditEvent.PIN_EXPIRED), before.told(AuditEvent.PIN_EXPIRED)
    assert told == told_before + sorted(gone)


def _cut_start(lock: Lock, cut: int, tear: Tear) -> bool:
    again = _copy(lock)
    again.flash.cut_after(cut, tear, drawn(cut))
    try:
        again.boot()
    except PowerCut:
        again.boot()
        return True
    return False


def _check_audit(before: Lock, after: Lock) -> None:
    """No record that was there is gone, and none was doubled, but where a reset took all of them at once."""
    old, new = ([record.sequence for record in lock.audit()] for lock in (before, after))
    assert len(set(new)) == len(new)
    assert set(old) <= set(new) or (not set(old) & set(new) and not after.firmware.pairing.peers())
