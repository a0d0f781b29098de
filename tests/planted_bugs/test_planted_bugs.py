"""The list of planted bugs fits the code, so that `make bugs`, which takes minutes, finds each of them a place."""

from collections import Counter

import pytest

from tests.planted_bugs.__main__ import BUGS, ROOT
from tests.planted_bugs.bug import Bug


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_each_bug_has_one_place_and_tests_that_exist(bug: Bug) -> None:
    assert (ROOT / bug.file).read_text().count(bug.good) == 1
    assert bug.good != bug.bad
    assert bug.tests
    assert all((ROOT / test.partition("::")[0]).exists() for test in bug.tests)


def test_each_bug_has_a_name_of_its_own() -> None:
    assert max(Counter(bug.name for bug in BUGS).values()) == 1
