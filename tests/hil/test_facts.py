"""What a run knows of its lock."""

import hashlib
from pathlib import Path

import pytest

from hil.errors import BenchFault
from hil.running.facts import fingerprint, names
from protocol.vocabulary import Capability
from tests.hil.lock_program import PROGRAM, new_lock
from tests.hil.runs import run, suite

TEST = """
from hil.running.facts import FACTS

def test_it(lock_facts, pytestconfig):
    assert pytestconfig.stash[FACTS] is lock_facts
    print("FACTS", lock_facts)
"""


def test_the_facts_of_a_lock_are_told_once_it_is_paired(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    (tmp_path / "lock.bin").write_bytes(b"firmware")
    file = tmp_path / "bench.toml"
    file.write_text(f"""
[[target]]
name = "front"
link = '''exec:{PROGRAM} --flash {flash} --control {tmp_path}/ctl'''
label_file = "{label.name}"
capabilities = ["schedule", "clock"]
firmware = "lock.bin"
[target.hands]
control = "ctl"
""")
    ran = run(tmp_path, "--lock-bench", str(file), suite(tmp_path, TEST))
    assert ran.code == 0, ran.text
    (line,) = (line for line in ran.text.splitlines() if line.startswith("FACTS"))
    for told in (
        "target='front'", "place='exec:", f"bench=PosixPath('{file}')", "protocol_version=1", "capacity=20",
        f"firmware_sha256='{hashlib.sha256(b'firmware').hexdigest()}'", "max_frame=", "model=", "serial=",
        "declared=<Capability.SCHEDULE|CLOCK: 3>", "told=<Capability.SCHEDULE|CLOCK|BOLT|BATTERY_LEVEL|LATCH: 55>",
    ):  # fmt: skip
        assert told in line


def test_a_firmware_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BenchFault, match=r"cannot be read: No such file or directory\. Was it built\?"):
        fingerprint(tmp_path / "lock.bin")


def test_capabilities_are_told_as_a_bench_file_spells_them() -> None:
    assert names(Capability.BOLT | Capability.DOOR_CONTACT) == "bolt, door_contact"
    assert names(Capability(0)) == "none"
