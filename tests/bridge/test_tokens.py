import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.store.tokens import looks_like_token, new_token, token_hash

FROZEN = "lw_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8wbVZgA"


def test_new_tokens_differ_and_are_recognised() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(looks_like_token(token) and len(token) == 52 for token in tokens)


def test_the_format_never_changes() -> None:
    # Do not change this test: tokens of this form are in people's hands and in secret scanners.
    assert looks_like_token(FROZEN)


def test_one_wrong_character_anywhere_is_noticed() -> None:
    token = new_token()
    letters = string.ascii_letters + string.digits + "-_"
    for position, right in enumerate(token):
        for wrong in letters.replace(right, ""):
            assert not looks_like_token(token[:position] + wrong + token[position + 1 :])


@pytest.mark.parametrize("ending", ["\n", " ", "A", "=", "é"])
def test_nothing_may_follow_a_token(ending: str) -> None:
    assert not looks_like_token(new_token() + ending)


@given(st.text())
def test_any_text_gets_an_answer(text: str) -> None:
    assert not looks_like_token(text)


def test_the_hash_is_the_sha256_of_the_text() -> None:
    token = new_token()
    assert token_hash(token) == hashlib.sha256(token.encode("ascii")).digest()
