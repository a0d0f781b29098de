"""Bugs in the technician's commands: scan, unpair, clock, state, diagnose."""

from .bug import Bug

BUGS = (
    Bug(
        name="a refusal that nobody asked for unpairs a lock",
        file="bridge/unpairing.py",
        good="            if self._lock.state in (PairingState.UNPAIRING, PairingState.UNPAIRED):\n",
        bad="            if self._lock.state:\n",
        tests=("tests/together/test_unpairing.py",),
    ),
    Bug(
        name="a lock asked to forget without a note of it",
        file="bridge/unpairing.py",
        good="        await self._save(PairingState.UNPAIRING)\n",
        bad="",
        tests=("tests/together/test_unpairing.py",),
    ),
    Bug(
        name="a lock that could not forget left half unpaired",
        file="bridge/unpairing.py",
        good="            await self._save(self._lock.state)\n",
        bad="",
        tests=("tests/together/test_unpairing.py",),
    ),
    Bug(
        name="an effect without an operation id that was not answered said to have changed nothing",
        file="bridge/client.py",
        good="""\
        self.unanswered = True
        answer = await self._until_answered(opened, message, encode_request(request))
""",
        bad="""\
        answer = await self._until_answered(opened, message, encode_request(request))
""",
        tests=("tests/together/test_clock_commands.py", "tests/together/test_unpairing.py"),
    ),
    Bug(
        name="changes left open at a lock that is given up",
        file="bridge/unpairing.py",
        good="            await self._engine.journal.save(replace(record, state=ChangeState.UNKNOWABLE, ended=now))\n",
        bad="            pass\n",
        tests=("tests/together/test_unpairing.py",),
    ),
    Bug(
        name="an unknown outcome of what was only read",
        file="bridge/engine.py",
        good="        return job.caller is not None and self._client.unanswered\n",
        bad="        return job.caller is None or self._client.unanswered\n",
        tests=("tests/bridge/test_engine.py", "tests/together/test_commands_at_a_lock_away.py"),
    ),
    Bug(
        name="a link that broke before a change was sent taken for one that broke after",
        file="bridge/engine.py",
        good="            failure = error if self._in_doubt(job) else Unreachable(str(error))\n",
        bad="            failure = error\n",
        tests=("tests/together/test_engine_at_a_lock.py",),
    ),
    Bug(
        name="a scan that tells who asks",
        file="bridge/scanning.py",
        good="greet(wire, Mode.SESSION, NOBODY)",
        bad="greet(wire, Mode.SESSION, engine.keys.peer_id)",
        tests=("tests/together/test_scan.py",),
    ),
    Bug(
        name="a scan that opens a port which another process owns",
        file="bridge/scanning.py",
        good="            owned.enter_context(engine.own(expected.wire_id, expected.name))\n",
        bad="            pass\n",
        tests=("tests/together/test_commands_at_a_lock_away.py",),
    ),
    Bug(
        name="targets scanned one after another",
        file="bridge/scanning.py",
        good="tuple(await asyncio.gather(*asking))",
        bad="tuple([await one for one in asking])",
        tests=("tests/together/test_scan.py",),
    ),
    Bug(
        name="a clock corrected by whoever only looks at it",
        file="bridge/cli/clocks.py",
        good='service("clock get", corrects_clocks=False)',
        bad='service("clock get")',
        tests=("tests/together/test_clock_commands.py",),
    ),
    Bug(
        name="a new zone that the registry does not learn",
        file="bridge/clocks.py",
        good="    await registry.save_lock(saved)\n",
        bad="",
        tests=("tests/together/test_clock_commands.py",),
    ),
    Bug(
        name="a watch that keeps the lock to itself",
        file="bridge/cli/states.py",
        good="        await bridge.let_go(record)\n",
        bad="        pass\n",
        tests=("tests/bridge/cli/test_states.py", "tests/together/test_state_commands.py"),
    ),
    Bug(
        name="a watch that repeats what has not changed",
        file="bridge/cli/states.py",
        good="if seen is not None and not seen.same(shown):",
        bad="if seen is not None:",
        tests=("tests/bridge/cli/test_states.py",),
    ),
    Bug(
        name="a checklist whose last line hides a failure",
        file="bridge/cli/running.py",
        good="code = max(code, renderer.show(value))",
        bad="code = renderer.show(value)",
        tests=("tests/together/test_diagnose.py",),
    ),
    Bug(
        name="progress written for a program, too",
        file="bridge/cli/running.py",
        good="answering(people=not as_json)",
        bad="answering(people=True)",
        tests=("tests/together/test_progress.py",),
    ),
    Bug(
        name="help told to a program that names no command",
        file="bridge/cli/running.py",
        good="            if as_json and _is_help_unasked(command, rest):\n",
        bad="            if as_json and not rest and not words:\n",
        tests=("tests/bridge/cli/test_running.py",),
    ),
    Bug(
        name="help that imports what only commands need",
        file="bridge/cli/context.py",
        good="from bridge.config import Settings\n",
        bad="import asyncio as _\n\nfrom bridge.config import Settings\n",
        tests=("tests/bridge/cli/test_running.py",),
    ),
    Bug(
        name="a password in the settings that are shown",
        file="bridge/cli/settings.py",
        good="parsed.set(query={}).render_as_string(hide_password=True)",
        bad="parsed.render_as_string(hide_password=True)",
        tests=("tests/bridge/cli/test_settings.py",),
    ),
    Bug(
        name="a bolt reported before it rests",
        file="bridge/bolts.py",
        good="            if status.bolt not in MOVING:\n",
        bad="            if status:\n",
        tests=("tests/together/test_bolt_commands.py",),
    ),
)
