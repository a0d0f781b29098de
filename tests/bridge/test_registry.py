"""Locks and tokens in the registry."""

from dataclasses import fields, replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy.exc import StatementError

from bridge.errors import AlreadyRegistered, NotRegistered, UsageError
from bridge.records import LARGEST_LOCK_ID, Grant, LockRecord, PairingState, Scope
from bridge.store.folder import StateFolder
from bridge.store.registry import Registry
from bridge.store.schema import LockRow
from bridge.store.tokens import new_token, token_hash
from tests.bridge.registries import BACK, FRONT, NOW, READ, new_grant, query, run


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder.open(tmp_path / "state")


def test_a_lock_comes_back_as_it_was_saved_even_after_a_restart(folder: StateFolder) -> None:
    async def fill(registry: Registry) -> None:
        await registry.add_lock(BACK)
        await registry.add_lock(FRONT)

    async def read(registry: Registry) -> None:
        assert await registry.locks() == (FRONT, BACK)
        assert await registry.lock(1) == FRONT
        assert (await registry.lock(2)).state is PairingState.UNCONFIRMED

    run(folder, fill)
    run(folder, read)


def test_the_table_has_every_field_of_a_lock() -> None:
    assert set(LockRow.__table__.columns.keys()) == {field.name for field in fields(LockRecord)}


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (replace(BACK, id=1), "The number 1 belongs to another lock"),
        (replace(BACK, name=FRONT.name), "The name 'front door' belongs to lock 1"),
        (replace(BACK, wire_id=FRONT.wire_id), r"This lock \(FFFFFFFF\) is registered as 1 'front door'"),
        (FRONT, "The number 1 belongs to another lock"),
    ],
)
def test_a_lock_that_takes_anothers_place_is_refused_by_what_clashes(
    folder: StateFolder, record: LockRecord, sentence: str
) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        with pytest.raises(AlreadyRegistered, match=sentence) as caught:
            await registry.add_lock(record)
        assert record.target not in str(caught.value.__cause__)  # a log shows no row
        assert await registry.locks() == (FRONT,)

    run(folder, scenario)


@pytest.mark.parametrize("lock_id", [0, -1, LARGEST_LOCK_ID + 1])
def test_a_number_out_of_range_is_refused(folder: StateFolder, lock_id: int) -> None:
    async def scenario(registry: Registry) -> None:
        with pytest.raises(UsageError, match="cannot be a lock's number"):
            await registry.add_lock(replace(FRONT, id=lock_id))

    run(folder, scenario)


@pytest.mark.parametrize("name", ["", " ", "7", "٧", "a\x1b[2J"])
def test_a_name_that_hides_a_lock_or_passes_for_a_number_is_refused(folder: StateFolder, name: str) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        with pytest.raises(UsageError, match="cannot be a lock's name"):
            await registry.add_lock(replace(BACK, name=name))
        with pytest.raises(UsageError, match="cannot be a lock's name"):
            await registry.save_lock(replace(FRONT, name=name))

    run(folder, scenario)


def test_saving_a_lock_replaces_each_field_and_no_other_lock(folder: StateFolder) -> None:
    changed = LockRecord(
        id=1,
        name="garage",
        target="tcp:127.0.0.1:7000",
        wire_id=5,
        public_key=bytes(32),
        state=PairingState.UNPAIRED,
        zone="UTC",
        version=2,
        list_version=None,
    )

    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)
        await registry.save_lock(changed)
        assert await registry.locks() == (changed, BACK)

    run(folder, scenario)


def test_saving_refuses_an_unknown_lock_and_a_name_or_wire_id_that_is_taken(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        with pytest.raises(NotRegistered, match="There is no lock 2"):
            await registry.save_lock(BACK)
        await registry.add_lock(BACK)
        with pytest.raises(AlreadyRegistered, match="'front door' belongs to lock 1"):
            await registry.save_lock(replace(BACK, name=FRONT.name))
        with pytest.raises(AlreadyRegistered, match="registered as 1 'front door'"):
            await registry.save_lock(replace(BACK, wire_id=FRONT.wire_id))
        assert await registry.locks() == (FRONT, BACK)

    run(folder, scenario)


def test_a_lock_is_found_by_its_name_or_number_alone(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        with pytest.raises(NotRegistered, match=r"nor any other\. `latchwire pair` adds one"):
            await registry.find_lock("front door")
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)
        assert await registry.find_lock("front door") == FRONT
        assert await registry.find_lock("2") == BACK
        for wrong in ("front", "Front Door", "02", "3", "", "9" * 5000):
            with pytest.raises(NotRegistered, match=r"only 1 'front door', 2 'back door'. See `latchwire lock list`"):
                await registry.find_lock(wrong)

    run(folder, scenario)


@pytest.mark.parametrize("lock_id", [0, 3, -1, 2**31, 2**64])
def test_an_unknown_number_is_not_registered_however_large(folder: StateFolder, lock_id: int) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        with pytest.raises(NotRegistered, match=f"There is no lock {lock_id}. `latchwire lock list`"):
            await registry.lock(lock_id)
        with pytest.raises(NotRegistered, match=f"There is no lock {lock_id}. `latchwire lock list`"):
            await registry.create_token(scopes=READ, lock_ids=frozenset({1, lock_id}), expires=None)
        assert (await new_grant(registry)).token_id == 1

    run(folder, scenario)


def test_a_token_allows_what_it_was_made_for(folder: StateFolder) -> None:
    scopes = frozenset({Scope.DEVICE_READ_WRITE, Scope.LOCK_OPERATE})
    expires = (NOW + timedelta(days=1)).astimezone(timezone(timedelta(hours=2)))

    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)
        await registry.create_token(scopes=READ, lock_ids=frozenset({1}), expires=None)
        token = await registry.create_token(scopes=scopes, lock_ids=frozenset({1, 2}), expires=expires)
        grant = await registry.authenticate(token, NOW)
        assert grant == Grant(token_id=2, scopes=scopes, locks=frozenset({1, 2}))

    run(folder, scenario)


def test_a_token_ends_at_its_expiry(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        token = await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=NOW)
        assert await registry.authenticate(token, NOW - timedelta(microseconds=1))
        assert await registry.authenticate(token, NOW) is None

    run(folder, scenario)


def test_unknown_and_malformed_tokens_allow_nothing(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        token = await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=None)
        for wrong in (new_token(), token[:-1], token + "A", token.swapcase(), "", "lw_", "\udcff", "é"):
            assert await registry.authenticate(wrong, NOW) is None

    run(folder, scenario)


def test_a_token_without_scope_or_with_an_ambiguous_expiry_is_refused(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        with pytest.raises(UsageError, match="A token without a scope"):
            await registry.create_token(scopes=frozenset(), lock_ids=frozenset(), expires=None)
        with pytest.raises(UsageError, match="has no offset from UTC"):
            await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=NOW.replace(tzinfo=None))

    run(folder, scenario)


def test_the_last_use_is_noted_once_a_minute_and_after_a_clock_set_back(folder: StateFolder) -> None:
    def noted() -> object:
        return query(folder, "SELECT last_used FROM tokens")[0][0]

    async def scenario(registry: Registry) -> None:
        token = await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=None)
        assert noted() is None
        for passed, expected in [(0, "12:00:00"), (59, "12:00:00"), (60, "12:01:00"), (-3600, "11:00:00")]:
            assert await registry.authenticate(token, NOW + timedelta(seconds=passed))
            assert noted() == f"2026-05-04 {expected}.000000"

    run(folder, scenario)


def test_a_use_at_an_ambiguous_time_is_not_noted(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        token = await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=None)
        with pytest.raises(StatementError, match="a time without an offset"):
            await registry.authenticate(token, NOW.replace(tzinfo=None))

    run(folder, scenario)


def test_the_database_holds_a_tokens_hash_and_never_the_token(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        token = await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=None)
        data = folder.database.read_bytes()
        assert token_hash(token) in data
        assert token.removeprefix("lw_")[:20].encode() not in data

    run(folder, scenario)
