"""A device among its ports in one asyncio loop: moves bytes between them, and wakes the lock when it asks for it."""

import asyncio
import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Protocol

from protocol.bluetooth import Advertisement
from protocol.vocabulary import BoltState

from .clock import NANOSECONDS
from .device import Device, Stepped
from .errors import PowerCut
from .events import Busied, ButtonHeld, ClockDrifted, ClockMoved, DigitsEntered, Event, Woken
from .flash import Flash
from .keypad import Decision


class Wire(Protocol):
    """The lock's hold on one link: somewhere to put bytes."""

    def send(self, data: bytes) -> None:
        """Put bytes on the link, or lose them where the other end does not read."""

    def hang_up(self) -> None:
        """End the link, where it can be ended."""


class Beacon(Protocol):
    """Somewhere to show what the lock tells to everybody around it."""

    def show(self, advertisement: Advertisement) -> None:
        """Show this from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attached:
    wire: Wire
    connection: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What somebody who stands at the door, or opens the casing, can see."""

    lock_id: int
    serial: str
    slots: int
    used: int
    list_version: int
    peers: int
    pairing_open: bool
    bolt: BoltState
    jammed: bool
    battery: int
    locked_out: bool
    wrong_entries: int
    audit_last: int
    time: int
    clock_trusted: bool
    zone: str
    damage: str
    faults: int = 0
    """How many faults of a plan have struck."""


def seeded_entropy(seed: int | None) -> Callable[[int], bytes]:
    """Return a source of random bytes: the system's, or one that `seed` repeats for tests."""
    return os.urandom if seed is None else random.Random(seed).randbytes  # noqa: S311  a seed is asked for


class Simulator:
    """One lock, its links and its timer, inside a running loop; `now` tells that loop's time in nanoseconds."""

    def __init__(
        self,
        flash: Flash,
        *,
        slots: int,
        entropy: Callable[[int], bytes] = os.urandom,
        now: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._start_ns = now()
        self._now = now
        self.device = Device(flash, slots=slots, epoch=0, now=self._lock_ns, entropy=entropy)
        self._attached: dict[int, _Attached] = {}
        self._numbers = count(1)
        self._timer: asyncio.TimerHandle | None = None
        self._beacons: list[Beacon] = []
        self._shown: Advertisement | None = None

    def attach_beacon(self, beacon: Beacon) -> None:
        """Let `beacon` show the advertisement, now and whenever it has changed."""
        self._beacons.append(beacon)
        self._shown = self.device.firmware.advertisement
        beacon.show(self._shown)

    def detach_beacon(self, beacon: Beacon) -> None:
        """Show nothing at `beacon` any more."""
        self._beacons.remove(beacon)

    def attach(self, wire: Wire, *, connection: bool) -> int:
        """Take a link and return its number; one link too many is hung up at once."""
        number = next(self._numbers)
        self._attached[number] = _Attached(wire=wire, connection=connection)
        self._let(lambda: self.device.open(number, connection=connection))
        return number

    def detach(self, number: int) -> None:
        """The other end of a link is gone."""
        if self._attached.pop(number, None):
            self._let(lambda: self.device.close(number))

    def reset(self, number: int) -> None:
        """The other end of a link begins anew."""
        self._let(lambda: self.device.reset(number))

    def receive(self, number: int, data: bytes) -> None:
        """Bytes came in."""
        self._let(lambda: self.device.receive(number, data))

    def enter(self, digits: str) -> Decision:
        """Type at the keypad; raise PowerCut where power was lost before the lock decided: it has started anew."""
        decided = self._happen(DigitsEntered(digits=digits)).decided
        if decided is None:
            raise PowerCut
        return decided.decision

    def hold_button(self, seconds: float) -> None:
        """Hold the button inside the door."""
        self._happen(ButtonHeld(seconds=seconds))

    def move_clock(self, epoch: int | None) -> None:
        """Let the lock's clock show `epoch` from now on, or, None, lose the time."""
        self._happen(ClockMoved(epoch=epoch))

    def drift_clock(self, ppm: int) -> None:
        """Let the lock's clock gain so many parts per million from now on, or lose them."""
        self._happen(ClockDrifted(ppm=ppm))

    def pass_time(self, seconds: int) -> None:
        """Let time pass at once for the lock and its clock; what falls due on the way happens in its turn."""
        end = self._lock_ns() + seconds * NANOSECONDS
        while (left := end - self._lock_ns()) > 0:
            wake = self.device.wake_ns
            self._start_ns -= left if wake is None else min(left, max(wake - self._lock_ns(), 1))
            self._happen(Woken())

    def keep_busy(self, seconds: float) -> None:
        """Let something else keep the lock busy for so many seconds: it answers BUSY."""
        self._happen(Busied(seconds=seconds))

    def set_battery(self, percent: int) -> None:
        """Let the battery have `percent` from now on, or UNKNOWN_BATTERY."""
        self.device.hardware.battery = percent
        self._happen(Woken())

    def block_bolt(self, *, blocked: bool) -> None:
        """Put something in the bolt's way, or take it out."""
        self.device.hardware.blocked = blocked

    def power_cycle(self) -> None:
        """Take the battery out and put it back: connections end, wires stay. A cut during the boot is a cut again."""
        while True:
            with suppress(PowerCut):
                self.device.power_cycle()
                break
        for number, attached in list(self._attached.items()):
            if attached.connection:
                del self._attached[number]
                attached.wire.hang_up()
            else:
                self._let(partial(self.device.open, number, connection=False))
        self._set_timer()
        self._show()

    def snapshot(self) -> Snapshot:
        """Return what can be seen of the lock."""
        self._happen(Woken())
        device, firmware = self.device, self.device.firmware
        return Snapshot(
            lock_id=device.factory.lock_id,
            serial=device.factory.serial,
            slots=firmware.pins.capacity,
            used=firmware.pins.used,
            list_version=firmware.memory.ledger.list_version,
            peers=len(firmware.pairing.peers()),
            pairing_open=firmware.pairing.window_open(firmware.clock.now_ns),
            bolt=firmware.bolt.state,
            jammed=firmware.bolt.jammed,
            battery=firmware.battery.level,
            locked_out=firmware.lockout.locked_out,
            wrong_entries=firmware.lockout.wrong,
            audit_last=firmware.audit.last,
            time=firmware.clock.epoch,
            clock_trusted=firmware.clock.trusted,
            zone=firmware.memory.zone.name,
            damage=f"{device.store.sentence} {firmware.memory.sentence}".strip(),
        )

    def stop(self) -> None:
        """Stop the timer."""
        if self._timer:
            self._timer.cancel()

    def _lock_ns(self) -> int:
        return self._now() - self._start_ns

    def _happen(self, event: Event) -> Stepped:
        return self._let(lambda: self.device.happen(event))

    def _let(self, happen: Callable[[], Stepped]) -> Stepped:
        """Let something happen to the lock and carry out what it wants, or start it anew where power is lost."""
        try:
            stepped = happen()
        except PowerCut:
            self.power_cycle()
            return Stepped()
        for output in stepped.outputs:
            attached = self._attached.get(output.link)
            if attached and output.data is None:
                attached.wire.hang_up()
            elif attached and output.data is not None:
                attached.wire.send(output.data)
        self._set_timer()
        self._show()
        return stepped

    def _show(self) -> None:
        if self._beacons and self._shown != (now := self.device.firmware.advertisement):
            self._shown = now
            for beacon in self._beacons:
                beacon.show(now)

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        wake = self.device.wake_ns
        if wake is not None:
            delay = max(0, wake - self.device.clock.now_ns) / NANOSECONDS
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._happen(Woken())
