"""Bugs that whole runs under a plan of faults must see, and those in the plan itself."""

from .bug import Bug

SIMULATION = ("tests/simulation/test_simulation.py",)

BUGS = (
    Bug(
        name="simulation: the result recorded apart from its effect",
        file="firmware_sim/firmware.py",
        good="            operations.stage(index, request.operation, mark,",
        bad="            self.memory.try_commit()\n            operations.stage(index, request.operation, mark,",
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
        good="                await asyncio.sleep(BUSY_PAUSE)\n",
        bad="""\
                await asyncio.sleep(BUSY_PAUSE)
            if self.unanswered:
                again = __import__("dataclasses").replace(request, operation=request.operation + 1)
                body = encode_request(again)
""",
        tests=SIMULATION,
    ),
    Bug(
        name="a clock stepped from what it showed a while ago",
        file="firmware_sim/hostile.py",
        good="self.snapshot().time + round(fault.seconds)",
        bad="self.device.clock.epoch + round(fault.seconds)",
        tests=("tests/firmware_sim/test_hostile.py",),
    ),
    Bug(
        name="all faults draw from one source",
        file="firmware_sim/luck.py",
        good='f"{seed} {name}"',
        bad='f"{seed}"',
        tests=("tests/firmware_sim/test_faults.py",),
    ),
    Bug(
        name="virtual time whose timers drown in a float after some months",
        file="tests/virtual_time.py",
        good="self._clock_resolution = 1e-6",
        bad="self._clock_resolution = 1e-9",
        tests=("tests/test_virtual_time.py",),
    ),
    Bug(
        name="simulation: a change sent that the journal does not hold",
        file="bridge/changes.py",
        good="self._current = await self._journal.begin(record)",
        bad="self._current = record",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: a change asked for again is made again",
        file="bridge/changes.py",
        good="if found is None or not adoptable(found, now)",
        bad="if found is None or adoptable(found, now)",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: audit records that a bridge is never told",
        file="firmware_sim/behaviours/audit.py",
        good="            if record is None or record.sequence != sequence:\n",
        bad="            if record is None or sequence % 3 == 0:\n",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: a keypad that takes fifty wrong entries",
        file="firmware_sim/behaviours/lockout.py",
        good="WRONG_ENTRIES = 5\n",
        bad="WRONG_ENTRIES = 50\n",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: wrong entries counted in RAM alone",
        file="firmware_sim/behaviours/lockout.py",
        good="        self._memory.stage(KEYPAD_KEY, keypad)\n",
        bad="        pass\n",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: an entry that opens leaves no record",
        file="firmware_sim/behaviours/entries.py",
        good="            self._stage(decision)\n",
        bad="            decision.granted or self._stage(decision)\n",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: windows compared in UTC",
        file="firmware_sim/behaviours/schedule.py",
        good="        rule = parse_tz(zone.rule)\n",
        bad='        rule = parse_tz("UTC0")\n',
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: a clear that leaves the newest pin",
        file="firmware_sim/behaviours/pins.py",
        good="for key, _ in self._memory.slots():\n            self._memory.stage(key, None)",
        bad="for key, _ in list(self._memory.slots())[:-1]:\n            self._memory.stage(key, None)",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: a clear that is told of as a deletion",
        file="firmware_sim/requests.py",
        good="self._stage_audit(AuditEvent.PINS_CLEARED, peer)",
        bad="self._stage_audit(AuditEvent.PIN_DELETED, peer)",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: a bolt operation that was not answered asked for anew",
        file="bridge/client.py",
        good="or await self._what_became(message)",
        bad="or await self._perform(message, make)",
        tests=SIMULATION,
    ),
    Bug(
        name="simulation: a bolt moved without a record",
        file="firmware_sim/requests.py",
        good="        if begins is not self._bolt.state:\n",
        bad="        if begins is not self._bolt.state and False:\n",
        tests=SIMULATION,
    ),
)
