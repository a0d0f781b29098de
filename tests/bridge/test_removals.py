"""What goes from the registry, what goes along, and which numbers nobody gets again; who may do what, listed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.errors import AlreadyRegistered, NotRegistered, UsageError
from bridge.records import PairingState, Scope, TokenRecord
from bridge.store.folder import StateFolder
from bridge.store.registry import Registry
from tests.bridge.registries import BACK, FRONT, NOW, READ, new_grant, query, run


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder.open(tmp_path / "state")


def test_a_lock_goes_with_its_grants_and_leaves_other_locks_and_tokens(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)
        token = await registry.create_token(scopes=READ, lock_ids=frozenset({1, 2}), expires=None)
        assert await registry.remove_lock(1, even_paired=True)
        assert await registry.locks() == (BACK,)
        grant = await registry.authenticate(token, NOW)
        assert grant
        assert grant.locks == frozenset({2})
        with pytest.raises(NotRegistered, match="There is no lock 1"):
            await registry.remove_lock(1, even_paired=True)

    run(folder, scenario)
    assert query(folder, "SELECT * FROM grants") == [(1, 2)]


@pytest.mark.parametrize("state", [PairingState.UNCONFIRMED, PairingState.UNPAIRED])
def test_only_a_paired_lock_needs_force_to_go(folder: StateFolder, state: PairingState) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        await registry.add_lock(replace(BACK, state=state))
        assert not await registry.remove_lock(1, even_paired=False)
        assert await registry.remove_lock(2, even_paired=False)
        assert await registry.locks() == (FRONT,)

    run(folder, scenario)


def test_the_number_of_a_removed_lock_is_given_neither_by_wish_nor_as_the_next(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        assert await registry.next_lock_id() == 1
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)
        await registry.remove_lock(2, even_paired=False)
        assert await registry.next_lock_id() == 3
        with pytest.raises(AlreadyRegistered, match="The number 2 belonged to a lock that was removed"):
            await registry.add_lock(BACK)
        await registry.add_lock(replace(BACK, id=3))
        assert [lock.id for lock in await registry.locks()] == [1, 3]

    run(folder, scenario)


def test_a_lock_that_could_not_be_added_takes_no_number(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        with pytest.raises(AlreadyRegistered):
            await registry.add_lock(replace(BACK, name=FRONT.name))
        await registry.add_lock(BACK)

    run(folder, scenario)


def test_a_renamed_lock_is_else_as_it_was(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)
        renamed = replace(FRONT, name="garage")
        assert await registry.rename_lock(1, "garage") == renamed
        assert await registry.rename_lock(1, "garage") == renamed
        assert await registry.locks() == (renamed, BACK)

    run(folder, scenario)


@pytest.mark.parametrize("name", ["", " ", "7", "٧", "a\x1b[2J"])
def test_a_name_that_cannot_be_one_is_refused(folder: StateFolder, name: str) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        with pytest.raises(UsageError, match="cannot be a lock's name"):
            await registry.rename_lock(1, name)
        assert await registry.locks() == (FRONT,)

    run(folder, scenario)


def test_a_name_that_is_taken_and_a_lock_that_is_not_there_are_refused(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)
        with pytest.raises(AlreadyRegistered, match="The name 'front door' belongs to lock 1"):
            await registry.rename_lock(2, FRONT.name)
        with pytest.raises(NotRegistered, match="There is no lock 3"):
            await registry.rename_lock(3, "garage")
        assert await registry.locks() == (FRONT, BACK)

    run(folder, scenario)


def test_tokens_are_listed_by_number_with_what_each_allows(folder: StateFolder) -> None:
    expires = NOW + timedelta(days=1)

    async def scenario(registry: Registry) -> None:
        assert await registry.tokens() == ()
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)
        used = await registry.create_token(scopes=frozenset(Scope), lock_ids=frozenset({1, 2}), expires=None)
        await registry.create_token(scopes=READ, lock_ids=frozenset({2}), expires=expires)
        await registry.authenticate(used, NOW)
        assert await registry.tokens() == (
            TokenRecord(id=1, scopes=frozenset(Scope), locks=frozenset({1, 2}), expires=None, last_used=NOW),
            TokenRecord(id=2, scopes=READ, locks=frozenset({2}), expires=expires, last_used=None),
        )

    run(folder, scenario)


def test_a_revoked_token_allows_nothing_and_the_others_what_they_did(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        gone, kept = [await registry.create_token(scopes=READ, lock_ids=frozenset({1}), expires=None) for _ in "ab"]
        await registry.revoke_token(1)
        assert await registry.authenticate(gone, NOW) is None
        assert await registry.authenticate(kept, NOW)
        assert [token.id for token in await registry.tokens()] == [2]

    run(folder, scenario)
    assert query(folder, "SELECT * FROM grants") == [(2, 1)]


def test_the_id_of_a_revoked_token_is_never_given_again(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        first = await new_grant(registry)
        await registry.revoke_token(first.token_id)
        assert (await new_grant(registry)).token_id > first.token_id

    run(folder, scenario)


@pytest.mark.parametrize("number", [0, 2, -1, 2**31, 2**70])
def test_a_token_that_is_not_there_cannot_be_revoked(folder: StateFolder, number: int) -> None:
    async def scenario(registry: Registry) -> None:
        await new_grant(registry)
        with pytest.raises(NotRegistered, match=rf"There is no token {number}\. `latchwire token list` shows"):
            await registry.revoke_token(number)
        assert len(await registry.tokens()) == 1

    run(folder, scenario)
