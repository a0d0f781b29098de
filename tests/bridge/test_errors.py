"""Each failure has one HTTP status and one exit code, and the README's table tells both."""

import re
from collections.abc import Iterator
from inspect import signature
from pathlib import Path

from bridge import errors
from bridge.cli import exits
from bridge.http import problems
from protocol.vocabulary import Rule, Status

README = Path(__file__).parents[2] / "README.md"


def declared() -> list[type[errors.BridgeError]]:
    """Return what bridge/errors.py declares, from top to bottom."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, errors.BridgeError)]


def made() -> Iterator[tuple[str, errors.BridgeError]]:
    """Make one failure of each kind, with the name by which the README has it."""
    for kind in declared():
        if kind is errors.Refused:
            for status in Status:
                if status is not Status.OK:
                    yield f"Refused, {status.name}", errors.Refused(status, None, "why")
        elif kind is errors.RuleBroken:
            yield kind.__name__, errors.RuleBroken(Rule.DIGITS_LENGTH, "why")
        else:
            wants_a_sentence = len(signature(kind.__init__).parameters) > 1
            yield kind.__name__, kind("why") if wants_a_sentence else kind()


def told() -> dict[str, tuple[int, int]]:
    """Return what the README tells: HTTP status and exit code by name."""
    section = README.read_text().partition("\n## When something fails\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| [^|]+ \| `([^|]+)` \| (\d{3}) \| (\d) \|$", section, re.MULTILINE)
    assert len(found) == len({name for name, *_ in found})
    return {name: (int(status), int(code)) for name, status, code in found}


def test_every_error_has_a_place_of_its_own_in_both_tables() -> None:
    kinds = set(declared())
    assert set(exits.BY_ERROR) == kinds
    assert {*problems.BY_ERROR, errors.Refused} == kinds
    assert set(problems.BY_STATUS) == set(Status)


def test_the_tree_at_the_top_of_the_module_is_the_real_one() -> None:
    assert errors.__doc__ is not None
    drawn = re.findall(r"── (\w+)", errors.__doc__)
    assert ["BridgeError", *drawn] == [kind.__name__ for kind in declared()]


def test_the_readme_tells_the_status_and_the_exit_code_of_each() -> None:
    answered = {name: (problems.api_error(error).status, exits.exit_code(error)) for name, error in made()}
    assert told() == answered
