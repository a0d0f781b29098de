"""What is remembered of a lock after each thing that it tells, and that it outlives the process."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from bridge.errors import NotRegistered
from bridge.states import KnownState, by_bolt, by_contact, by_info, by_status
from bridge.store.folder import StateFolder
from bridge.store.registry import Registry
from protocol.messages.device import UNKNOWN_BATTERY, InfoResponse, StatusResponse
from protocol.vocabulary import BoltState, Capability, ClockState, DoorState
from tests.bridge.registries import BACK, FRONT, NOW, run

LATER = NOW + timedelta(minutes=1)
INFO = InfoResponse(
    lock_id=FRONT.wire_id,
    min_version=1,
    max_version=1,
    model="LW-1",
    serial="00000001",
    firmware_version="1.2.3",
    capacity=100,
    max_frame=1024,
    capabilities=Capability.BOLT | Capability.LATCH,
)
STATUS = StatusResponse(
    list_version=1,
    used=1,
    clock=ClockState.TRUSTED,
    time=1,
    battery=54,
    bolt=BoltState.LOCKED,
    door=DoorState.CLOSED,
    jammed=False,
)


def test_a_status_is_remembered_with_its_time() -> None:
    known = by_status(STATUS, NOW)(KnownState())
    assert known == KnownState(
        reached=True, bolt=BoltState.LOCKED, bolt_since=NOW, door=DoorState.CLOSED, battery=54, state_told=NOW
    )


def test_an_info_leaves_the_status_and_a_status_the_info() -> None:
    known = by_info(INFO, LATER)(by_status(STATUS, NOW)(KnownState()))
    assert (known.serial, known.info_told, known.battery, known.state_told) == ("00000001", LATER, 54, NOW)
    assert by_status(STATUS, NOW)(known) == known


def test_a_battery_that_the_lock_does_not_know_is_not_known() -> None:
    assert by_status(replace(STATUS, battery=UNKNOWN_BATTERY), NOW)(KnownState(battery=54)).battery is None


def test_a_bolt_is_where_it_is_since_it_was_first_seen_there() -> None:
    known = by_status(STATUS, NOW)(KnownState())
    assert by_status(STATUS, LATER)(known).bolt_since == NOW
    assert by_bolt(BoltState.UNLOCKING, LATER)(known).bolt_since == LATER
    assert by_bolt(BoltState.UNKNOWN, NOW)(KnownState()).bolt_since == NOW


def test_a_jam_lasts_until_the_bolt_moves_again() -> None:
    jammed = by_status(replace(STATUS, bolt=BoltState.UNKNOWN, jammed=True), NOW)(KnownState())
    assert jammed.jammed
    assert by_bolt(BoltState.UNKNOWN, LATER)(jammed).jammed
    assert not by_bolt(BoltState.LOCKING, LATER)(jammed).jammed


def test_a_request_without_an_answer_changes_only_whether_the_lock_was_reached() -> None:
    known = by_status(STATUS, NOW)(KnownState())
    assert by_contact(reached=False)(known) == replace(known, reached=False)


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder.open(tmp_path / "state")

    async def add(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)

    run(folder, add)
    return folder


def test_states_outlive_the_process_and_only_those_that_are_known_are_told(folder: StateFolder) -> None:
    async def learn(registry: Registry) -> None:
        await registry.states.renew(FRONT.id, by_info(INFO, NOW))
        await registry.states.renew(FRONT.id, by_status(STATUS, LATER))

    async def remember(registry: Registry) -> None:
        known = by_status(STATUS, LATER)(by_info(INFO, NOW)(KnownState()))
        assert await registry.states.states([FRONT.id, BACK.id]) == {FRONT.id: known}
        assert await registry.states.states([]) == {}

    run(folder, learn)
    run(folder, remember)


def test_what_is_known_already_is_not_written_again(folder: StateFolder) -> None:
    async def test(registry: Registry) -> None:
        written: list[str] = []
        await registry.states.renew(FRONT.id, by_contact(reached=True))
        event.listen(
            registry._database._engine.sync_engine,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, *_rest: written.append(statement.partition(" ")[0]),
        )
        await registry.states.renew(FRONT.id, by_contact(reached=True))
        assert written == ["SELECT"]
        await registry.states.renew(FRONT.id, by_contact(reached=False))
        assert written == ["SELECT", "SELECT", "UPDATE"]

    run(folder, test)


def test_nothing_is_kept_of_a_lock_that_is_not_registered(folder: StateFolder) -> None:
    async def test(registry: Registry) -> None:
        with pytest.raises(NotRegistered):
            await registry.states.renew(99, by_contact(reached=True))

    run(folder, test)
