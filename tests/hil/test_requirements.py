"""The requirements are those of SPEC.md, and each that a lock must keep has a test in the suite."""

import re
from pathlib import Path

import pytest

from hil.requirements import Level, Profile, Requirement, Role, requirements

ROOT = Path(__file__).parents[2]
CHECKLIST = (ROOT / "protocol" / "SPEC.md").read_text().partition("## 10 A checklist")[2].partition("### 10.1")[0]
SUITE = ROOT / "hil" / "conformance"
MARKED = re.compile(r'@pytest\.mark\.req\(((?:"LW-\d{3}",? ?)+)\)')


def marked() -> set[str]:
    """Return the ids that tests of the suite are marked with."""
    found = (MARKED.findall(file.read_text()) for file in SUITE.glob("test_*.py"))
    return {one for marks in found for mark in marks for one in re.findall(r"LW-\d{3}", mark)}


def test_the_requirements_are_the_checklist_word_for_word() -> None:
    lines = re.findall(r"^(\d+)\. (.*?)(?=^\d+\. |\Z)", CHECKLIST, re.DOTALL | re.MULTILINE)
    told = {f"LW-{int(number):03}": " ".join(text.split()) for number, text in lines}
    assert {each.id: each.text for each in requirements().values()} == told


@pytest.mark.parametrize("each", requirements().values(), ids=requirements())
def test_a_requirement_says_what_its_text_says(each: Requirement) -> None:
    assert f"({each.section})." in each.text
    assert f" {each.level} " in each.text
    assert each.profile is not Profile.FULL
    assert (each.role is Role.BRIDGE) is each.text.startswith("A bridge")


def test_no_test_names_an_unknown_requirement() -> None:
    assert marked() <= set(requirements())


def test_each_must_and_each_should_of_a_lock_has_a_test() -> None:
    wanted = {each.id: each for each in requirements().values() if each.role is not Role.BRIDGE}
    untested = wanted.keys() - marked()
    assert untested == {"LW-082"}
    assert [wanted[each].level for each in untested] == [Level.SHOULD]
    assert all(wanted[each].tests for each in untested), "what no wire shows is shown at the simulated lock"


@pytest.mark.parametrize(
    "each",
    [each for each in requirements().values() if each.role is not Role.LOCK or each.tests],
    ids=lambda each: each.id,
)
def test_what_the_suite_cannot_see_names_tests_of_this_project(each: Requirement) -> None:
    assert each.tests
    for test in each.tests:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text()
