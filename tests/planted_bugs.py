"""Bugs that the tests must see: each is planted in a copy of the project, and its tests have to turn red there.

`make bugs` runs this. A bug whose text no longer stands in the code fails too: move it along with the code.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """What somebody might write: `good` becomes `bad` in `file`, and one of `tests` must fail."""

    name: str
    file: str
    good: str
    bad: str
    tests: tuple[str, ...]


BUGS = (
    Bug(
        name="CRC not checked",
        file="protocol/framing.py",
        good="if crc16(data) != 0:",
        bad="if crc16(data) != 0 and False:",
        tests=("tests/protocol/test_framing.py",),
    ),
    Bug(
        name="counter not checked",
        file="protocol/session.py",
        good=" or frame.counter != self._expected or",
        bad=" or",
        tests=("tests/protocol/test_session.py",),
    ),
    Bug(
        name="expiry removal on an untrusted clock",
        file="firmware_sim/behaviours/expiry.py",
        good="if self._clock.trusted:",
        bad="if True:",
        tests=("tests/firmware_sim/test_expiry.py",),
    ),
    Bug(
        name="a forward jump removes pins at once",
        file="firmware_sim/behaviours/clock.py",
        good="self._expiry.begin_anew()",
        bad="self._expiry.wake_ns = 0",
        tests=("tests/firmware_sim/test_expiry.py",),
    ),
    Bug(
        name="a pin removed on the day of its last change",
        file="firmware_sim/behaviours/expiry.py",
        good="now - max(pin.entry.schedule.valid_until, pin.changed)",
        bad="now - pin.entry.schedule.valid_until",
        tests=("tests/firmware_sim/test_expiry.py",),
    ),
    Bug(
        name="a removal apart from its audit record",
        file="firmware_sim/behaviours/expiry.py",
        good="                self._audit.stage(",
        bad="                self._memory.commit()\n                self._audit.stage(",
        tests=("tests/firmware_sim/test_expiry.py",),
    ),
    Bug(
        name="floor not checked",
        file="firmware_sim/behaviours/clock.py",
        good="known = self._clock.epoch if self._clock.trusted else self._memory.floor",
        bad="known = self._clock.epoch if self._clock.trusted else 0",
        tests=("tests/firmware_sim/test_clock_floor.py",),
    ),
    Bug(
        name="floor in RAM only",
        file="firmware_sim/behaviours/clock.py",
        good="        self._memory.stage(FLOOR_KEY, Floor(time=floor))",
        bad="        self._memory._records[FLOOR_KEY] = Floor(time=floor)",
        tests=("tests/firmware_sim/test_clock.py",),
    ),
    Bug(
        name="drift ignored",
        file="firmware_sim/clock.py",
        good="self._rate = _MILLION + ppm",
        bad="self._rate = _MILLION",
        tests=("tests/firmware_sim/test_clock_drift.py",),
    ),
    Bug(
        name="capacity off by one",
        file="firmware_sim/behaviours/pins.py",
        good="if self.used >= self.capacity:",
        bad="if self.used + 1 >= self.capacity:",
        tests=("tests/firmware_sim", "tests/together/test_documented_call.py"),
    ),
    Bug(
        name="duplicate check skipped",
        file="firmware_sim/behaviours/pins.py",
        good="if self.matching(entry.digits):",
        bad="if False:",
        tests=("tests/firmware_sim", "tests/together/test_documented_call.py"),
    ),
    Bug(
        name="weekday bits shifted by one",
        file="protocol/schedule.py",
        good="Weekdays(1 << weekday)",
        bad="Weekdays(1 << (weekday + 1) % 7)",
        tests=("tests/protocol/test_schedule.py",),
    ),
    Bug(
        name="end minute inclusive",
        file="protocol/schedule.py",
        good="window.start <= local.minute < window.end",
        bad="window.start <= local.minute <= window.end",
        tests=("tests/protocol/test_schedule.py",),
    ),
    Bug(
        name="acknowledgement sent before the write",
        file="firmware_sim/memory.py",
        good="        self._store.commit({key: _encode(key, record) for key, record in staged.items()})\n",
        bad="""\
        late, self.late = getattr(self, "late", {}), {key: _encode(key, record) for key, record in staged.items()}
        self._store.commit(late)
""",
        tests=("tests/firmware_sim",),
    ),
    Bug(
        name="start > end never opens",
        file="protocol/schedule.py",
        good="return evening or (_began_yesterday(window, local) and local.minute < window.end)",
        bad="return False and evening",
        tests=("tests/protocol/test_schedule.py",),
    ),
    Bug(
        name="the lock's hello random left out of the prologue",
        file="protocol/session.py",
        good="request.signed() + response.signed()",
        bad="request.signed() + response.signed()[:-16]",
        tests=("tests/protocol/test_session.py", "tests/protocol/test_spec.py"),
    ),
    Bug(
        name="a retransmission encrypted anew",
        file="bridge/client.py",
        good="        outcome = await opened.wire.exchange(opened.session.seal(body), accepting(opened.session))\n",
        bad="""\
        opened.wire._retry = __import__("dataclasses").replace(opened.wire._retry, transmissions=1)
        for _ in range(3):
            outcome = await opened.wire.exchange(opened.session.seal(body), accepting(opened.session))
            if outcome.state is not State.SILENT:
                break
""",
        tests=(
            "tests/together/test_exactly_once.py",
            "tests/together/test_every_link.py",
            "tests/together/test_sessions.py",
        ),
    ),
    Bug(
        name="a lock's key is stored before the lock has proven that it knows the label",
        file="bridge/handshakes.py",
        good="        await _see_proof(wire, session)\n",
        bad="",
        tests=("tests/together/test_impostor.py",),
    ),
    Bug(
        name="a refusal after a change is taken for its outcome",
        file="bridge/client.py",
        good="except (Unreachable, LinkLost, NotPaired, VersionMismatch, ZoneChanged) as error:",
        bad="except Unreachable as error:",
        tests=("tests/together/test_impostor.py",),
    ),
)


def caught(bug: Bug) -> bool:
    """Plant `bug` in a copy and return whether a test has failed there."""
    with tempfile.TemporaryDirectory(prefix="latchwire-bug-") as folder:
        copy = Path(folder, "project")
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info"))
        file = copy / bug.file
        text = file.read_text()
        if text.count(bug.good) != 1:
            raise SystemExit(f"{bug.name}: its text stands {text.count(bug.good)} times in {bug.file}")
        file.write_text(text.replace(bug.good, bug.bad))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *bug.tests],
            cwd=copy, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    if done.returncode not in (0, 1):
        raise SystemExit(f"{bug.name}: the tests did not run\n{done.stdout}{done.stderr}")
    return done.returncode == 1


def main(wanted: list[str]) -> int:
    """Plant each bug, or those whose names contain one of the words given; return 1 where one was not caught."""
    chosen = [bug for bug in BUGS if not wanted or any(word in bug.name for word in wanted)]
    missed = 0
    for bug in chosen:
        found = caught(bug)
        missed += not found
        sys.stdout.write(f"{'caught' if found else 'MISSED'}  {bug.name}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - missed} of {len(chosen)} planted bugs caught\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
