"""What is no record, and follows from a change, happens after the change is durable or not at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from firmware_sim.device import GEOMETRY
from firmware_sim.errors import StoreFull
from firmware_sim.failing_flash import FailingFlash
from firmware_sim.flash import ImageFlash, NorFlash
from firmware_sim.store import Region
from protocol.codec import encode_request
from protocol.messages.clock import ClockGetRequest, ClockGetResponse, ClockSetRequest
from protocol.messages.declaration import Refusal
from protocol.messages.device import InfoRequest, PingRequest, PingResponse
from protocol.messages.pairing import PairCommitRequest, PairCommitResponse, UnpairRequest
from protocol.messages.pins import PinCreateRequest, PinCreateResponse
from protocol.vocabulary import ClockState, PinEntry, Rule, Status
from tests.firmware_sim.bench import ANNA, BOB, Bench, Bridge, is_refusal, peer_of

STORAGE = Refusal(status=Status.STORAGE)


@pytest.fixture(autouse=True)
def _small_flash() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("firmware_sim.device.LOG", Region(first_page=1, sectors=3, pages_per_sector=1))
        yield


def full() -> tuple[Bench, Bridge]:
    """A lock whose flash can hold nothing more, and its bridge."""
    bench = Bench(slots=250)
    bridge = peer_of(bench)
    for number in count():
        if bridge.create(PinEntry(digits=f"1357{number:04}", alias="a" * 32)) == STORAGE:
            return bench, bridge
    raise AssertionError


def test_a_clock_whose_zone_cannot_be_stored_is_not_set() -> None:
    _, bridge = full()
    zone = ClockSetRequest(time=1_800_000_000, force=False, zone="Z" * 60, rule="CET-1CEST,M3.5.0,M10.5.0/3")
    assert bridge.ask(zone) == STORAGE
    told = bridge.told(ClockGetRequest(), ClockGetResponse)
    assert (told.state, told.zone, told.time < 1000) == (ClockState.UNTRUSTED, "UTC", True)


def test_an_unpairing_that_cannot_be_stored_ends_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bridge = peer_of(bench)
    with monkeypatch.context() as patch:
        patch.setattr(type(bench.device.store), "commit", _full)
        assert bridge.ask(UnpairRequest()) == STORAGE
    assert bridge.is_served()
    assert not isinstance(bridge.ask(UnpairRequest()), Refusal)
    frame = bridge.session.seal(b"\x03\x00")
    assert is_refusal(bridge.send(frame), frame)


def _full(*_: object) -> None:
    raise StoreFull("The store is full.")


def test_a_lapse_of_flash_under_a_change_is_made_good_and_one_that_stays_is_refused() -> None:
    for lapse in range(1, 30):
        flash = FailingFlash(NorFlash(GEOMETRY))
        bench = Bench(flash=flash)
        bridge = peer_of(bench)
        flash.lapse_after(lapse)
        request = PinCreateRequest(operation=1, entry=ANNA)
        assert bridge.ask(request) == PinCreateResponse(id=1, list_version=2)
        flash.bad_pages = set(range(GEOMETRY.pages))
        refused = PinCreateRequest(operation=2, entry=BOB)
        assert bridge.ask(refused) == STORAGE
        assert (bench.opens(ANNA.digits), bench.opens(BOB.digits), bench.list_version) == (True, False, 2)
        flash.bad_pages = set()
        assert bridge.ask(refused) == PinCreateResponse(id=2, list_version=3)
        bench.power_cycle()
        assert (bench.opens(ANNA.digits), bench.opens(BOB.digits)) == (True, True)


def test_a_change_that_the_image_file_does_not_take_is_not_answered_and_is_resolved_by_asking_again(
    tmp_path: Path,
) -> None:
    write, silent = os.pwrite, 0
    for lapse in range(1, 12):
        path = tmp_path / str(lapse)
        left = [0]

        def lapsing(file: int, data: bytes, offset: int, left: list[int] = left) -> int:
            left[0] -= 1
            if left[0] == 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return write(file, data, offset)

        with closing(ImageFlash(path, GEOMETRY)) as flash, pytest.MonkeyPatch.context() as patch:
            bench = Bench(flash=flash)
            bridge = peer_of(bench)
            left[0] = lapse
            patch.setattr(os, "pwrite", lapsing)
            request = PinCreateRequest(operation=1, entry=ANNA)
            if bridge.send(bridge.session.seal(encode_request(request))) is None:
                silent += 1
                bridge.connect()
                assert bridge.ask(request) == PinCreateResponse(id=1, list_version=2)
        with closing(ImageFlash(path, GEOMETRY)) as flash:
            assert Bench(flash=flash).opens(ANNA.digits)
    assert silent


def test_a_pairing_session_commits_within_a_minute_or_never() -> None:
    bench = Bench()
    bridge = Bridge(bench)
    bench.hold_button()
    bridge.prove()
    bench.wait(59.9)
    assert bridge.ask(PairCommitRequest()) == PairCommitResponse(peer_id=bridge.peer_id)
    bench.wait(0.1)
    assert bridge.ask(PairCommitRequest()) == Refusal(status=Status.DENIED)


def test_an_answer_longer_than_a_frame_may_be_is_refused_instead() -> None:
    bridge = peer_of(Bench())
    fits, does_not = PingRequest(payload=bytes(227)), PingRequest(payload=bytes(228))
    assert bridge.ask(fits) == PingResponse(payload=bytes(227))
    assert bridge.ask(does_not) == Refusal(status=Status.INVALID, rule=Rule.MALFORMED)
    bridge.ask(InfoRequest())
    assert bridge.ask(does_not) == PingResponse(payload=bytes(228))


def test_the_last_answer_of_a_spent_session_can_be_asked_for_again_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bridge = peer_of(Bench())
    monkeypatch.setattr("protocol.session.MAX_REQUESTS", 3)
    bridge.is_served()
    last = bridge.session.seal(b"\x03\x00")
    answer = bridge.send(last)
    assert answer is not None
    assert bridge.send(last) == answer
    monkeypatch.setattr("protocol.session.MAX_REQUESTS", 4)
    beyond = bridge.session.seal(b"\x03\x00")
    monkeypatch.setattr("protocol.session.MAX_REQUESTS", 3)
    assert is_refusal(bridge.send(beyond), beyond)
    assert bridge.send(last) == answer
