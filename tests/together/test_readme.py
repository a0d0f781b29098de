"""The README tells the truth: its tour is run as written, its tables are compared with the code."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bridge.cli import exits
from bridge.cli.running import build_app
from bridge.http.app import create_app
from bridge.http.metrics import Metrics
from tests.bridge.http.doubles import RecordingService
from tests.conftest import skip_without_a_bus
from tests.together.processes import PATIENCE, Place, place, typed

README = Path(__file__).parents[2] / "README.md"
STAYING = ("latchwire sim run", "latchwire serve")


EXAMPLE_ID = "7809F1DB"


def blocks(heading: str) -> list[str]:
    """Return the shell blocks under a heading."""
    section = README.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def commands(block: str) -> list[str]:
    """Return the commands of a block; a backslash joins lines, and so does an open quote."""
    found: list[str] = []
    for line in block.splitlines():
        if found and (found[-1].endswith("\\") or found[-1].count("'") % 2):
            found[-1] += "\n" + line
        else:
            found.append(line)
    return [command for command in found if command]


class Shells:
    """The tour's shells, one after another, their paths and port moved to where a test may be."""

    def __init__(self, bench: Place) -> None:
        self._bench = bench
        self._stack = ExitStack()
        self._port = "8099"
        self._lock_id = EXAMPLE_ID

    @contextmanager
    def open(self) -> Iterator["Shells"]:
        with self._stack:
            yield self

    def run(self, command: str) -> str:
        """Run one command as written; one that stays is left running, and what is exported is so for the next."""
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self._bench.environment[name] = value.replace("$D", str(self._bench.folder))
            return ""
        if command.startswith(STAYING):
            words = command.replace("--port 8099", "--port 0").replace("$D", str(self._bench.folder)).split()[1:]
            staying = self._stack.enter_context(self._bench.staying(*words))
            self._port = staying.ready.get("url", self._port).rpartition(":")[2]
            self._lock_id = f"{staying.ready.get('lock_id', 0):08X}"
            return ""
        if command.startswith("python -m"):
            self._stack.enter_context(self._running(command))
            return ""
        script = command.replace("127.0.0.1:8099", f"127.0.0.1:{self._port}").replace(EXAMPLE_ID, self._lock_id)
        environment = self._bench.environment | {"D": str(self._bench.folder)}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        done = subprocess.run(
            ["bash", "-euc", script], capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    @contextmanager
    def _running(self, command: str) -> Iterator[None]:
        """Run a module that stays, from the line on with which it is ready."""
        words = command.replace("$D", str(self._bench.folder)).split()[1:]
        with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline()
                yield
            finally:
                process.terminate()


def test_a_technician_gets_to_a_weekday_pin_as_written(bench: Place) -> None:
    (block,) = blocks("At the door")
    written = commands(block)
    assert len(written) < 10
    assert written[:2] == ["make demo", ". .venv/bin/activate"]
    with bench.lock():
        answers = {"pair": Path(bench.path("label")).read_text().strip(), "pin add": "97531"}
        for words in (command.replace("/dev/ttyUSB0", bench.path("lock0")).split()[1:] for command in written[2:]):
            answer = next((answer for name, answer in answers.items() if " ".join(words).startswith(name)), "")
            if words == ["scan"]:  # of this machine's ports none is this lock's
                words += [f"serial:{bench.path('lock0')}", "--no-ports"]
            assert typed(bench, answer, *words) == 0, (words, bench.said[-2:])
    said = "\n".join(bench.said)
    assert re.search(r"1 +Cleaning +yes +.*mon-fri 08:00-16:00", said)
    assert "97531" not in said


def test_the_tour_works_as_written() -> None:
    start, *shells = blocks("A first tour")
    assert "LATCHWIRE_STATE_DIR" in start
    said: list[str] = []
    with place({"LATCHWIRE_IDLE": "0.1"}) as bench, Shells(bench).open() as tour:
        for block in shells:
            said += [tour.run(command) for command in commands(block)]
    text = "\n".join(said)
    assert '{"result":{"id":1},"success":true,"errorMessages":[],"statusCode":201}' in text
    assert "granted: pin 1 opens" in text
    assert re.search(r"denied: pin 1 opens .*; at the lock it is Saturday 2030-01-12 .*\nexit code 4", text)
    assert "The lock holds the pin as 2." in text
    assert re.search(r"1 +Cleaning.*\n *2 +Guest", text)


def test_a_lock_is_held_to_the_protocol_as_written() -> None:
    block, _ = blocks("Is my lock's firmware right?")
    with place() as bench, Shells(bench).open() as shells:
        said = [shells.run(command) for command in commands(block)]
        assert bench.folder.joinpath("report", "report.html").exists()
    assert "Nothing that was looked at breaks the protocol." in said[0]
    assert "LW-054" in said[1]
    assert "LW-054 (MUST, profile schedule" in said[2]


@pytest.mark.parametrize("way", ["itself", "stand-in"])
def test_a_lock_on_the_air_is_reached_as_written(way: str) -> None:
    skip_without_a_bus()
    lock, itself, stand_in, behind_it = map(commands, blocks("A lock on the air"))
    said: list[str] = []
    with place() as bench, Shells(bench).open() as shells:
        shells.run(*lock)
        if way == "stand-in":
            shells.run(*stand_in)
        said = [shells.run(command) for command in (behind_it if way == "stand-in" else itself)]
    assert re.search(r"ble:[0-9A-F]{8}.* +heard ", said[1 if way == "stand-in" else 0])


def test_the_files_of_pins_say_the_same_and_their_commands_work_as_written(bench: Place) -> None:
    section = README.read_text().partition("\n## Files of pins\n")[2].partition("\n## ")[0]
    for kind in ("csv", "toml"):
        (text,) = re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)
        bench.folder.joinpath(f"pins.{kind}").write_text(text)
    (block,) = blocks("Files of pins")
    with bench.lock():
        assert bench.pair().code == 0
        ended = []
        for words in commands(block):
            paths = re.sub(r"[a-z]+\.(?:csv|toml)", lambda found: bench.path(found[0]), words)
            ended.append(bench.here(*paths.split()[1:]))
    assert [one.code for one in ended] == [0] * 5, ended
    assert [one.out.splitlines()[-1] for one in ended[:3]] == ["2 add", "2 verified", "2 equal"]
    assert ended[4].out.splitlines()[-1] == "2 already there"


def test_every_call_and_every_answer_is_in_its_table() -> None:
    section = README.read_text().partition("\n## What the HTTP calls answer\n")[2].partition("\n## ")[0]
    documented = create_app(RecordingService()).openapi()["paths"]
    paths = {path: operations for path, operations in documented.items() if "/pin" in path}
    calls = {
        f"{method.upper()} {path.removeprefix('/api/{version}')}"
        for path, operations in paths.items()
        for method in operations
    }
    assert set(re.findall(r"^\| `([A-Z]+ /.*?)` \|", section, re.MULTILINE)) == {
        call.replace("{lock_id}", "{id}").replace("{pin_id}", "{pinId}") for call in calls
    }
    told = {
        status for row in re.findall(r"^\| (\d{3}(?:, \d{3})*) \|", section, re.MULTILINE) for status in row.split(", ")
    }
    answers = [set(operation["responses"]) for operations in paths.values() for operation in operations.values()]
    assert told == set.union(*answers)


def test_every_call_for_whoever_watches_and_everything_counted_is_in_its_table() -> None:
    section = README.read_text().partition("\n## Watching the bridge\n")[2].partition("\n## ")[0]
    documented = create_app(RecordingService()).openapi()["paths"]
    told = set(re.findall(r"^\| `GET (/.*?)` \|", section, re.MULTILINE))
    assert told == {path for path, operations in documented.items() if "security" not in str(operations)}
    counted = re.findall(r"^# TYPE (\w+) ", Metrics().exposition().decode(), re.MULTILINE)
    assert set(re.findall(r"^\| `(latchwire_\w+)` \|", section, re.MULTILINE)) == {
        name for name in counted if not name.endswith("_created")
    }


def test_every_call_at_a_lock_is_in_its_table_with_its_scope() -> None:
    section = README.read_text().partition("\n## Locks, their bolts and what happened there\n")[2].partition("\n## ")[0]
    paths = create_app(RecordingService()).openapi()["paths"]
    calls = {
        (f"{method.upper()} {path.removeprefix('/api/{version}').replace('lock_id', 'id')}", scope)
        for path, operations in paths.items()
        for method, operation in operations.items()
        for scope in operation.get("security", [{"Bearer": ()}])[0]["Bearer"]
        if "/pin" not in path
    }
    rows = re.findall(r"^\| `([A-Z]+ /[^?`]*).*?` \|.*\| `(.*)` \|$", section, re.MULTILINE)
    assert set(rows) == calls


def test_every_exit_code_is_told() -> None:
    text = " ".join(README.read_text().partition("\nExit codes: ")[2].partition("\n\n")[0].split())
    told = {int(code) for code in re.findall(r"(?:^|, )(\d+) [a-z]", text)}
    assert told == {exits.OK, exits.INTERRUPTED, exits.INTERNAL, exits.READ_BACK_DIFFERS, *exits.BY_ERROR.values()}


def test_every_command_is_in_its_table() -> None:
    section = README.read_text().partition("\n## The commands\n")[2].partition("\n## ")[0]
    told = set(re.findall(r"`([a-z-]+(?: [a-z-]+)?)[` ]", " ".join(re.findall(r"^\| (.*?) \|", section, re.MULTILINE))))
    app = build_app()
    exist: set[str] = set()
    for name in app:
        if not name.startswith("-"):
            group = [inner for inner in app[name] if not inner.startswith("-")]
            exist |= {f"{name} {inner}" for inner in group} or {name}
    assert told == exist


@pytest.mark.parametrize("name", ["make demo", "make test"])
def test_the_two_commands_exist(name: str) -> None:
    assert re.search(rf"^{name.split()[1]}:", (README.parent / "Makefile").read_text(), re.MULTILINE)
