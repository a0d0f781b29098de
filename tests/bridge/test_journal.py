"""Both journals behave alike, and what is decided by their records."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.journal import (
    ADOPTABLE,
    KEPT,
    Caller,
    ChangeRecord,
    ChangeState,
    Journal,
    Marks,
    MemoryJournal,
    Verdict,
    adoptable,
    judge,
    judge_key,
    overtaken,
)
from bridge.store.folder import StateFolder
from protocol.codec import encode_request, fingerprint
from protocol.messages.pins import LastOperationResponse, PinCreateRequest
from protocol.vocabulary import PinEntry, Status
from tests.bridge import registries

MARKS = Marks(b"k" * 32)
BODY = b"the request"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
CALLER = Caller(token_id=3, key="drawn")
RECORD = ChangeRecord(
    number=0,
    wire_id=0xFFFFFFFF,
    operation=7,
    mark=MARKS.of_body(BODY),
    request_mark=b"r" * 32,
    method="create_pin",
    caller=CALLER,
    begun=NOW,
)
CONFIRMED = replace(RECORD, state=ChangeState.CONFIRMED, answer=b"\x10\x00", ended=NOW)

Scenario = Callable[[Journal], Awaitable[None]]


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder.open(tmp_path / "state")


@pytest.fixture(params=["memory", "SQL"])
def keep(request: pytest.FixtureRequest, folder: StateFolder) -> Callable[[Scenario], None]:
    """Run a scenario with an empty journal of each kind."""
    if request.param == "memory":
        return lambda scenario: asyncio.run(scenario(MemoryJournal()))  # type: ignore[arg-type]
    return lambda scenario: registries.run(folder, lambda registry: scenario(registry.journal))


Keep = Callable[[Scenario], None]


def test_a_record_comes_back_as_it_was_kept_last(keep: Keep) -> None:
    async def scenario(journal: Journal) -> None:
        kept = await journal.begin(RECORD)
        assert kept == replace(RECORD, number=kept.number)
        assert await journal.unresolved(RECORD.wire_id) == (kept,)
        ended = replace(CONFIRMED, number=kept.number, told=True)
        await journal.save(ended)
        assert await journal.latest(RECORD.wire_id, CALLER, RECORD.request_mark) == ended
        assert await journal.keyed(RECORD.wire_id, CALLER, NOW) == ended

    keep(scenario)


def test_what_is_unresolved_is_told_by_lock_oldest_first(keep: Keep) -> None:
    async def scenario(journal: Journal) -> None:
        states = [*ChangeState, ChangeState.PENDING]
        kept = [await journal.begin(replace(RECORD, state=state)) for state in states]
        await journal.begin(replace(CONFIRMED, wire_id=5))
        other = await journal.begin(replace(RECORD, wire_id=6))
        pending, unconfirmed = (states.index(state) for state in (ChangeState.PENDING, ChangeState.UNCONFIRMED))
        assert await journal.unresolved(RECORD.wire_id) == (kept[pending], kept[unconfirmed], kept[-1])
        assert await journal.unresolved(6) == (other,)
        assert await journal.unresolved_locks() == {RECORD.wire_id, 6}

    keep(scenario)


def test_the_newest_of_a_request_is_found_by_its_token_and_lock_alone(keep: Keep) -> None:
    async def scenario(journal: Journal) -> None:
        await journal.begin(RECORD)
        newest = await journal.begin(replace(RECORD, caller=Caller(token_id=3)))
        nobody = await journal.begin(replace(RECORD, caller=Caller()))
        mark = RECORD.request_mark
        assert await journal.latest(RECORD.wire_id, CALLER, mark) == newest
        assert await journal.latest(RECORD.wire_id, Caller(), mark) == nobody
        assert await journal.latest(RECORD.wire_id, Caller(token_id=4), mark) is None
        assert await journal.latest(1, CALLER, mark) is None
        assert await journal.latest(RECORD.wire_id, CALLER, b"s" * 32) is None

    keep(scenario)


def test_a_key_is_one_tokens_and_known_since_a_moment(keep: Keep) -> None:
    async def scenario(journal: Journal) -> None:
        await journal.begin(replace(RECORD, state=ChangeState.CONFIRMED))
        newest = await journal.begin(replace(RECORD, state=ChangeState.CONFIRMED))
        elsewhere = await journal.begin(replace(RECORD, wire_id=1, state=ChangeState.CONFIRMED))
        assert await journal.keyed(RECORD.wire_id, CALLER, NOW) == newest
        assert await journal.keyed(1, CALLER, NOW) == elsewhere
        assert await journal.keyed(2, CALLER, NOW) == elsewhere
        assert await journal.keyed(RECORD.wire_id, CALLER, NOW + timedelta(seconds=1)) is None
        left = await journal.begin(RECORD)
        assert await journal.keyed(RECORD.wire_id, CALLER, NOW + timedelta(days=2)) == left
        assert await journal.keyed(RECORD.wire_id, Caller(token_id=4, key="drawn"), NOW) is None
        assert await journal.keyed(RECORD.wire_id, Caller(token_id=3, key="other"), NOW) is None

    keep(scenario)


def test_later_records_are_those_of_the_same_lock(keep: Keep) -> None:
    async def scenario(journal: Journal) -> None:
        first = await journal.begin(RECORD)
        await journal.begin(replace(RECORD, wire_id=1))
        third = await journal.begin(RECORD)
        assert await journal.later(first) == (third,)

    keep(scenario)


def test_a_record_is_forgotten_a_day_later(keep: Keep) -> None:
    async def scenario(journal: Journal) -> None:
        first = await journal.begin(CONFIRMED)
        old = await journal.begin(CONFIRMED)
        just = await journal.begin(replace(CONFIRMED, begun=NOW + KEPT))
        assert await journal.later(first) == (old, just)
        new = await journal.begin(replace(CONFIRMED, begun=NOW + KEPT + timedelta(seconds=1)))
        assert await journal.later(first) == (just, new)
        await journal.save(old)  # is not brought back
        assert await journal.later(first) == (just, new)

    keep(scenario)


def test_a_record_whose_outcome_is_not_known_is_kept_however_far_the_hosts_clock_jumps(keep: Keep) -> None:
    async def scenario(journal: Journal) -> None:
        left = await journal.begin(RECORD)
        await journal.begin(replace(CONFIRMED, begun=NOW + timedelta(days=400)))
        assert await journal.unresolved(RECORD.wire_id) == (left,)

    keep(scenario)


def test_marks_depend_on_the_key_and_tell_kinds_apart() -> None:
    request = PinCreateRequest(operation=0, entry=PinEntry(digits="97531", alias="a"))
    body = encode_request(request)
    told = {MARKS.of_body(body), MARKS.of_request(request), MARKS.of_fingerprint(body), fingerprint(body)}
    assert len(told | {Marks(b"x" * 32).of_body(body), Marks(b"x" * 32).of_request(request)}) == 6
    assert MARKS.of_body(body) == MARKS.of_fingerprint(fingerprint(body))


@pytest.mark.parametrize(
    ("operation", "body", "state"),
    [
        (7, BODY, ChangeState.CONFIRMED),
        (7, b"another", ChangeState.UNKNOWABLE),
        (6, BODY, ChangeState.NOT_DONE),
        (8, BODY, ChangeState.UNKNOWABLE),
        (5, BODY, ChangeState.UNKNOWABLE),
        (0, BODY, ChangeState.UNKNOWABLE),
    ],
)
def test_the_last_operation_says_what_became_of_a_change(operation: int, body: bytes, state: ChangeState) -> None:
    last = LastOperationResponse(operation=operation, fingerprint=fingerprint(body), response=b"")
    assert judge(RECORD, last, MARKS) is state


def test_the_first_operation_has_none_before_it() -> None:
    last = LastOperationResponse(operation=0, fingerprint=bytes(8), response=b"")
    assert judge(replace(RECORD, operation=1), last, MARKS) is ChangeState.NOT_DONE


def refusal(status: Status) -> ChangeRecord:
    return replace(CONFIRMED, state=ChangeState.REFUSED, answer=bytes([0x10, status, 0]))


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (None, Verdict.PERFORM),
        (CONFIRMED, Verdict.REPEAT),
        (refusal(Status.EXISTS), Verdict.REPEAT),
        (refusal(Status.FULL), Verdict.REPEAT),
        (refusal(Status.BUSY), Verdict.PERFORM),
        (refusal(Status.STALE), Verdict.PERFORM),
        (replace(RECORD, state=ChangeState.NOT_DONE), Verdict.PERFORM),
        (replace(RECORD, state=ChangeState.UNKNOWABLE), Verdict.LOST),
        (replace(CONFIRMED, request_mark=b"s" * 32), Verdict.OTHER),
        (replace(CONFIRMED, wire_id=1), Verdict.OTHER),
    ],
)
def test_a_key_is_good_for_one_request_whose_outcome_it_repeats(found: ChangeRecord | None, verdict: Verdict) -> None:
    assert judge_key(found, RECORD.wire_id, RECORD.request_mark) is verdict


def test_what_nobody_was_told_is_adopted_for_ten_minutes() -> None:
    assert adoptable(CONFIRMED, NOW + ADOPTABLE)
    assert not adoptable(CONFIRMED, NOW + ADOPTABLE + timedelta(seconds=1))
    assert not adoptable(replace(CONFIRMED, told=True), NOW)
    assert not adoptable(replace(CONFIRMED, method="operate_bolt"), NOW)
    assert not adoptable(refusal(Status.FULL), NOW)
    assert not adoptable(None, NOW)


@pytest.mark.parametrize(
    ("method", "later", "so"),
    [
        ("create_pin", "create_pin", False),
        ("create_pin", "operate_bolt", False),
        ("create_pin", "delete_pin", True),
        ("update_pin", "create_pin", True),
        ("update_pin", "operate_bolt", False),
    ],
)
def test_what_was_done_since_may_overtake_a_change(method: str, later: str, so: bool) -> None:
    found, after = replace(CONFIRMED, method=method), replace(CONFIRMED, method=later)
    assert overtaken(found, [after]) is so
    assert not overtaken(found, [])
    assert not overtaken(found, [replace(after, state=ChangeState.REFUSED)])
