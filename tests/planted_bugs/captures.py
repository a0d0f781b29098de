"""Bugs in captures, traces and their replay: what a recording would lose, tell to anybody, or not notice any more."""

from .bug import Bug

CAPTURE = ("tests/hil/test_capture.py",)
KEEPING = ("tests/hil/test_keeping.py",)
PCAPNG = ("tests/hil/test_pcapng.py",)
REPLAY = ("tests/hil/test_replay.py",)
TRACE = ("tests/hil/test_trace.py",)

BUGS = (
    Bug(
        name="recorded digits",
        file="hil/recording/legible.py",
        good="return digits if self.show else self._names",
        bad="return digits or self._names",
        tests=("tests/hil/test_keeping.py::test_no_file_of_the_whole_suite_holds_digits",),
    ),
    Bug(
        name="recorded digits in bodies that cannot be read",
        file="hil/recording/capture.py",
        good="safe = self._pins.show or len(body) <= 2 or (message is not None and not tells_pins(message))",
        bad="safe = True",
        tests=TRACE,
    ),
    Bug(
        name="recorded digits in notes",
        file="hil/recording/capture.py",
        good="told = self._now(), self._scribe.text(text)[:LONGEST_NOTE].strip()",
        bad="told = self._now(), text[:LONGEST_NOTE].strip()",
        tests=TRACE,
    ),
    Bug(
        name="recorded digits in the names of files",
        file="hil/recording/keeping.py",
        good='(nodeid if show_pins else _DIGITS.sub("", nodeid)).partition("::")',
        bad='nodeid.partition("::")',
        tests=KEEPING,
    ),
    Bug(
        name="recordings that a killed run takes along",
        file="hil/recording/keeping.py",
        good='return FileIO(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w")',
        bad='return open(path, "wb")',
        tests=("tests/hil/test_keeping.py::test_a_run_that_was_killed_leaves_what_was_seen",),
    ),
    Bug(
        name="recordings that anybody may read",
        file="hil/recording/keeping.py",
        good="os.O_CLOEXEC, 0o600",
        bad="os.O_CLOEXEC, 0o644",
        tests=KEEPING,
    ),
    Bug(
        name="recordings that outlive their failure",
        file="hil/recording/keeping.py",
        good="file.unlink(missing_ok=True)",
        bad="pass",
        tests=KEEPING,
    ),
    Bug(
        name="a folder of recordings that is not tried",
        file="hil/recording/keeping.py",
        good="            _see_that_it_can_be_written(self._folder)\n",
        bad="            pass\n",
        tests=KEEPING,
    ),
    Bug(
        name="recordings of which JUnit does not know",
        file="hil/recording/keeping.py",
        good="if kept.keeping:  # the report of the test's end too",
        bad="if kept.keeping and report.failed:  #",
        tests=KEEPING,
    ),
    Bug(
        name="damage that no recording shows",
        file="hil/line.py",
        good="            self._ear.frame(Way.FROM_LOCK, piece, body)\n",
        bad="            if isinstance(frame, Frame):\n                self._ear.frame(Way.FROM_LOCK, piece, body)\n",
        tests=CAPTURE,
    ),
    Bug(
        name="a last word that no recording shows",
        file="hil/line.py",
        good="            self._ear.frame(Way.FROM_LOCK, rest)\n",
        bad="            pass\n",
        tests=CAPTURE,
    ),
    Bug(
        name="a lock that fills the bench's memory while it is recorded",
        file="hil/line.py",
        good="tail[: self._BOUND - len(self._piece)]",
        bad="tail",
        tests=CAPTURE,
    ),
    Bug(
        name="recorded directions that are swapped",
        file="hil/recording/pcapng.py",
        good="{Way.FROM_LOCK: 1, Way.TO_LOCK: 2, None: 0}",
        bad="{Way.FROM_LOCK: 2, Way.TO_LOCK: 1, None: 0}",
        tests=PCAPNG,
    ),
    Bug(
        name="recordings that are taken for damaged where they are cut off",
        file="hil/recording/pcapng.py",
        good="        if len(block) < length:\n            return None\n",
        bad="",
        tests=PCAPNG,
    ),
    Bug(
        name="recorded lines that command a terminal",
        file="hil/recording/trace.py",
        good='return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)',
        bad="return text",
        tests=TRACE,
    ),
    Bug(
        name="a replay under the recorded operation ids",
        file="hil/recording/replay.py",
        good="(then + (self._shift or 0) - 1) % _LARGEST_OPERATION + 1",
        bad="then",
        tests=REPLAY,
    ),
    Bug(
        name="a replay that takes any status",
        file="hil/recording/replay.py",
        good="        if status != then.status:\n",
        bad="        if not status:\n",
        tests=REPLAY,
    ),
    Bug(
        name="a replay that takes any list version",
        file="hil/recording/replay.py",
        good="return self._versions.fit(then, now)",
        bad="return bool(self._versions)",
        tests=REPLAY,
    ),
    Bug(
        name="a replay that takes any digits",
        file="hil/recording/replay.py",
        good="return bool(now == self._substitutes.digits(then))",
        bad="return bool(now)",
        tests=REPLAY,
    ),
    Bug(
        name="a replay that nobody has meant",
        file="hil/recording/commands.py",
        good="    if not (spec.simulated or yes):\n        raise _unasked(target)\n",
        bad="",
        tests=REPLAY,
    ),
    Bug(
        name="a replay that keeps its links",
        file="hil/recording/replay.py",
        good="            await self._station.close()  # a lock takes few links at a time\n",
        bad="",
        tests=REPLAY,
    ),
)
