"""The label: what people mistype is found out, what they type otherwise is understood, and no error repeats it."""

import hashlib
import hmac
import traceback
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import MalformedError, MisuseError
from protocol.label import format_label, pairing_key, parse_label

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHARACTERS = 28
SECRET = bytes.fromhex("00112233445566778899aabbccddeeff")
LABEL = format_label(SECRET).replace("-", "")


def understood(label: str) -> bool:
    try:
        parse_label(label)
    except MalformedError:
        return False
    return True


def hashed(number: int, size: int = 16) -> bytes:
    """Bytes that look random and are the same in every run."""
    return hashlib.sha256(b"%d" % number).digest()[:size]


def mistyped(label: str, *errors: tuple[int, int]) -> str:
    """`label` with other characters: each error is a place and the difference to the right one, 1 to 31."""
    characters = list(label)
    for at, difference in errors:
        characters[at] = ALPHABET[ALPHABET.index(characters[at]) ^ difference]
    return "".join(characters)


@given(st.binary(min_size=16, max_size=16))
@settings(max_examples=200, deadline=None)
def test_a_label_survives_the_way(secret: bytes) -> None:
    label = format_label(secret)
    assert [len(group) for group in label.split("-")] == [4] * 7
    assert set(label) <= {*ALPHABET, "-"}
    assert parse_label(label) == secret


@pytest.mark.parametrize(
    ("secret", "label"),
    [
        ("00" * 16, "0000-0000-0000-0000-0000-0000-00GA"),
        ("00" * 15 + "01", "0000-0000-0000-0000-0000-0000-01HB"),
        ("ff" * 16, "7ZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZJB"),
    ],
)
def test_labels_are_printed_like_this(secret: str, label: str) -> None:
    assert format_label(bytes.fromhex(secret)) == label


@pytest.mark.parametrize(
    "typed",
    [
        LABEL,
        LABEL.lower(),
        format_label(SECRET).replace("-", " "),
        "  " + "- ".join(LABEL) + "-\n",
        format_label(SECRET).replace("0", "O").replace("1", "I"),
        format_label(SECRET).replace("0", "o").replace("1", "l"),
    ],
)
def test_people_type_labels_like_this(typed: str) -> None:
    assert parse_label(typed) == SECRET


def test_letters_that_look_like_digits_are_read_as_them() -> None:
    label = format_label(bytes(15) + b"\x01")
    for zero, one in product("0Oo", "1IiLl"):
        assert parse_label(label.replace("0", zero).replace("1", one)) == bytes(15) + b"\x01"


@pytest.mark.parametrize("number", range(8))
def test_every_wrong_character_is_found_out(number: int) -> None:
    label = format_label(hashed(number)).replace("-", "")
    places = product(range(CHARACTERS), range(1, 32))
    assert not [error for error in places if understood(mistyped(label, error))]


def test_every_exchange_of_two_neighbours_is_found_out_in_every_label() -> None:
    # Two neighbours that differ by d change places exactly when both change by d, and a CRC sees the changes alone.
    exchanges = product(range(CHARACTERS - 1), range(1, 32))
    assert not [(at, d) for at, d in exchanges if understood(mistyped(LABEL, (at, d), (at + 1, d)))]


def test_of_two_wrong_characters_about_one_pair_in_a_thousand_goes_through() -> None:
    def pair(number: int) -> tuple[tuple[int, int], tuple[int, int]]:
        left, first, right, second = hashed(number, 4)
        return (left % 14, first % 31 + 1), (14 + right % 14, second % 31 + 1)

    passed = sum(understood(mistyped(LABEL, *pair(number))) for number in range(20_000))
    assert passed == pytest.approx(20_000 / 1024, abs=15)


@pytest.mark.parametrize("character", ["U", "u", "!", "_", "\t", "é", "０", "\x00", "\ud800"])
def test_a_character_that_no_label_has_is_refused(character: str) -> None:
    assert not [at for at in range(CHARACTERS) if understood(LABEL[:at] + character + LABEL[at + 1 :])]


@pytest.mark.parametrize("length", range(65))
def test_only_twenty_eight_characters_make_a_label(length: int) -> None:
    assert understood((LABEL * 3)[:length]) is (length == CHARACTERS)


@pytest.mark.parametrize("first", "89ABCDEFGHJKMNPQRSTVWXYZ")
def test_more_than_128_bits_are_refused(first: str) -> None:
    with pytest.raises(MalformedError, match="0 to 7"):
        parse_label(first + LABEL[1:])


@given(st.text(max_size=40) | st.text(ALPHABET + "oil -", min_size=26, max_size=32))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_label_or_malformed(text: str) -> None:
    assert not understood(text) or parse_label(format_label(parse_label(text))) == parse_label(text)


@pytest.mark.parametrize(
    "typed",
    [LABEL[:-1], LABEL + "0", "9" + LABEL[1:], LABEL[:-1] + "U", mistyped(LABEL, (9, 1)), mistyped(LABEL, (27, 5))],
)
def test_no_error_quotes_the_label(typed: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_label(typed)
    said = "".join(traceback.format_exception(caught.value))
    assert not [at for at in range(CHARACTERS - 3) if LABEL[at : at + 4] in said]


def test_a_pairing_key_is_hkdf_of_the_secret_salted_with_the_locks_id() -> None:
    extracted = hmac.digest(bytes.fromhex("01020304"), SECRET, "sha256")
    expanded = hmac.digest(extracted, b"latchwire pair v1" + b"\x01", "sha256")
    assert pairing_key(SECRET, 0x01020304) == expanded
    assert len({pairing_key(SECRET, 1), pairing_key(SECRET, 2), pairing_key(hashed(1), 1)}) == 3


@pytest.mark.parametrize("size", [size for size in range(65) if size != 16])
def test_secrets_of_any_other_size_are_refused(size: int) -> None:
    with pytest.raises(MisuseError):
        format_label(bytes(size))
    with pytest.raises(MisuseError):
        pairing_key(bytes(size), 1)
