"""Fixtures for tests of one's own: the product's bridge at the lock, and several locks at once."""

import re
from pathlib import Path

from tests.hil.suites import SUITE, suite

BRIDGE = """
import pytest
from protocol.vocabulary import PinEntry

GUEST = PinEntry(digits="97531", alias="guest")

async def test_a_pin_of_the_bridges_opens(bridge, keypad, power):
    created = await bridge.create_pin(GUEST)
    assert (await keypad.enter("97531")).pin_id == created.id
    await power.power_cycle()
    assert len((await bridge.list_pins()).pins) == 1

async def test_the_bridge_asks_again(bridge, faults):
    await faults.strike({"link": "drop", "at": 0})
    assert (await bridge.create_pin(GUEST)).id

async def test_the_suite_goes_on_where_the_bridge_has_left_off(session):
    assert (await session.status()).used == 0
"""
LOCKS = """
from protocol.vocabulary import PinEntry

GUEST = PinEntry(digits="97531", alias="guest")

async def test_a_pin_is_in_the_lock_that_it_was_given_to(locks, lock):
    first, second = locks
    assert first is lock
    one, other = await first.open(), await second.open()
    await one.create(GUEST)
    assert (await one.status()).used == 1
    assert (await other.status()).used == 0
    assert (await first.hands.enter("97531")).granted
    assert not (await second.hands.enter("97531")).granted

async def test_each_is_at_rest_again(locks):
    for each in locks:
        assert (await (await each.open()).status()).used == 0
"""
BENCH = """
[[target]]
name = "front"
link = "sim:"
[[target]]
name = "back"
link = "sim:pty"
"""


def test_the_bridge_is_the_one_that_users_have(tmp_path: Path) -> None:
    (tmp_path / "test_bridge.py").write_text(BRIDGE)
    for target in ("sim:", "sim:pty"):
        ended = suite("--lock-target", target, str(tmp_path))
        assert (ended.code, ended.last.startswith("3 passed")) == (0, True), ended.said


def test_a_test_may_have_several_locks(tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_text(BENCH)
    (tmp_path / "test_locks.py").write_text(LOCKS)
    ended = suite("--lock-bench", str(tmp_path / "bench.toml"), str(tmp_path / "test_locks.py"))
    assert (ended.code, ended.last.startswith("2 passed")) == (0, True), ended.said


def test_a_test_of_several_locks_is_skipped_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "test_locks.py").write_text(LOCKS)
    ended = suite("-rs", str(tmp_path))
    assert (ended.code, ended.last.startswith("2 skipped")) == (0, True), ended.said
    assert "This test needs several locks: name them" in ended.said


def test_without_the_packages_for_bluetooth_a_lock_on_a_wire_is_judged_as_ever() -> None:
    ended = suite("-k", "bluetooth", "--lock-target", "sim:", SUITE, plugins=["tests.hil.bare_plugin"])
    assert (ended.code, re.match(r"\d+ skipped", ended.last) is not None) == (0, True), ended.said


def test_without_the_packages_for_bluetooth_a_lock_there_is_the_benchs_fault() -> None:
    ended = suite("--tb=short", "-k", "bluetooth", "--lock-target", "sim:ble", SUITE, plugins=["tests.hil.bare_plugin"])
    assert re.search(r"\d+ errors", ended.last), ended.last
    assert "Run `pip install 'latchwire[hil,radio,ble]'`." in ended.said
    assert "failed" not in ended.last
