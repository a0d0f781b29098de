"""The audit: read by several bridges without loss or doubling, gaps shown, durable with what it tells of."""

import pytest

from firmware_sim.records import AUDIT_KEYS, AUDIT_RECORDS
from firmware_sim.store import Store
from protocol.messages.audit import AuditReadRequest, AuditReadResponse
from protocol.vocabulary import AuditEvent, AuditRecord, Cause
from tests.firmware_sim.bench import ANNA, Bench, Bridge, peer_of


class Reader:
    """A bridge's cursor, and all that it has read."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self.read: list[AuditRecord] = []

    @property
    def cursor(self) -> int:
        return self.read[-1].sequence if self.read else 0

    def catch_up(self) -> AuditReadResponse:
        while True:
            page = self._bridge.told(AuditReadRequest(after=self.cursor), AuditReadResponse)
            self.read += page.records
            if self.cursor == page.last:
                return page

    @property
    def sequences(self) -> list[int]:
        return [record.sequence for record in self.read]


def churn(bridge: Bridge, times: int) -> None:
    """Make two records each time."""
    for _ in range(times):
        bridge.delete(bridge.created(ANNA))


def two_bridges() -> tuple[Bench, Bridge, Bridge]:
    bench = Bench()
    bench.open(2, connection=False)
    first = peer_of(bench)
    return bench, first, peer_of(bench, 2, link=2)


def test_each_bridge_reads_everything_once_while_the_ring_turns() -> None:
    bench, first, second = two_bridges()
    readers = [Reader(first), Reader(second)]
    for turn in range(12):
        churn((first, second)[turn % 2], 15)
        readers[turn % 2].catch_up()
    last = [reader.catch_up().last for reader in readers]
    assert last[0] == last[1] > 2 * AUDIT_RECORDS
    for reader in readers:
        assert reader.sequences == list(range(1, last[0] + 1))
    created = [record for record in readers[0].read if record.event is AuditEvent.PIN_CREATED]
    assert {record.peer_id for record in created} == {first.peer_id, second.peer_id}
    assert len(created) == 12 * 15
    assert bench.device.firmware.audit.last == last[0]


def test_what_was_overwritten_shows_as_a_gap_and_nothing_else_is_missing() -> None:
    bridge = peer_of(Bench())
    reader = Reader(bridge)
    before = reader.catch_up().last
    churn(bridge, 100)
    page = reader.catch_up()
    assert page.first == page.last - AUDIT_RECORDS + 1 > before + 1
    assert reader.sequences == [*range(1, before + 1), *range(page.first, page.last + 1)]


def test_a_page_ends_where_the_frame_does() -> None:
    bridge = peer_of(Bench())
    churn(bridge, 20)
    page = bridge.told(AuditReadRequest(after=0), AuditReadResponse)
    assert len(page.records) == 12
    assert bridge.told(AuditReadRequest(after=page.last), AuditReadResponse).records == ()
    assert bridge.told(AuditReadRequest(after=page.last + 9), AuditReadResponse).records == ()


def test_unread_records_outlive_compaction_and_loss_of_power() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    churn(bridge, 10)
    reader = Reader(bridge)
    expected = reader.catch_up()
    before = list(reader.read)
    for _ in range(3):
        bench.power_cycle()
    bridge.connect()
    again = Reader(bridge)
    again.catch_up()
    assert again.read[: len(before)] == before
    assert [record.event for record in again.read[len(before) :]] == [AuditEvent.POWER_ON] * 3
    assert again.sequences == list(range(1, expected.last + 4))


def test_a_change_and_its_record_are_one_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = peer_of(Bench())
    commits: list[set[int]] = []
    commit = Store.commit

    def watched(store: Store, changes: dict[int, bytes | None]) -> None:
        commits.append(set(changes))
        commit(store, changes)

    monkeypatch.setattr(Store, "commit", watched)
    bridge.created(ANNA)
    assert len(commits) == 1
    assert len(commits[0] & set(AUDIT_KEYS)) == 1


def test_a_refused_change_leaves_no_record() -> None:
    bridge = peer_of(Bench())
    bridge.created(ANNA)
    reader = Reader(bridge)
    last = reader.catch_up().last
    bridge.create(ANNA)
    bridge.delete(99)
    assert reader.catch_up().last == last
    assert reader.read[-1] == AuditRecord(
        sequence=last,
        time=reader.read[-1].time,
        clock=reader.read[-1].clock,
        event=AuditEvent.PIN_CREATED,
        cause=Cause.REQUEST,
        pin_id=1,
        peer_id=bridge.peer_id,
    )


def test_a_record_that_damage_took_is_a_gap_like_any_other() -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    reader = Reader(bridge)
    last = reader.catch_up().last
    bench.device.store.commit({AUDIT_KEYS[2]: None})
    bench.power_cycle()
    bridge.connect()
    again = Reader(bridge)
    again.catch_up()
    assert again.sequences == [1, *range(3, last + 2)]


def test_after_the_last_number_nothing_more_is_recorded_and_changes_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = peer_of(Bench())
    reader = Reader(bridge)
    last = reader.catch_up().last
    monkeypatch.setattr("firmware_sim.behaviours.audit._LAST_SEQUENCE", last + 1)
    churn(bridge, 2)
    assert reader.catch_up().last == last + 1
    assert bridge.listed() == []
