"""Bugs in the bridge: exactly once, the journal, pairing."""

from .bug import Bug

BUGS = (
    Bug(
        name="a retransmission encrypted anew",
        file="bridge/sessions.py",
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
        good="except (Unreachable, LinkLost, NotPaired, VersionMismatch, ZoneChanged, Refused, DamagedState) as error:",
        bad="except Unreachable as error:",
        tests=("tests/together/test_impostor.py",),
    ),
    Bug(
        name="row of a change written after sending",
        file="bridge/client.py",
        good="""        await self.changes.begin(message, make(0), operation, body)
        self.unanswered = True
        if message.opcode == BOLT_OPERATE.opcode:
""",
        bad="""        self.unanswered = True
        if message.opcode != BOLT_OPERATE.opcode:
            answer = await self._until_answered(opened, message, body)
        await self.changes.begin(message, make(0), operation, body)
        if message.opcode == BOLT_OPERATE.opcode:
""",
        tests=("tests/together/test_journal_at_a_lock.py",),
    ),
    Bug(
        name="bolt sent again in a new session",
        file="bridge/client.py",
        good="await self._sessions.exchange(opened, message, body) or await self._what_became(message)",
        bad="await self._until_answered(opened, message, body)",
        tests=("tests/together/test_journal_at_a_lock.py",),
    ),
    Bug(
        name="outcome adopted without comparing the token",
        file="bridge/journal.py",
        good="(kept.wire_id, kept.caller.token_id, kept.request_mark) == wanted",
        bad="(kept.wire_id, caller.token_id, kept.request_mark) == wanted",
        tests=("tests/together/test_journal_at_a_lock.py",),
    ),
    Bug(
        name="outcome adopted from the database without comparing the token",
        file="bridge/store/journal.py",
        good="            ChangeRow.token_id == caller.token_id,\n            ChangeRow.request_mark",
        bad="            ChangeRow.request_mark",
        tests=("tests/bridge/test_journal.py",),
    ),
    Bug(
        name="the id before taken for done",
        file="bridge/journal.py",
        good="        return ChangeState.NOT_DONE\n",
        bad="        return ChangeState.CONFIRMED\n",
        tests=("tests/together/test_journal_at_a_lock.py",),
    ),
    Bug(
        name="raw fingerprint stored",
        file="bridge/journal.py",
        good='return self._mark(b"fingerprint", bare)',
        bad="return bare",
        tests=("tests/together/test_journal_at_a_lock.py",),
    ),
    Bug(
        name="idempotency key stored as sent",
        file="bridge/changes.py",
        good="None if caller.key is None else self._marks.of_key(caller.key)",
        bad="caller.key",
        tests=("tests/together/test_journal_at_a_lock.py",),
    ),
    Bug(
        name="an outcome that was told adopted",
        file="bridge/journal.py",
        good="    return not found.told and found.method",
        bad="    return found.method",
        tests=("tests/together/test_journal_at_a_lock.py",),
    ),
    Bug(
        name="a repetition that a silent lock cannot settle said to have changed nothing",
        file="bridge/client.py",
        good="            self.unanswered = await self.changes.left_unanswered(request)\n",
        bad="",
        tests=("tests/together/test_repeats_at_a_silent_lock.py",),
    ),
    Bug(
        name="what a key has done told by the lock alone",
        file="bridge/client.py",
        good="        if not self._sessions.at_hand:\n",
        bad="        if self.changes.unresolved:\n",
        tests=("tests/together/test_repeats_at_a_silent_lock.py",),
    ),
    Bug(
        name="a registry of an earlier version called new without its tables",
        file="bridge/store/upgrading.py",
        good="    command.upgrade(config, REVISION)\n",
        bad="    command.stamp(config, REVISION)\n",
        tests=("tests/bridge/test_migrations.py",),
    ),
    Bug(
        name="two processes migrate one registry at once",
        file="bridge/store/upgrading.py",
        good='        connection.exec_driver_sql("BEGIN IMMEDIATE")\n',
        bad='        connection.exec_driver_sql("BEGIN")\n',
        tests=("tests/bridge/test_migrations.py", "tests/bridge/test_database.py"),
    ),
    Bug(
        name="a table of the models that no revision makes as they say",
        file="bridge/store/migrations/versions/r0002_journal.py",
        good='    op.create_index("ix_changes_key", "changes", ["token_id", "key"])\n',
        bad='    op.create_index("ix_changes_key", "changes", ["token_id"])\n',
        tests=("tests/bridge/test_migrations.py",),
    ),
    Bug(
        name="a commit that returns before it would survive a loss of power",
        file="bridge/store/database.py",
        good="PRAGMA synchronous = EXTRA",
        bad="PRAGMA synchronous = NORMAL",
        tests=("tests/bridge/test_database.py",),
    ),
    Bug(
        name="the number of a removed lock given again",
        file="bridge/store/registry.py",
        good="select(func.max(NumberRow.number))",
        bad="select(func.max(LockRow.id))",
        tests=("tests/bridge/test_removals.py",),
    ),
    Bug(
        name="a paired lock removed unforced",
        file="bridge/store/registry.py",
        good="            removal = removal.where(LockRow.state != PairingState.PAIRED.value)\n",
        bad="            pass\n",
        tests=("tests/bridge/test_removals.py", "tests/together/test_registry_commands.py"),
    ),
    Bug(
        name="a no taken for a yes",
        file="bridge/cli/asking.py",
        good='.lower() != "yes"',
        bad='.lower() == "no"',
        tests=("tests/together/test_registry_commands.py",),
    ),
    Bug(
        name="a busy lock taken for one that refuses what it has done",
        file="bridge/client.py",
        good="asked_before = answer is None",
        bad="asked_before = False",
        tests=("tests/together/test_exactly_once.py",),
    ),
    Bug(
        name="a pin that is gone is told to a repeated request",
        file="bridge/client.py",
        good="            record = await self._still_so(record, make(0))\n",
        bad="            pass\n",
        tests=("tests/together/test_telling.py",),
    ),
    Bug(
        name="a change whose outcome is not known is forgotten when the host's clock jumps",
        file="bridge/store/journal.py",
        good="ChangeRow.begun < record.begun - KEPT, ChangeRow.state.not_in(UNRESOLVED)",
        bad="(ChangeRow.begun < record.begun - KEPT,)",
        tests=("tests/bridge/test_journal.py",),
    ),
    Bug(
        name="a client that has gone away counts as told",
        file="bridge/engine.py",
        good="(job.caller is None or await job.caller.listens())",
        bad="True",
        tests=("tests/together/test_telling.py",),
    ),
    Bug(
        name="an owner that ends takes the resolver with it",
        file="bridge/resolver.py",
        good="            if task is None or task.cancelling():\n",
        bad="            if task:\n",
        tests=("tests/bridge/test_resolver.py",),
    ),
    Bug(
        name="a lock that is busy when it is asked for the past fails the repeated request",
        file="bridge/sessions.py",
        good="        if is_busy(last):  #",
        bad="        if last is None:  #",
        tests=("tests/together/test_telling.py",),
    ),
    Bug(
        name="an engine that ends leaves unwritten what was answered",
        file="bridge/engine.py",
        good="        async with self._writing:\n            self._task.cancel()\n",
        bad="        self._task.cancel()\n",
        tests=("tests/together/test_telling.py",),
    ),
    Bug(
        name="a commit for each change",
        file="bridge/store/sharing.py",
        good="                waiting, self._waiting = self._waiting, []\n",
        bad="                waiting, self._waiting = self._waiting[:1], self._waiting[1:]\n",
        tests=("tests/bridge/test_sharing.py",),
    ),
    Bug(
        name="one lock's failure told to others",
        file="bridge/store/sharing.py",
        good="            if failed and len(waiting) > 1:  #",
        bad="            if failed and len(waiting) > 99:  #",
        tests=("tests/bridge/test_sharing.py",),
    ),
    Bug(
        name="changes journalled again after a commit whose outcome is unknown",
        file="bridge/store/sharing.py",
        good="            if failed and len(waiting) > 1:  #",
        bad="            if len(waiting) > 1:  #",
        tests=("tests/bridge/test_sharing.py",),
    ),
    Bug(
        name="a registry closed under what it still does",
        file="bridge/store/sharing.py",
        good="            await self._serving\n",
        bad="            return\n",
        tests=("tests/bridge/test_sharing.py",),
    ),
)
