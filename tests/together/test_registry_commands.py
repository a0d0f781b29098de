"""The commands of the registry as people run them: locks shown, renamed and removed; tokens listed and revoked."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from bridge.store.folder import StateFolder
from bridge.store.keys import load_or_create
from bridge.store.registry import Registry
from tests.bridge.registries import FRONT, run
from tests.together.processes import Place, typed


@pytest.fixture
def paired(bench: Place) -> Place:
    """A bridge that is paired with a lock, which nobody can reach."""

    async def fill(registry: Registry) -> None:
        await registry.add_lock(replace(FRONT, id=123, name="front"))

    folder = StateFolder.open(bench.state)
    load_or_create(folder)
    run(folder, fill)
    return bench


@pytest.mark.parametrize("kind", ["lock", "token"])
def test_a_list_of_nothing_says_so_to_people_alone(bench: Place, kind: str) -> None:
    done = bench.here(kind, "list")
    assert (done.code, done.out) == (0, "")
    assert re.fullmatch(
        r"latchwire: .*(no|No) (locks?|tokens) .*`latchwire (pair|token create)` makes one.*\.\n", done.err
    )
    done = bench.here(kind, "list", "--json")
    assert (done.code, done.out, done.err) == (0, "", "")


def names(bench: Place) -> list[str]:
    return [lock["name"] for lock in bench.here("lock", "list", "--json").lines()]


def tokens(bench: Place) -> dict[int, dict[str, object]]:
    return {token["number"]: token for token in bench.here("token", "list", "--json").lines()}


def ask(url: str, token: str) -> int:
    """Send a pin that breaks a rule, and return the status: 400 for whoever may create pins, and no lock is asked."""
    connection = HTTPConnection(urlsplit(url).netloc)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1.32/my/lock/123/pin", "{}", headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_lock_is_shown_by_its_name_or_number(paired: Place) -> None:
    (listed,) = paired.here("lock", "list", "--json").lines()
    assert paired.here("lock", "show", "front", "--json").json() == listed
    assert paired.here("lock", "show", "123").out.startswith("123 front: paired, at serial:")
    unknown = paired.here("lock", "show", "shed")
    assert (unknown.code, "There is no lock 'shed', only 123 'front'" in unknown.err) == (3, True)


def test_a_renamed_lock_has_its_new_name_alone_and_all_else_as_it_was(paired: Place) -> None:
    before = paired.here("lock", "show", "front", "--json").json()
    renamed = paired.here("lock", "rename", "front", "back door", "--json")
    assert renamed.json() == before | {"name": "back door"}
    assert paired.here("lock", "list", "--json").json() == renamed.json()
    refused = paired.here("lock", "rename", "123", "7")
    assert (refused.code, "'7' cannot be a lock's name" in refused.err, names(paired)) == (2, True, ["back door"])


def test_a_paired_lock_is_removed_only_by_force(paired: Place) -> None:
    refused = paired.here("lock", "remove", "front", "--yes")
    assert (refused.code, names(paired)) == (2, ["front"])
    assert "is paired, and would go on knowing this bridge. Run `latchwire unpair 123` first" in refused.err
    done = paired.here("lock", "remove", "front", "--yes", "--force")
    assert (done.code, done.out) == (0, "The lock 123 front is removed. Its number is never given again.\n")
    assert names(paired) == []


def test_a_lock_is_removed_only_where_somebody_has_said_yes(paired: Place) -> None:
    unasked = paired.here("lock", "remove", "front", "--force")
    assert (unasked.code, "Nobody is here to confirm" in unasked.err, names(paired)) == (2, True, ["front"])
    assert typed(paired, "y", "lock", "remove", "front", "--force") == 2
    assert names(paired) == ["front"]
    assert typed(paired, "yes", "lock", "remove", "front", "--force") == 0
    assert names(paired) == []


def test_a_removed_lock_takes_the_rights_to_it_along_and_its_number_is_never_given_again(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        token = bench.token()
        assert bench.here("lock", "remove", "123", "--yes", "--force").code == 0
        assert tokens(bench)[1]["locks"] == []
        bench.here("sim", "hold-button", "--control", bench.path("ctl"), "--seconds", "5")
        again = bench.pair()
        assert (again.code, "The number 123 belonged to a lock that was removed" in again.err) == (2, True)
        target, label = f"serial:{bench.path('lock0')}", bench.path("label")
        paired = bench.here("pair", target, "--label-file", label, "--name", "front", "--json")
        assert paired.json()["id"] == 124
        with bench.staying("serve", "--port", "0") as serving:
            assert ask(serving.ready["url"], token) == 403


def test_tokens_are_listed_with_what_they_allow_and_never_shown(paired: Place) -> None:
    secrets = [paired.token("Device.ReadWrite", "Device.Read"), paired.token("Lock.Operate")]
    made = paired.here("token", "create", "--scope", "Device.Read", "--lock", "front", "--days", "1")
    with paired.staying("serve", "--port", "0") as serving:
        assert ask(serving.ready["url"], secrets[0]) == 400
    listed = paired.here("token", "list", "--json")
    first, second, third = listed.lines()
    used = datetime.fromisoformat(first.pop("last_used"))
    assert abs((datetime.now(UTC) - used).total_seconds()) < 3600
    assert first == {"number": 1, "scopes": ["Device.Read", "Device.ReadWrite"], "locks": [123], "expires": None}
    assert second == {"number": 2, "scopes": ["Lock.Operate"], "locks": [123], "expires": None, "last_used": None}
    assert datetime.fromisoformat(third["expires"]) > datetime.now(UTC)
    table = paired.here("token", "list").out
    assert re.search(r"^1 +Device\.Read, Device\.ReadWrite +123 +- +20\d\d-", table, re.MULTILINE)
    for secret in (*secrets, made.out.strip()):
        assert secret[3:20] not in listed.out + table


def test_a_revoked_token_opens_nothing_from_the_next_request_on(paired: Place) -> None:
    kept, gone = paired.token(), paired.token()
    with paired.staying("serve", "--port", "0") as serving:
        url = serving.ready["url"]
        assert (ask(url, kept), ask(url, gone)) == (400, 400)
        revoked = paired.here("token", "revoke", "2")
        assert (revoked.code, revoked.out) == (0, "Token 2 is revoked.\n")
        assert (ask(url, kept), ask(url, gone)) == (400, 401)
    assert list(tokens(paired)) == [1]
    again = paired.here("token", "revoke", "2")
    assert (again.code, "There is no token 2. `latchwire token list` shows" in again.err) == (3, True)
