"""Low-battery records: once a mark, armed again well above it, also after a loss of power."""

import pytest

from firmware_sim.device import GEOMETRY
from firmware_sim.events import Woken
from firmware_sim.failing_flash import FailingFlash
from firmware_sim.flash import NorFlash
from protocol.messages.audit import AuditReadRequest, AuditReadResponse
from protocol.messages.device import UNKNOWN_BATTERY, StatusRequest, StatusResponse
from protocol.vocabulary import AuditEvent
from tests.firmware_sim.bench import Bench, peer_of


@pytest.mark.parametrize("cycles", [False, True], ids=["power stays", "power is lost after each level"])
def test_each_mark_is_recorded_once_until_it_is_armed_again(cycles: bool) -> None:
    bench = Bench()
    bridge = peer_of(bench)
    for level in (21, 20, 19, 24, 20, 25, 20, 8, 10, 14, 10, 15, 10, 5, 4, UNKNOWN_BATTERY, 5, 0, 100, 3):
        bench.device.hardware.battery = level
        bench.happen(Woken())
        if cycles:
            bench.power_cycle()
    bridge.connect()
    page = bridge.told(AuditReadRequest(after=0), AuditReadResponse)
    records = list(page.records)
    while records[-1].sequence < page.last:
        records += bridge.told(AuditReadRequest(after=records[-1].sequence), AuditReadResponse).records
    assert [record.detail for record in records if record.event is AuditEvent.BATTERY_LOW] == [20, 20, 8, 10, 5, 3]
    assert bridge.told(StatusRequest(), StatusResponse).battery == 3


def test_a_warning_that_flash_does_not_take_is_given_once_it_takes_one_again() -> None:
    flash = FailingFlash(NorFlash(GEOMETRY))
    bench = Bench(flash=flash)
    bridge = peer_of(bench)
    bench.device.hardware.battery = 15
    flash.bad_pages = set(range(GEOMETRY.pages))
    bench.wake()
    flash.bad_pages = set()
    bench.wake()
    bench.wake()
    records = bridge.told(AuditReadRequest(after=0), AuditReadResponse).records
    assert [record.detail for record in records if record.event is AuditEvent.BATTERY_LOW] == [15]
