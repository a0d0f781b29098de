"""Records over a store: staged, committed at once, read back the same, and kept beside those that nobody can read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.device import GEOMETRY, LOG
from firmware_sim.errors import StoreFull
from firmware_sim.flash import NorFlash
from firmware_sim.memory import Memory
from firmware_sim.records import (
    FLOOR_KEY,
    IDENTITY_KEY,
    LEDGER_KEY,
    MAX_PEERS,
    MAX_SLOTS,
    OPERATION_KEYS,
    PEER_KEYS,
    SLOT_KEYS,
    ZONE_KEY,
    FlashRecord,
    Floor,
    Identity,
    Ledger,
    Operation,
    Peer,
    Pin,
    Zone,
    layout_of,
)
from firmware_sim.store import MAX_VALUE, Store
from protocol.codec import build
from protocol.vocabulary import PinEntry, Schedule, Weekdays, Window
from tests.firmware_sim.bench import ANNA, BOB, Bench, peer_of

WHOLE_DAY = Window(weekdays=Weekdays(127), start=0, end=1440)
LARGEST: dict[int, FlashRecord] = {
    IDENTITY_KEY: Identity(private=b"\xff" * 32),
    FLOOR_KEY: Floor(time=0xFFFFFFFF),
    LEDGER_KEY: Ledger(list_version=0xFFFFFFFF, last_id=0xFFFF),
    ZONE_KEY: Zone(name="Z" * 64, rule="R" * 63 + "0"),
    PEER_KEYS[0]: Peer(peer_id=0xFFFFFFFF, public_key=b"\xff" * 32),
    OPERATION_KEYS[0]: Operation(operation=0xFFFFFFFF, fingerprint=b"\xff" * 8, response=b"\xff" * 8),
    SLOT_KEYS[0]: Pin(
        id=0xFFFF,
        entry=PinEntry(
            digits="8" * 8, alias="ä" * 16, schedule=Schedule(valid_until=0xFFFFFFFF, windows=(WHOLE_DAY,) * 4)
        ),
        changed=0xFFFFFFFF,
    ),
}


def fresh() -> tuple[Store, Memory]:
    store = Store.mount(NorFlash(GEOMETRY), LOG)
    return store, Memory(store)


def test_every_record_comes_back_from_flash_as_it_was() -> None:
    store, memory = fresh()
    for key, record in LARGEST.items():
        memory.stage(key, record)
    memory.commit()
    again = Memory(store)
    assert {key: again.get(key, type(record)) for key, record in LARGEST.items()} == LARGEST
    assert (again.unreadable, again.sentence) == ([], "")


def test_the_keys_of_all_records_are_apart() -> None:
    keys = [IDENTITY_KEY, LEDGER_KEY, ZONE_KEY, FLOOR_KEY, *PEER_KEYS, *OPERATION_KEYS, *SLOT_KEYS]
    assert len(set(keys)) == len(keys) == 4 + 2 * MAX_PEERS + MAX_SLOTS
    assert layout_of(0) is None
    assert all(layout_of(key) for key in keys)


def test_everything_that_a_lock_can_ever_hold_fits_into_its_flash() -> None:
    _, memory = fresh()
    for keys in ([IDENTITY_KEY], [LEDGER_KEY], [ZONE_KEY], [FLOOR_KEY], PEER_KEYS, OPERATION_KEYS, SLOT_KEYS):
        for key in keys:
            memory.stage(key, LARGEST[keys[0]])
            memory.commit()
    assert len(list(memory.slots())) == MAX_SLOTS


def test_nothing_staged_is_seen_before_its_commit() -> None:
    store, memory = fresh()
    memory.stage(SLOT_KEYS[0], Pin(id=1, entry=ANNA))
    assert memory.stage_change(1) == Ledger(list_version=2, last_id=1)
    assert (list(memory.slots()), memory.ledger, store.items()) == ([], Ledger(), [])
    memory.commit()
    assert list(memory.slots()) == [(SLOT_KEYS[0], Pin(id=1, entry=ANNA))]
    assert memory.ledger == Ledger(list_version=2, last_id=1)


def test_what_is_discarded_is_never_committed() -> None:
    store, memory = fresh()
    memory.stage(SLOT_KEYS[0], Pin(id=1, entry=ANNA))
    memory.discard()
    memory.commit()
    assert (list(memory.slots()), store.items()) == ([], [])


def test_what_a_full_store_refuses_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    _, memory = fresh()

    def full(_store: Store, _changes: object) -> None:
        raise StoreFull

    memory.stage(SLOT_KEYS[0], Pin(id=1, entry=ANNA))
    with monkeypatch.context() as patch:
        patch.setattr(Store, "commit", full)
        with pytest.raises(StoreFull):
            memory.commit()
    memory.stage(SLOT_KEYS[1], Pin(id=2, entry=BOB))
    memory.commit()
    assert [pin.id for _, pin in memory.slots()] == [2]


def test_a_removed_record_is_gone_and_its_slot_is_free() -> None:
    store, memory = fresh()
    for staged in (Pin(id=1, entry=ANNA), None):
        memory.stage(SLOT_KEYS[0], staged)
        memory.commit()
    assert (list(memory.slots()), store.items()) == ([], [])


@given(junk=st.binary(max_size=40))
def test_a_record_that_cannot_be_read_is_reported_and_the_others_are_kept(junk: bytes) -> None:
    store, memory = fresh()
    memory.stage(SLOT_KEYS[1], Pin(id=2, entry=BOB))
    memory.commit()
    store.commit({SLOT_KEYS[0]: b"\x00\x01\xff" + junk, 0x0005: junk})  # digits longer than the record
    again = Memory(store)
    assert again.unreadable == [0x0005, SLOT_KEYS[0]]
    assert "2" in again.sentence
    assert list(again.slots()) == [(SLOT_KEYS[1], Pin(id=2, entry=BOB))]
    assert (again.get(SLOT_KEYS[0], Pin), again.get(SLOT_KEYS[1], Peer)) == (None, None)


def test_a_lock_with_records_of_a_later_firmware_works_and_leaves_them_alone() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    bench.device.store.commit({0x0005: b"from the future", SLOT_KEYS[1]: b"with more fields"})
    bench.power_cycle()
    bridge.connect()
    assert bench.device.firmware.memory.unreadable == [0x0005, SLOT_KEYS[1]]
    bridge.clear()
    assert bench.device.store.get(SLOT_KEYS[1]) == b"with more fields"
    assert bridge.created(BOB) == 2
    assert bench.device.store.get(0x0005) == b"from the future"


def test_no_record_that_holds_a_secret_shows_it() -> None:
    assert "ff" not in repr(LARGEST[IDENTITY_KEY])
    assert "8888" not in repr(LARGEST[SLOT_KEYS[0]])


def test_the_records_of_today_stay_readable() -> None:
    """Frozen bytes: do not change this test, a record's key and layout never change their meaning."""
    frozen = {
        IDENTITY_KEY: "ff" * 32,
        LEDGER_KEY: "ffffffff ffff",
        ZONE_KEY: "40" + "5a" * 64 + "40" + "52" * 63 + "30",
        PEER_KEYS[0]: "ffffffff" + "ff" * 32,
        OPERATION_KEYS[0]: "ffffffff" + "ff" * 8 + "08" + "ff" * 8,
        SLOT_KEYS[0]: "ffff 08"
        + "38" * 8
        + "20"
        + "c3a4" * 16
        + "01 00000000 ffffffff 04"
        + "7f 0000 05a0" * 4
        + "ffffffff",
        FLOOR_KEY: "ffffffff",
    }
    assert frozen.keys() == LARGEST.keys()
    for key, record in LARGEST.items():
        layout = layout_of(key)
        assert layout is not None
        assert build(layout, record) == bytes.fromhex(frozen[key])
        assert len(bytes.fromhex(frozen[key])) <= MAX_VALUE
    assert (IDENTITY_KEY, LEDGER_KEY, ZONE_KEY, FLOOR_KEY) == (1, 2, 3, 4)
    assert (PEER_KEYS[0], OPERATION_KEYS[0], SLOT_KEYS[0]) == (0x0100, 0x0200, 0x1000)


def test_a_pin_of_a_firmware_that_stamped_no_change_is_read_and_stamped_when_it_changes() -> None:
    """Frozen bytes of a pin, as they were before its last change had a time."""
    store, _ = fresh()
    store.commit({SLOT_KEYS[0]: bytes.fromhex("0001 05 3937353331 04 416e6e61 01 00000000 00000000 00")})
    memory = Memory(store)
    assert (list(memory.slots()), memory.unreadable) == ([(SLOT_KEYS[0], Pin(id=1, entry=ANNA, changed=0))], [])
    memory.stage(SLOT_KEYS[0], Pin(id=1, entry=ANNA, changed=5))
    memory.commit()
    assert list(Memory(store).slots()) == [(SLOT_KEYS[0], Pin(id=1, entry=ANNA, changed=5))]
