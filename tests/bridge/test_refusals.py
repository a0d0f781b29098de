"""A lock's no becomes one exception, with a sentence for each status and each rule."""

import pytest

from bridge.refusals import SENTENCES, refused
from protocol.messages.declaration import Refusal
from protocol.vocabulary import Rule, Status

REFUSING = [status for status in Status if status is not Status.OK]


@pytest.mark.parametrize("status", REFUSING)
def test_each_status_has_a_sentence_of_its_own(status: Status) -> None:
    error = refused(Refusal(status=status))
    assert (error.status, error.rule) == (status, None)
    assert str(error) == SENTENCES[status]
    assert str(error)[0].isupper()
    assert str(error)[-1] == "."


@pytest.mark.parametrize("rule", Rule)
def test_each_rule_is_named_in_words(rule: Rule) -> None:
    error = refused(Refusal(status=Status.INVALID, rule=rule))
    assert (error.status, error.rule) == (Status.INVALID, rule)
    assert str(error).startswith("The lock refused: ")
    assert str(error)[-1] == "."


def test_no_two_sentences_are_the_same_and_ok_is_no_refusal() -> None:
    rules = {str(refused(Refusal(status=Status.INVALID, rule=rule))) for rule in Rule}
    assert len(rules | set(SENTENCES.values())) == len(Rule) + len(REFUSING)
    assert set(SENTENCES) == set(REFUSING)
