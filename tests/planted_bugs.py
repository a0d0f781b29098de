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


SIMULATION = ("tests/simulation/test_simulation.py",)

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
    Bug(
        name="window compared in UTC",
        file="protocol/schedule.py",
        good="divmod(utc_epoch + rule.offset_at(utc_epoch), _SECONDS_A_DAY)",
        bad="divmod(utc_epoch, _SECONDS_A_DAY)",
        tests=("tests/protocol/test_schedule_in_all_zones.py",),
    ),
    Bug(
        name="daylight time ignored",
        file="protocol/posix_tz.py",
        good="if self.daylight is not None and self.daylight.in_force(",
        bad="if self.daylight is not None and False and self.daylight.in_force(",
        tests=("tests/protocol/test_schedule_in_all_zones.py",),
    ),
    Bug(
        name="hours east of Greenwich taken for hours west",
        file="protocol/posix_tz.py",
        good="return -_seconds(text, _MAX_OFFSET_HOURS)",
        bad="return _seconds(text, _MAX_OFFSET_HOURS)",
        tests=("tests/protocol/test_schedule_in_all_zones.py",),
    ),
    Bug(
        name="the week begins on Sunday",
        file="protocol/schedule.py",
        good="weekday = (day + 3) % 7",
        bad="weekday = (day + 4) % 7",
        tests=("tests/protocol/test_schedule_in_all_zones.py",),
    ),
    Bug(
        name="daylight time ends by the standard clock",
        file="protocol/posix_tz.py",
        good="self.end.instant(year, self.offset)",
        bad="self.end.instant(year, standard)",
        tests=("tests/protocol/test_schedule_in_all_zones.py",),
    ),
    Bug(
        name="the night's part behind midnight belongs to the new day",
        file="protocol/schedule.py",
        good="    yesterday = local.weekday_bit >> 1 or Weekdays.SUNDAY\n",
        bad="    yesterday = local.weekday_bit\n",
        tests=("tests/protocol/test_schedule_in_all_zones.py",),
    ),
    Bug(
        name="trust in the clock judged before a pin is found disabled",
        file="firmware_sim/behaviours/schedule.py",
        good="if not pin.entry.enabled:",
        bad="if not pin.entry.enabled and self._clock.trusted:",
        tests=("tests/firmware_sim/test_keypad.py",),
    ),
    Bug(
        name="an id that a removed pin had is given again",
        file="firmware_sim/behaviours/pins.py",
        good="new_id = _next_id(self._memory.ledger.last_id, {pin.id for pin in taken.values()})",
        bad="new_id = _next_id(0, {pin.id for pin in taken.values()})",
        tests=("tests/together/test_slots_machine.py",),
    ),
    Bug(
        name="one pin more than there are slots",
        file="firmware_sim/behaviours/pins.py",
        good="self._keys = SLOT_KEYS[:capacity]",
        bad="self._keys = SLOT_KEYS[:capacity + 1]",
        tests=("tests/together/test_slots_machine.py",),
    ),
    Bug(
        name="an update finds its own digits taken",
        file="firmware_sim/behaviours/pins.py",
        good="if same and same.id != pin_id:",
        bad="if same:",
        tests=("tests/together/test_slots_machine.py",),
    ),
    Bug(
        name="clear keeps one pin",
        file="firmware_sim/behaviours/pins.py",
        good="for key, _ in self._memory.slots():\n            self._memory.stage(key, None)",
        bad="for key, _ in list(self._memory.slots())[1:]:\n            self._memory.stage(key, None)",
        tests=("tests/together/test_slots_machine.py",),
    ),
    Bug(
        name="a repeated operation is done again",
        file="firmware_sim/behaviours/operations.py",
        good="if operation == last.operation and operation != 0:",
        bad="if operation == last.operation and operation != 0 and False:",
        tests=("tests/together/test_slots_machine.py",),
    ),
    Bug(
        name="a change asked anew under the next operation id",
        file="bridge/client.py",
        good="            answer = await self._exchange(opened, message, body)\n        self.unanswered = False\n",
        bad="""\
            if hasattr(request, "operation"):
                request = __import__("dataclasses").replace(request, operation=request.operation + 1)
                body = encode_request(request)
            answer = await self._exchange(opened, message, body)
        self.unanswered = False
""",
        tests=("tests/together/test_slots_machine.py",),
    ),
    Bug(
        name="lock-out counter in RAM only",
        file="firmware_sim/behaviours/lockout.py",
        good="        self._memory.stage(KEYPAD_KEY, keypad)\n",
        bad="",
        tests=("tests/firmware_sim/test_lockout.py",),
    ),
    Bug(
        name="the entry compared although the keypad is locked out",
        file="firmware_sim/behaviours/entries.py",
        good="        if self._lockout.locked_out:\n",
        bad="        if not self._gate.decide(digits).granted and self._lockout.locked_out:\n",
        tests=("tests/firmware_sim/test_lockout.py",),
    ),
    Bug(
        name="a bolt that is not thrown at the start stays so",
        file="firmware_sim/behaviours/bolt.py",
        good="self._holds = self.state is not BoltState.LOCKED",
        bad="self._holds = False",
        tests=("tests/firmware_sim/test_bolt.py",),
    ),
    Bug(
        name="reset in two commits",
        file="firmware_sim/behaviours/reset.py",
        good="    for keys in _OWNERS:\n",
        bad="    memory.commit()\n    for keys in _OWNERS:\n        memory.try_commit()\n",
        tests=("tests/firmware_sim/test_reset.py",),
    ),
    Bug(
        name="simulation: the result recorded apart from its effect",
        file="firmware_sim/firmware.py",
        good="            operations.stage(index, request.operation, mark,",
        bad="            self._committed()\n            operations.stage(index, request.operation, mark,",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: no operation recorded",
        file="firmware_sim/firmware.py",
        good="            operations.stage(index, request.operation, mark, encode_answer(message.opcode, answer))\n",
        bad="            pass\n",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: an operation that comes again is stale",
        file="firmware_sim/behaviours/operations.py",
        good="if operation == last.operation and operation != 0:",
        bad="if False:",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: a removal that stays in RAM",
        file="firmware_sim/memory.py",
        good="for key, record in staged.items()})\n",
        bad="for key, record in staged.items() if record is not None})\n",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: a removal that moves no list version",
        file="firmware_sim/behaviours/pins.py",
        good="return PinDeleteResponse(list_version=self._memory.stage_change().list_version)",
        bad="return PinDeleteResponse(list_version=self._memory.ledger.list_version)",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: a lost clock still believed",
        file="firmware_sim/clock.py",
        good="        self.show(floor)\n        self.trusted = False\n",
        bad="        self.show(floor)\n",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: a change asked for again under a new operation id",
        file="bridge/client.py",
        good="                await asyncio.sleep(_BUSY_PAUSE)\n",
        bad="""\
                await asyncio.sleep(_BUSY_PAUSE)
            if self.unanswered:
                again = __import__("dataclasses").replace(request, operation=request.operation + 1)
                body = encode_request(again)
""",
        tests=SIMULATION,
    ),
    Bug(
        name="a busy lock taken for one that refuses what it has done",
        file="bridge/client.py",
        good="asked_before = self.unanswered and answer is None",
        bad="asked_before = False",
        tests=("tests/together/test_exactly_once.py",),
    ),
    Bug(
        name="a clock stepped from what it showed a while ago",
        file="firmware_sim/hostile.py",
        good="self.snapshot().time + round(fault.seconds)",
        bad="self.device.clock.epoch + round(fault.seconds)",
        tests=("tests/firmware_sim/test_hostile.py",),
    ),
    Bug(
        name="virtual time whose timers drown in a float after some months",
        file="tests/virtual_time.py",
        good="self._clock_resolution = 1e-6",
        bad="self._clock_resolution = 1e-9",
        tests=("tests/test_virtual_time.py",),
    ),
    Bug(
        name="all faults draw from one source",
        file="firmware_sim/luck.py",
        good='f"{seed} {name}"',
        bad='f"{seed}"',
        tests=("tests/firmware_sim/test_faults.py",),
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
