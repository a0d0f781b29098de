"""What a run tells: JUnit, report.json as its schema has it, and a page."""

import json
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema_rs
import pytest

from hil.requirements import requirements
from tests.hil.suites import ROOT, SUITE, suite

SCHEMA = json.loads((ROOT / "hil" / "report" / "report.schema.json").read_text())
OWN = """
import pytest
from hil.errors import BenchFault, Nonconformant

@pytest.fixture
def broken_cable():
    raise BenchFault("The cable is out.")

@pytest.fixture
def wrong_answer():
    raise Nonconformant("The lock sent HELLO_RESPONSE to 97531.")

def test_passes(): pass
@pytest.mark.req("LW-001")
def test_fails(): assert "97531" == "86420"
@pytest.mark.req("LW-002")
def test_cannot_begin(broken_cable): pass
@pytest.mark.req("LW-003")
def test_breaks_while_it_begins(wrong_answer): pass
@pytest.mark.req("LW-004")
def test_loses_the_bench(): raise BenchFault("The hub is gone.")
@pytest.fixture
def cable_that_goes():
    yield
    raise BenchFault("The cable went.")

@pytest.mark.req("LW-006")
def test_fails_and_then_loses_the_bench(cable_that_goes): raise Nonconformant("It lied.")
def test_does_not_run(): pytest.skip("No hand.")
def test_shows_html(): assert "<script>alert(1)</script>" == ""
"""


def reported(folder: Path, *words: str, plugins: Iterable[str] = ()) -> dict[str, Any]:
    """Run the suite or other tests, and return what is reported, which keeps to the schema."""
    suite("--lock-report", str(folder / "report"), *words, plugins=plugins)
    told: dict[str, Any] = json.loads((folder / "report" / "report.json").read_text())
    jsonschema_rs.validate(SCHEMA, told)
    return told


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """A run of tests of somebody's own, one for each end that a test can have."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "test_own.py").write_text(OWN)
    return reported(folder, str(folder / "test_own.py"), "--lock-seed", "7"), folder / "report"


def test_an_honest_lock_conforms(tmp_path: Path) -> None:
    told = reported(tmp_path, SUITE, "-k", "not 65536")  # which takes ten seconds, and is seen elsewhere
    assert (told["verdict"], told["exit_code"], told["target"]) == ("conforms", 0, "sim:")
    kept = {each["id"]: each["kept"] for each in told["requirements"]}
    assert set(kept.values()) <= {"kept", "unseen"}
    assert all(each["tests"] for each in told["requirements"] if each["kept"] == "kept")


def test_a_profile_leaves_out_what_it_does_not_ask(tmp_path: Path) -> None:
    told = reported(tmp_path, SUITE, "--lock-profile", "persist")
    assert {each["profile"] for each in told["requirements"]} == {"basic", "persist"}
    asked = {each["id"] for each in told["requirements"]}
    assert all(asked.intersection(each["requirements"]) for each in told["tests"] if each["requirements"])


def test_a_failure_is_the_firmwares_and_an_error_the_benchs(own: tuple[dict[str, Any], Path]) -> None:
    told, _ = own
    ended = {each["id"].partition("::test_")[2]: each["outcome"] for each in told["tests"]}
    assert ended == {
        "passes": "passed",
        "fails": "failed",
        "cannot_begin": "error",
        "breaks_while_it_begins": "failed",
        "loses_the_bench": "error",
        "fails_and_then_loses_the_bench": "failed",
        "does_not_run": "skipped",
        "shows_html": "failed",
    }
    kept = {each["id"]: each["kept"] for each in told["requirements"]}
    assert [kept[f"LW-00{n}"] for n in range(1, 6)] == ["broken", "undecided", "undecided", "undecided", "unseen"]
    assert (told["verdict"], told["exit_code"]) == ("nonconformant", 1)
    assert told["sentence"].startswith("The firmware breaks LW-001, LW-006.")


def test_a_report_tells_how_to_repeat_and_no_digits(own: tuple[dict[str, Any], Path]) -> None:
    told, folder = own
    (fails,) = (each for each in told["tests"] if each["title"] == "Fails")
    assert fails["repeat"] == "latchwire conform sim: --repro 7:test_own.py::test_fails"
    for file in ("report.json", "report.html", "junit.xml"):
        assert "97531" not in (folder / file).read_text()


def test_junit_names_the_requirements(own: tuple[dict[str, Any], Path]) -> None:
    _, folder = own
    cases = {case.get("name"): case for case in ElementTree.parse(folder / "junit.xml").iter("testcase")}  # noqa: S314  our own
    named = [each.get("value") for each in cases["test_fails"].iter("property")]
    assert named == ["LW-001"]
    assert [cases[f"test_{name}"][-1].tag for name in ("fails", "cannot_begin", "does_not_run")] == [
        "failure", "error", "skipped",
    ]  # fmt: skip


class _Page(HTMLParser):
    """Gathers links, and what would be fetched or run."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.add(tag)
        self.ids |= {told["id"] or ""} if "id" in told else set()
        self.links |= {told["href"] or ""} if "href" in told else set()
        assert "src" not in told

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_stands_alone_and_its_links_lead_somewhere(own: tuple[dict[str, Any], Path]) -> None:
    told, folder = own
    page = _Page()
    page.feed((folder / "report.html").read_text())
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert {link.removeprefix("#") for link in page.links} <= page.ids
    assert told["sentence"] in page.text
    assert {each.text for each in requirements().values() if each.id in page.ids} == {
        each["text"] for each in told["requirements"]
    }
    assert "The cable is out." in page.text
    assert "alert(1)" in page.text


@pytest.mark.parametrize("name", ["a file", "a folder of nobody's"])
def test_a_report_that_cannot_be_written_is_told_of_before_any_test(tmp_path: Path, name: str) -> None:
    (tmp_path / "a file").write_text("")
    folder = tmp_path / "a file" if name == "a file" else Path("/proc/report")
    ended = suite("--lock-report", str(folder), SUITE)
    assert ended.code == 4
    assert f"ERROR: --lock-report {folder} cannot be made" in ended.said
    assert "passed" not in ended.said


def test_workers_make_one_report_as_one_process_does(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(OWN)
    words = ("--lock-report", str(tmp_path / "report"), str(tmp_path / "test_own.py"), "-n", "2")
    suite(*words, plugins=["xdist"])
    told = json.loads((tmp_path / "report" / "report.json").read_text())
    assert told["counts"] == {"passed": 1, "flaky": 0, "failed": 4, "error": 2, "skipped": 1, "quarantined": 0}
    assert {each["id"] for each in told["requirements"] if each["kept"] == "broken"} == {"LW-001", "LW-006"}


def test_a_report_tells_what_the_lock_is_and_how_to_reach_it_again(tmp_path: Path) -> None:
    bench = tmp_path / "bench.toml"
    bench.write_text(
        '[[target]]\nname = "one"\nlink = "sim:"\nfirmware = "bench.toml"\n[[target]]\nname = "two"\nlink = "sim:"'
    )
    words = ("-k", "info_first or test_hello", "--lock-bench", str(bench), "--lock-realtime", "-n", "2")
    told = reported(tmp_path, *words, SUITE, plugins=["xdist"])
    assert (told["target"], told["facts"]["protocol_version"]) in [("one", 1), ("two", 1)]
    assert "bolt" in told["facts"]["told"]
    assert told["facts"]["bench"] == str(bench)
    assert f"--bench {bench} --realtime --repro" in told["tests"][0]["repeat"]


def test_a_requirement_that_there_is_not_ends_the_run_before_any_test(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text('import pytest\n\n@pytest.mark.req("LW-54")\ndef test_it(): assert 0\n')
    ended = suite(str(tmp_path))
    assert ended.code == 4
    assert "test_it: no requirement is called LW-54; see conform --list." in ended.said


def test_a_run_without_a_lock_is_none_of_our_business() -> None:
    ended = suite(
        "--co", "-c", "/dev/null", str(ROOT / "tests" / "protocol" / "test_framing.py"), folder=Path("/proc/self")
    )
    assert ended.code == 0, ended.said
