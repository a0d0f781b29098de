"""The whole lock from its first power-on: who it is stays, what it kept is there, and damage is told and survived."""

import pytest

from firmware_sim.behaviours.expiry import SWEEP_SECONDS
from firmware_sim.clock import NANOSECONDS
from firmware_sim.device import GEOMETRY, LOG, Device
from firmware_sim.errors import OptionError, StoreDamaged
from firmware_sim.flash import NorFlash
from firmware_sim.records import MAX_SLOTS
from protocol.framing import Kind, encode_frame
from protocol.messages.hello import Mode
from tests.firmware_sim.bench import ANNA, BOB, CARL, Bench, Bridge, peer_of, transport
from tests.firmware_sim.test_factory import flash_with

SECTOR_HEADER = 20


def test_a_lock_on_erased_flash_makes_itself_an_identity_once() -> None:
    bench = Bench()
    made = bench.device.factory
    bridge = peer_of(bench)
    bench.power_cycle()
    again = Bench(flash=bench.flash, seed=99)
    assert (bench.device.factory, again.device.factory) == (made, made)
    bridge.bench = again
    bridge.connect()


def test_two_locks_are_never_the_same() -> None:
    first, second = Bench(seed=1), Bench(seed=2)
    assert peer_of(first).lock_key != peer_of(second).lock_key
    assert first.device.factory.lock_id != second.device.factory.lock_id
    assert first.device.factory.secret != second.device.factory.secret


def test_the_same_random_bytes_and_the_same_events_give_the_same_answers() -> None:
    runs = []
    for _ in range(2):
        bench = Bench(seed=7)
        peer_of(bench).created(ANNA)
        runs.append((bench.passed, bench.bytes()))
    assert runs[0] == runs[1]


@pytest.mark.parametrize("slots", [0, -1, MAX_SLOTS + 1])
def test_a_lock_has_between_one_slot_and_what_its_flash_can_hold(slots: int) -> None:
    with pytest.raises(OptionError, match=f"1 to {MAX_SLOTS} slots") as refused:
        Bench(slots=slots)
    assert refused.value.exit_code == 2


def test_a_lock_says_nothing_of_its_own_accord() -> None:
    device = Device(NorFlash(GEOMETRY), slots=1, epoch=0, now=lambda: 0, entropy=bytes)
    assert device.open(1, connection=False).outputs == ()
    assert device.receive(1, b"").outputs == ()
    assert device.close(1).outputs == ()
    assert device.wake_ns == SWEEP_SECONDS * NANOSECONDS


def test_a_link_that_is_opened_anew_forgets_half_a_frame() -> None:
    bench = Bench()
    bench.open(2)
    half = encode_frame(transport())
    bench.feed(half[:9], 2)
    bench.device.close(2)
    bench.open(2)
    assert bench.feed(half[9:], 2) == []


def test_several_frames_in_one_read_are_answered_in_order() -> None:
    bench = Bench()
    frames = [transport(counter) for counter in range(4)]
    answers = bench.feed(b"".join(map(encode_frame, frames)))
    assert [(answer.kind, answer.counter) for answer in answers] == [(Kind.REFUSED, counter) for counter in range(4)]


# --- damage ---


def log_addresses() -> range:
    """The addresses of the store's sectors."""
    size = GEOMETRY.page_size
    return range(LOG.first_page * size, (LOG.first_page + LOG.sectors * LOG.pages_per_sector) * size)


def image_with_three_pins() -> tuple[bytes, Bridge]:
    bench = Bench()
    bridge = peer_of(bench)
    for entry in (ANNA, BOB, CARL):
        bridge.created(entry)
    bench.power_cycle()
    return bench.bytes(), bridge


def test_a_lock_with_a_damaged_pin_says_so_and_keeps_the_others() -> None:
    image, bridge = image_with_three_pins()
    at = image.index(BOB.digits.encode())
    damaged = image[:at] + bytes([image[at] ^ 1]) + image[at + 1 :]
    bench = Bench(flash=flash_with(damaged))
    assert "lost values: 1" in bench.device.store.damage.sentence
    assert [bench.opens(entry.digits) for entry in (ANNA, BOB, CARL)] == [True, False, True]
    bridge.bench = bench
    bridge.connect()
    assert [pin.alias for pin in bridge.listed()] == ["Anna", "Carl"]
    assert bridge.created(BOB) == 4
    bench.power_cycle()
    assert bench.device.store.damage.sentence == ""


def test_a_lock_starts_with_a_smashed_stretch_of_its_records_and_says_so() -> None:
    image, _ = image_with_three_pins()
    used = [at for at in log_addresses() if image[at] != 0xFF]
    end = used[-1] - 16  # a last record without its last word is one that lost power, and no damage
    for at in range(used[0] + SECTOR_HEADER, end, 37):
        bench = Bench(flash=flash_with(image[:at] + bytes(16) + image[at + 16 :]))
        assert bench.device.store.damage.sentence.startswith("Flash was damaged")
        assert sum(bench.opens(entry.digits) for entry in (ANNA, BOB, CARL)) >= 1
        assert Bridge(bench).greet(Mode.SESSION).lock.lock_id == bench.device.factory.lock_id


def test_a_lock_whose_only_sector_has_no_header_says_so_and_changes_nothing() -> None:
    image, _ = image_with_three_pins()
    at = next(at for at in log_addresses() if image[at] != 0xFF)
    flash = flash_with(image[:at] + bytes(16) + image[at + 16 :])
    before = flash.read(0, GEOMETRY.size)
    with pytest.raises(StoreDamaged, match="Nothing was changed"):
        Bench(flash=flash)
    assert flash.read(0, GEOMETRY.size) == before


def test_a_lock_whose_key_was_lost_makes_a_new_one_and_its_peers_have_to_pair_again() -> None:
    image, bridge = image_with_three_pins()
    bench = Bench(flash=flash_with(image))
    key = bench.device.store.get(1)
    assert key is not None
    at = image.index(key)
    reborn = Bench(flash=flash_with(image[:at] + bytes([image[at] ^ 1]) + image[at + 1 :]))
    assert reborn.device.store.get(1) not in {None, key}
    assert reborn.opens(ANNA.digits)
    again = peer_of(reborn)
    assert again.lock_key != bridge.lock_key
    assert reborn.peers == [bridge.peer_id]
