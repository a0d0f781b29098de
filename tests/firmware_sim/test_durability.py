"""An answer leaves after its effect is durable: power cut at every flash operation of every change, and full flash."""

from collections.abc import Iterator
from itertools import count

import pytest

from firmware_sim.device import GEOMETRY
from firmware_sim.errors import PowerCut
from firmware_sim.failing_flash import FailingFlash
from firmware_sim.flash import WORD, NorFlash
from firmware_sim.store import Region
from protocol.messages.clock import ClockGetRequest, ClockGetResponse, ClockSetRequest
from protocol.messages.declaration import Change, Refusal, Request, Response
from protocol.messages.pairing import UnpairRequest, UnpairResponse
from protocol.messages.pins import (
    LastOperationRequest,
    LastOperationResponse,
    PinClearRequest,
    PinCreateRequest,
    PinDeleteRequest,
    PinUpdateRequest,
)
from protocol.vocabulary import ClockState, PinEntry, PinSummary, Status
from tests.firmware_sim.bench import ANNA, BOB, CARL, Bench, Bridge, RefusedByLock, peer_of
from tests.firmware_sim.flashes import TEARS, cut_flash

STORAGE = Refusal(status=Status.STORAGE)
NEVER = 0

CHANGES: list[Change] = [
    PinCreateRequest(operation=3, entry=CARL),
    PinUpdateRequest(operation=3, id=1, entry=CARL),
    PinDeleteRequest(operation=3, id=1),
    PinClearRequest(operation=3),
]


@pytest.fixture(autouse=True, scope="module")
def _small_sectors() -> Iterator[None]:
    """Sectors of one page are booted quickly and full soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("firmware_sim.device.LOG", Region(first_page=1, sectors=3, pages_per_sector=1))
        yield


# --- power is lost ---


class Scene:
    """A lock with a peer and two pins, made by operations 1 and 2; it can be booted on copies of its flash."""

    def __init__(self) -> None:
        bench = Bench()
        self.bridge = peer_of(bench)
        self.bridge.created(ANNA)
        self.bridge.created(BOB)
        self.image = bench.bytes()
        flash = self.copy()
        before = flash.operations
        self.booted(flash)
        self.boot_operations = flash.operations - before

    def copy(self) -> NorFlash:
        flash = NorFlash(GEOMETRY)
        for address in range(0, GEOMETRY.size, WORD):
            if (word := self.image[address : address + WORD]) != b"\xff" * WORD:
                flash.program(address, word)
        return flash

    def booted(self, flash: NorFlash | FailingFlash) -> Bridge:
        """Return the bridge in a session with the lock that starts on `flash`."""
        bridge = Bridge(Bench(flash=flash))
        bridge.lock_key = self.bridge.lock_key
        bridge.connect()
        return bridge

    def cut(self, request: Request, operation: int) -> tuple[NorFlash, Response | Refusal | None]:
        """Ask for `request` and lose power at its flash operation `operation`; no answer where power went first."""
        flash = self.copy()
        tear = TEARS[operation % 5]
        bridge = self.booted(cut_flash(flash, self.boot_operations + operation if operation else NEVER, tear))
        try:
            return flash, bridge.ask(request)
        except PowerCut:
            return flash, None


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def listed(scene: Scene, flash: NorFlash) -> list[PinSummary]:
    return scene.booted(flash).listed()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_a_change_that_was_answered_survives_and_any_other_happens_once_when_repeated(
    scene: Scene, change: Change
) -> None:
    flash, answer = scene.cut(change, NEVER)
    assert isinstance(answer, Response)
    before, after = listed(scene, scene.copy()), listed(scene, flash)
    assert before != after
    for operation in count(1):
        flash, answered = scene.cut(change, operation)
        bridge = scene.booted(flash)
        last = bridge.told(LastOperationRequest(), LastOperationResponse).operation
        assert (bridge.listed(), last) in ([(after, 3)] if answered else [(before, 2), (after, 3)])
        assert bridge.ask(change) == answer
        assert bridge.listed() == after
        if answered:
            assert answered == answer
            assert operation > 10
            return


def test_an_unpairing_that_was_answered_survives(scene: Scene) -> None:
    for operation in count(1):
        flash, answered = scene.cut(UnpairRequest(), operation)
        try:
            bridge = scene.booted(flash)
        except RefusedByLock:
            bridge = None
        if bridge:
            assert answered is None
            assert bridge.told(LastOperationRequest(), LastOperationResponse).operation == 2
        if answered:
            assert answered == UnpairResponse()
            assert operation > 10
            return
    raise AssertionError


def test_a_new_zone_and_the_floor_of_a_clock_that_was_set_survive_together(scene: Scene) -> None:
    request = ClockSetRequest(time=1_800_000_000, force=False, zone="Europe/Berlin", rule="CET-1")
    after = (request.time, "Europe/Berlin", ClockState.UNTRUSTED)
    for operation in count(1):
        flash, answered = scene.cut(request, operation)
        told = scene.booted(flash).told(ClockGetRequest(), ClockGetResponse)
        assert (told.time, told.zone, told.state) in ([after] if answered else [(0, "UTC", after[2]), after])
        if answered:
            assert operation > 10
            return


def shaken(cut: int) -> tuple[Bridge, NorFlash]:
    """A pending peer in a session that it has not used, and flash that loses power at its operation `cut`."""
    flash = NorFlash(GEOMETRY)
    bench = Bench(flash=cut_flash(flash, cut, TEARS[cut % 5]))
    bench.hold_button()
    bridge = Bridge(bench)
    bridge.pair()
    bridge.shake()
    return bridge, flash


def test_a_peer_whose_first_request_was_answered_is_kept() -> None:
    before = shaken(NEVER)[1].operations
    for operation in count(1):
        bridge, flash = shaken(before + operation)
        try:
            answered = bridge.is_served()
        except PowerCut:
            answered = False
        assert Bench(flash=flash).peers in ([[bridge.peer_id]] if answered else [[], [bridge.peer_id]])
        if answered:
            assert operation > 10
            return


# --- flash is full ---


def filled() -> tuple[Bench, Bridge, int]:
    """A lock whose flash is full, its bridge, and how many pins it has."""
    bench = Bench(slots=250)
    bridge = peer_of(bench)
    for number in count():
        entry = PinEntry(digits=f"1357{number:04}", alias="a" * 32)
        if bridge.create(entry) == STORAGE:
            return bench, bridge, number
    raise AssertionError


def test_a_change_that_flash_cannot_hold_changes_nothing() -> None:
    bench, bridge, count_ = filled()
    before, version = bench.bytes(), bench.list_version
    refused = PinCreateRequest(operation=bridge.operation + 1, entry=BOB)
    assert bridge.ask(refused) == STORAGE
    assert bridge.told(LastOperationRequest(), LastOperationResponse).operation == count_
    assert len(bridge.listed()) == count_
    assert (bench.bytes(), bench.list_version, bench.opens(BOB.digits)) == (before, version, False)


def test_a_lock_whose_flash_was_full_works_on_once_there_is_room() -> None:
    bench, bridge, count_ = filled()
    assert bridge.is_served()
    assert bench.opens("13570000")
    for pin_id in (1, 2, 3):
        assert isinstance(bridge.delete(pin_id), Response)
    assert bridge.created(BOB) == count_ + 1
    assert bench.opens(BOB.digits)
    bench.power_cycle()
    bridge.connect()
    assert len(bridge.listed()) == count_ - 2


def test_a_zone_that_flash_cannot_hold_is_not_taken() -> None:
    _, bridge, _ = filled()
    zone = ClockSetRequest(time=1_800_000_000, force=False, zone="Z" * 60, rule="CET-1CEST,M3.5.0,M10.5.0/3")
    version = bridge.pages()[0].list_version
    assert bridge.ask(zone) == STORAGE
    assert bridge.told(ClockGetRequest(), ClockGetResponse).zone == "UTC"
    assert bridge.pages()[0].list_version == version


def pending_at_a_full_lock() -> tuple[Bench, Bridge, Bridge]:
    """A full lock, its peer, and another bridge in a session that could not be kept."""
    bench, first, _ = filled()
    bench.open(2, connection=False)
    bench.hold_button()
    second = Bridge(bench, 2, link=2)
    second.pair()
    second.shake()
    assert second.ask(LastOperationRequest()) == STORAGE
    assert (bench.peers, bench.window_open) == ([first.peer_id], True)
    return bench, first, second


def test_a_pending_peer_that_flash_cannot_hold_stays_pending_and_is_kept_once_there_is_room() -> None:
    bench, first, second = pending_at_a_full_lock()
    for pin_id in (1, 2, 3):
        first.delete(pin_id)
    assert second.is_served()
    assert (bench.peers, bench.window_open) == ([first.peer_id, second.peer_id], False)


def test_a_pending_peer_that_flash_cannot_hold_is_refused_after_its_minute() -> None:
    bench, _, second = pending_at_a_full_lock()
    bench.wait(60)
    with pytest.raises(RefusedByLock):
        second.ask(LastOperationRequest())
