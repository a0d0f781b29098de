"""The rules of digits and aliases, against tables and against definitions that share no code with them."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.pin_rules import SENTENCES, check_alias, check_digits, check_entry, sentence
from protocol.vocabulary import PinEntry, Rule, Schedule

ASCENDING = "0123456789"


@pytest.mark.parametrize(
    "digits", ["13579", "78901", "10987", "00012", "12346", "123454", "112233", "89012", "24680", "02468135"]
)
def test_ordinary_digits_break_no_rule(digits: str) -> None:
    assert check_digits(digits) is None


@pytest.mark.parametrize(
    ("digits", "rule"),
    [
        ("", Rule.DIGITS_LENGTH),
        ("1357", Rule.DIGITS_LENGTH),
        ("135791357", Rule.DIGITS_LENGTH),
        ("     ", Rule.DIGITS_DECIMAL),
        ("1357a", Rule.DIGITS_DECIMAL),
        ("13579\n", Rule.DIGITS_DECIMAL),
        ("-13579", Rule.DIGITS_DECIMAL),
        ("1357/", Rule.DIGITS_DECIMAL),
        ("1357:", Rule.DIGITS_DECIMAL),
        ("１３５７９", Rule.DIGITS_DECIMAL),
        ("٠١٣٥٧", Rule.DIGITS_DECIMAL),
        ("1357²", Rule.DIGITS_DECIMAL),
        ("1357\ud800", Rule.DIGITS_DECIMAL),
        ("00000", Rule.DIGITS_VARIETY),
        ("12121212", Rule.DIGITS_VARIETY),
        ("12345", Rule.DIGITS_SEQUENCE),
        ("54321", Rule.DIGITS_SEQUENCE),
        ("345678", Rule.DIGITS_SEQUENCE),
        ("98765", Rule.DIGITS_SEQUENCE),
        ("01234567", Rule.DIGITS_SEQUENCE),
        ("43210", Rule.DIGITS_SEQUENCE),
    ],
)
def test_bad_digits_break_the_rule_that_the_table_names(digits: str, rule: Rule) -> None:
    assert check_digits(digits) is rule


@pytest.mark.parametrize(
    ("digits", "rule"),
    [("x", Rule.DIGITS_DECIMAL), ("111111111", Rule.DIGITS_LENGTH), ("1234", Rule.DIGITS_LENGTH)],
)
def test_digits_that_break_several_rules_are_told_the_first_in_order(digits: str, rule: Rule) -> None:
    assert check_digits(digits) is rule


def test_of_all_pins_of_five_digits_exactly_the_counted_ones_are_refused() -> None:
    verdicts = Counter(check_digits(f"{number:05}") for number in range(100_000))
    of_one_digit, of_two_digits = 10, 45 * (2**5 - 2)
    refused = {Rule.DIGITS_VARIETY: of_one_digit + of_two_digits, Rule.DIGITS_SEQUENCE: 6 + 6}
    assert verdicts == {None: 100_000 - sum(refused.values())} | refused


@pytest.mark.parametrize("length", range(5, 9))
def test_every_slice_of_the_digits_in_order_is_a_sequence_both_ways(length: int) -> None:
    slices = [ASCENDING[start : start + length] for start in range(11 - length)]
    assert {check_digits(pin) for pin in slices + [pin[::-1] for pin in slices]} == {Rule.DIGITS_SEQUENCE}


@given(st.text(max_size=10))
@settings(max_examples=200, deadline=None)
def test_whatever_passes_as_digits_is_a_short_ascii_number(digits: str) -> None:
    if check_digits(digits) is None:
        assert set(digits) <= set(ASCENDING)
        assert 5 <= len(digits) <= 8


@pytest.mark.parametrize("alias", ["a", " ", "Zoë", "Świerczyński 2", "a" * 32, "é" * 16, "🔑" * 8, "\u00a0", "~"])
def test_readable_aliases_break_no_rule(alias: str) -> None:
    assert check_alias(alias) is None


@pytest.mark.parametrize(
    ("alias", "rule"),
    [
        ("", Rule.ALIAS_LENGTH),
        ("a" * 33, Rule.ALIAS_LENGTH),
        ("é" * 16 + "a", Rule.ALIAS_LENGTH),
        ("🔑" * 8 + "a", Rule.ALIAS_LENGTH),
        ("\n" * 33, Rule.ALIAS_LENGTH),
        ("two\nlines", Rule.ALIAS_CONTROL),
        ("tab\t", Rule.ALIAS_CONTROL),
        ("\x00", Rule.ALIAS_CONTROL),
        ("\ud800", Rule.ALIAS_CONTROL),
        ("\udcff" * 40, Rule.ALIAS_CONTROL),
    ],
)
def test_bad_aliases_break_the_rule_that_the_table_names(alias: str, rule: Rule) -> None:
    assert check_alias(alias) is rule


def test_the_control_characters_are_unicodes_category_cc_and_no_others() -> None:
    refused = {chr(point) for point in range(0xD800) if check_alias(f"a{chr(point)}") is Rule.ALIAS_CONTROL}
    assert refused == {chr(point) for point in range(0xD800) if unicodedata.category(chr(point)) == "Cc"}


@given(st.text(st.characters(), max_size=40))
@settings(max_examples=200, deadline=None)
def test_an_alias_passes_exactly_when_it_is_short_encodable_text_without_controls(alias: str) -> None:
    readable = not {unicodedata.category(character) for character in alias} & {"Cc", "Cs"}
    short = 1 <= len(alias.encode(errors="surrogatepass")) <= 32
    assert (check_alias(alias) is None) == (readable and short)


ORDERLESS = Schedule(valid_from=2, valid_until=1)


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        (PinEntry(digits="13579", alias="guest"), None),
        (PinEntry(digits="13579", alias="guest", schedule=ORDERLESS), Rule.VALIDITY_ORDER),
        (PinEntry(digits="13579", alias="", schedule=ORDERLESS), Rule.ALIAS_LENGTH),
        (PinEntry(digits="12345", alias="", schedule=ORDERLESS), Rule.DIGITS_SEQUENCE),
    ],
)
def test_an_entry_is_judged_by_digits_then_alias_then_schedule(entry: PinEntry, rule: Rule | None) -> None:
    assert check_entry(entry) is rule


def test_every_rule_has_a_sentence_of_its_own() -> None:
    assert set(SENTENCES) == set(Rule)
    assert len({sentence(rule) for rule in Rule}) == len(Rule)
    assert all(sentence(rule).endswith(".") for rule in Rule)
