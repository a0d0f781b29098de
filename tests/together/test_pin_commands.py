"""The commands for one pin, as a technician runs them at a simulated lock."""

from collections.abc import Iterator

import pytest

from tests.forked import Ended
from tests.together.processes import WAYS, Place, place

DIGITS = "97531"
ALWAYS_FIELDS = {"valid_from": None, "valid_until": None, "windows": "always"}


@pytest.fixture(scope="module", params=WAYS)
def door(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A paired lock in Warsaw, whose pins each test removes."""
    with place({"LATCHWIRE_IDLE": "0.1"}, way=request.param) as bench, bench.lock(slots=4):
        assert bench.pair(zone="Europe/Warsaw").code == 0
        yield bench


@pytest.fixture
def guest(door: Place) -> Iterator[int]:
    """A pin of a guest at the door."""
    done = add(door)
    assert done.code == 0, done.err
    pin_id = int(done.json()["id"])
    yield pin_id
    door.here("pin", "remove", "front", str(pin_id), "--yes")


def add(door: Place, *words: str, alias: str = "Guest", digits: str = DIGITS) -> Ended:
    """Add a pin."""
    return door.here("pin", "add", "front", "--alias", alias, "--pin-stdin", *words, "--json", stdin=digits + "\n")


def enter(door: Place, digits: str) -> Ended:
    """Type at the keypad."""
    return door.here("sim", "enter", "--control", door.path("ctl"), digits)


def shown(door: Place, pin: str | int) -> dict[str, object]:
    """Return all of a pin."""
    done = door.here("pin", "show", "front", str(pin), "--show-pins", "--json")
    assert done.code == 0, done.err
    found: dict[str, object] = done.json()
    return found


def test_each_command_does_its_work_as_a_process_of_its_own(door: Place) -> None:
    added = door.latchwire("pin", "add", "front", "--alias", "Ann", "--pin-stdin", stdin="86420\n")
    assert (added.code, added.out.startswith("The lock holds the pin as ")) == (0, True), added.err
    updated = door.latchwire("pin", "update", "front", "Ann", "--alias", "Bob")
    assert (updated.code, "as you gave it" in updated.out) == (0, True), updated.err
    assert "Bob: enabled" in door.latchwire("pin", "show", "front", "Bob").out
    removed = door.latchwire("pin", "remove", "front", "Bob", "--yes")
    assert (removed.code, "opens no more" in removed.out) == (0, True), removed.err
    listed = door.latchwire("pin", "list", "front")
    told = "latchwire: The lock front has no pins. `latchwire pin add` gives it one.\n"
    assert (listed.code, listed.out, listed.err) == (0, "", told)


def test_a_pin_is_shown_without_its_digits_unless_they_are_asked_for(door: Place, guest: int) -> None:
    for words in ((), ("--json",)):
        done = door.here("pin", "show", "front", str(guest), *words)
        assert (done.code, DIGITS in done.out, "Guest" in done.out) == (0, False, True)
    done = door.here("pin", "show", "front", "Guest", "--show-pins")
    assert (done.code, f"pin      {DIGITS}\n" in done.out) == (0, True)
    assert shown(door, "Guest") == {"id": guest, "alias": "Guest", "enabled": True, "pin": DIGITS, **ALWAYS_FIELDS}


def test_windows_of_different_days_are_given_beside_days_and_hours(door: Place) -> None:
    words = ["--days", "mon-fri", "--hours", "08:00-16:00", "--hours", "18:00-20:00"]
    done = add(door, *words, "--window", "sat 10:00-12:00", "--window", "22:00-06:00", "--from", "2026-11-23")
    found = shown(door, done.json()["id"])
    assert found["windows"] == "mon-fri 08:00-16:00; mon-fri 18:00-20:00; sat 10:00-12:00; daily 22:00-06:00"
    assert found["valid_from"] == "2026-11-23T00:00:00+01:00"
    listed = door.here("pin", "list", "front", "--json").json()
    assert {**listed, "pin": DIGITS} == found
    fifth = add(door, *words, *["--window", "sun"] * 3, digits="86420")
    assert (fifth.code, "at most four windows" in fifth.out) == (2, True)
    assert door.here("pin", "remove", "front", str(found["id"]), "--yes").code == 0


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["--alias", "Guest 2"], {"alias": "Guest 2"}),
        (["--disable"], {"enabled": False}),
        (["--days", "sat,sun"], {"windows": "sat,sun 00:00-24:00"}),
        (["--until", "2026-12-24T12:00"], {"valid_until": "2026-12-24T12:00:00+01:00"}),
    ],
)
def test_an_update_changes_only_what_is_given(
    door: Place, guest: int, words: list[str], changed: dict[str, object]
) -> None:
    before = shown(door, guest)
    done = door.here("pin", "update", "front", str(guest), *words, "--json")
    assert (done.code, done.json()) == (0, {"id": guest})
    assert shown(door, guest) == before | changed


def test_an_update_takes_limits_away_again(door: Place, guest: int) -> None:
    update = ["pin", "update", "front", "Guest"]
    assert door.here(*update, "--from", "2026-11-23", "--until", "2026-11-24", "--window", "mon").code == 0
    assert shown(door, guest)["windows"] == "mon 00:00-24:00"
    assert door.here(*update, "--from", "none", "--until", "none", "--window", "always").code == 0
    assert door.here(*update, "--disable").code == door.here(*update, "--enable").code == 0
    assert shown(door, guest) == {"id": guest, "alias": "Guest", "enabled": True, "pin": DIGITS, **ALWAYS_FIELDS}


def test_a_pin_can_be_stored_without_opening_and_be_enabled_later(door: Place) -> None:
    stored = add(door, "--disable").json()["id"]
    assert (shown(door, stored)["enabled"], enter(door, DIGITS).code) == (False, 4)
    assert door.here("pin", "update", "front", str(stored), "--enable").code == 0
    assert enter(door, DIGITS).code == 0
    assert door.here("pin", "remove", "front", str(stored), "--yes").code == 0


@pytest.mark.parametrize("words", [["add", "front", "--alias", "Ann"], ["update", "front", "1", "--pin-stdin"]])
def test_hours_that_make_no_sense_are_told_before_digits_are_asked_for(door: Place, words: list[str]) -> None:
    done = door.here("pin", *words, "--hours", "noon", stdin="x")
    assert (done.code, "are no hours" in done.err) == (2, True), done.err


def test_new_digits_come_from_standard_input_and_take_the_old_ones_place(door: Place, guest: int) -> None:
    done = door.here("pin", "update", "front", str(guest), "--pin-stdin", stdin="012345\n")
    assert (done.code, "count up" in done.err, "012345" in done.err) == (2, True, False)
    assert door.here("pin", "update", "front", str(guest), "--pin-stdin", stdin="01357\n").code == 0
    assert (shown(door, guest)["pin"], shown(door, guest)["alias"]) == ("01357", "Guest")
    assert (enter(door, DIGITS).code, enter(door, "01357").code) == (4, 0)


def test_a_removed_pin_opens_no_more_and_is_removed_only_with_a_yes(door: Place, guest: int) -> None:
    asked = door.here("pin", "remove", "front", str(guest), stdin="y\n")
    assert (asked.code, "Add --yes" in asked.err) == (2, True)
    assert enter(door, DIGITS).code == 0
    assert door.here("pin", "remove", "front", "Guest", "--yes").code == 0
    assert enter(door, DIGITS).code == 4
    again = door.here("pin", "remove", "front", str(guest), "--yes")
    assert (again.code, "no such pin" in again.err) == (4, True)


@pytest.mark.parametrize(
    ("pin", "code", "told"),
    [
        (DIGITS, 2, "1 to 65535"),
        ("0", 2, "1 to 65535"),
        ("65000", 4, "no such pin"),
        ("Nobody", 4, "no pin of this alias"),
    ],
)
@pytest.mark.parametrize("command", ["show", "update", "remove"])
def test_a_pin_that_is_none_is_told_without_what_was_typed(
    door: Place, command: str, pin: str, code: int, told: str
) -> None:
    more = {"show": [], "update": ["--alias", "x"], "remove": ["--yes"]}[command]
    done = door.here("pin", command, "front", pin, *more)
    assert (done.code, told in done.err, done.out) == (code, True, "")
    assert pin not in done.err or pin == "0"


def test_an_alias_that_two_pins_have_names_neither(door: Place, guest: int) -> None:
    other = add(door, digits="86420").json()["id"]
    done = door.here("pin", "show", "front", "Guest")
    assert (done.code, "2 pins have this alias" in done.err) == (2, True)
    assert shown(door, guest)["pin"] == DIGITS
    assert door.here("pin", "remove", "front", str(other), "--yes").code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "nothing to change"),
        (["--window", "someday"], "no weekdays"),
        (["--window", ""], "no weekdays"),
        (["--from", "2200-01-01"], "outside the years"),
        (["--until", "1970-01-02", "--from", "1970-01-03"], "begin before it ends"),
        (["--alias", "x" * 33], "1 to 32 bytes"),
    ],
)
def test_an_update_that_makes_no_sense_changes_nothing(door: Place, guest: int, words: list[str], told: str) -> None:
    before = shown(door, guest)
    done = door.here("pin", "update", "front", str(guest), *words)
    assert (done.code, told in done.err) == (2, True), done.err
    assert shown(door, guest) == before
