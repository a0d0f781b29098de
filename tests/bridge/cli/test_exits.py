"""Each failure ends a command in one way."""

import pytest

from bridge import errors
from bridge.cli.exits import exit_code
from firmware_sim.errors import ControlError, OptionError, StoreDamaged
from protocol.vocabulary import Rule, Status


def test_an_error_below_one_in_the_table_ends_as_that_one() -> None:
    class Cousin(errors.Unreachable):
        pass

    assert exit_code(Cousin("gone")) == 3


def test_other_command_groups_say_their_codes_themselves() -> None:
    assert [exit_code(error("x")) for error in (StoreDamaged, OptionError, ControlError)] == [1, 2, 3]


def test_what_nobody_expected_has_no_code() -> None:
    assert exit_code(ValueError("surprise")) is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Refused(Status.EXISTS, None, "x"), 4),
        (errors.RuleBroken(Rule.DIGITS_LENGTH, "x"), 2),
        (errors.PairingRefused("x"), 5),
        (errors.AckTimeout("x"), 6),
        (errors.LinkLost("x"), 6),
        (errors.Unreachable("x"), 3),
    ],
)
def test_scripts_can_rely_on_the_codes(error: Exception, code: int) -> None:
    assert exit_code(error) == code
