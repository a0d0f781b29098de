"""Records that no firmware wrote, and damaged flash: a whole lock lives on them, or does not start."""

from contextlib import suppress
from copy import deepcopy
from functools import cache
from typing import cast

from firmware_sim.clock import DAY, NANOSECONDS
from firmware_sim.device import GEOMETRY, LOG, Device
from firmware_sim.errors import FlashImageError, StoreDamaged, StoreFull, StoreTooNew
from firmware_sim.events import DigitsEntered, Woken
from firmware_sim.flash import WORD, NorFlash
from firmware_sim.records import (
    AUDIT_KEYS,
    BATTERY_KEY,
    FLOOR_KEY,
    IDENTITY_KEY,
    KEYPAD_KEY,
    LEDGER_KEY,
    OPERATION_KEYS,
    PEER_KEYS,
    SLOT_KEYS,
    ZONE_KEY,
)
from firmware_sim.store import Store
from protocol.codec import build
from protocol.messages.records import PIN_ENTRY
from protocol.vocabulary import PinEntry, Schedule, Weekdays, Window
from tests.firmware_sim.bench import ANNA, BOB, Bench, peer_of
from tests.firmware_sim.flashes import raw

from .seeds import prefixed, unprefixed

KEYS = (
    IDENTITY_KEY, LEDGER_KEY, ZONE_KEY, FLOOR_KEY, KEYPAD_KEY, BATTERY_KEY, PEER_KEYS[0], OPERATION_KEYS[0],
    SLOT_KEYS[0], SLOT_KEYS[1], AUDIT_KEYS[1], AUDIT_KEYS[2], 0x7FFF,
)  # fmt: skip
"""One of each kind, two of what there are many of, and one of a later firmware."""
NOW = 1_790_000_000
_LONGEST = 24
"""The most bytes that one patch replaces."""


def fuzz(data: bytes) -> None:
    """Take parts that each begin with a kind: a record's value under one of KEYS, or else bytes somewhere in flash."""
    flash = deepcopy(_flash())
    store = Store.mount(flash, LOG)
    patches: list[bytes] = []
    for part in unprefixed(data):
        if part and part[0] < len(KEYS):
            with suppress(StoreFull, ValueError):
                store.commit({KEYS[part[0]]: part[1:]})
        else:
            patches.append(part[1:])
    if patches:
        flash = _patched(raw(flash), patches)
    _live_on(flash)


def _live_on(flash: NorFlash) -> None:
    """Start, type, let two days pass and start anew; a lock that has started fails in none of this."""
    image, now = raw(flash), [0]
    try:
        lock = Device(flash, slots=3, epoch=NOW, now=lambda: now[0], entropy=bytes)
    except (FlashImageError, StoreDamaged, StoreTooNew):
        return
    for _ in range(2):
        for digits in (ANNA.digits, BOB.digits, "13579"):
            decided = lock.happen(DigitsEntered(digits=digits)).decided
            assert decided is not None
            assert not decided.decision.granted or digits.encode() in image, "an entry that stands nowhere in flash"
        for _, pin in lock.firmware.memory.slots():
            assert lock.firmware.gate.foresee(pin.id, NOW) is not None
        now[0] += DAY * NANOSECONDS
        lock.happen(Woken())
    lock.power_cycle()


@cache
def _flash() -> NorFlash:
    """Return the flash of a lock with one peer and one pin."""
    bench = Bench()
    peer_of(bench).created(ANNA)
    return cast("NorFlash", bench.flash)


def _patched(image: bytes, patches: list[bytes]) -> NorFlash:
    changed = bytearray(image)
    for patch in patches:
        address = int.from_bytes(patch[:3]) % len(image)
        put = patch[3 : 3 + _LONGEST][: len(image) - address]
        changed[address : address + len(put)] = put
    flash, size = NorFlash(GEOMETRY), GEOMETRY.page_size
    for address in range(0, len(changed), size):
        page = bytes(changed[address : address + size])
        if end := len(page.rstrip(b"\xff")):
            flash.program(address, page[: -(-end // WORD) * WORD])
    return flash


def _record(key: int, value: bytes) -> bytes:
    return bytes([KEYS.index(key)]) + value


def _patch(address: int, data: bytes) -> bytes:
    return b"\xff" + address.to_bytes(3) + data


def seeds() -> list[bytes]:
    """Return each record as the lock has it and cut short, a zone and a pin that are unlike others, and damage."""
    values = dict(Store(_flash(), LOG).items())
    known = [_record(key, values[key]) for key in KEYS if key in values]
    night = Schedule(windows=(Window(weekdays=Weekdays(127), start=1320, end=360),))
    slot = b"\0\2" + build(PIN_ENTRY, PinEntry(digits=BOB.digits, alias="Bob", schedule=night)) + bytes(4)
    odd = [
        _record(SLOT_KEYS[1], slot),
        _record(ZONE_KEY, b"\x01Xno rule"),
        _record(ZONE_KEY, b"\x05Mars/\x04XYZ9"),
        _record(FLOOR_KEY, b"\xff" * 4),
        _record(KEYPAD_KEY, b"\xff\xff\x01"),
        _record(LEDGER_KEY, b"\xff" * 6),
    ]
    damage = [_patch(LOG.first_page * GEOMETRY.page_size + offset, bytes(8)) for offset in (0, 8, 64, 200)]
    whole = [*known, *odd, *damage, _patch(0, bytes(8))]
    short = [part[:-1] for part in known]
    return [b"", *(prefixed([part]) for part in (*whole, *short)), prefixed(known), prefixed([*odd[:2], damage[2]])]
