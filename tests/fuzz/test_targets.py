"""Every kept unit and some mutations of it at every parser; the long runs are `python -m tests.fuzz`'s."""

from pathlib import Path
from random import Random

import pytest

from protocol.framing import FrameDecoder
from tests.fuzz import __main__ as runner
from tests.fuzz.corpus import CORPUS, kept
from tests.fuzz.targets import TARGETS, frames
from tests.fuzz.targets.seeds import prefixed, unprefixed

MUTATIONS = 300
LARGEST_CORPUS = 300_000
KEPT = [pytest.param(target, path, id=f"{target} {path.name[:8]}") for target in TARGETS for path in kept(target)]


def mutated(random: Random, data: bytes) -> bytes:
    """Return `data` with a few bytes replaced, removed or doubled."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(changed) + 1)
        removed, doubled = random.choice([(1, 0), (0, 4), (0, 0)])
        changed[at : at + removed] = changed[at : at + doubled] or random.randbytes(1)
    return bytes(changed)


@pytest.mark.parametrize(("target", "path"), KEPT)
def test_a_kept_unit_breaks_no_promise(target: str, path: Path) -> None:
    TARGETS[target].fuzz(path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_a_mutation_of_real_bytes_breaks_no_promise(target: str) -> None:
    random = Random(target)  # noqa: S311  a failure has to repeat itself
    units = [b"", *TARGETS[target].seeds()]
    for unit in units:
        TARGETS[target].fuzz(unit)
    for _ in range(MUTATIONS):
        unit = mutated(random, random.choice(units))
        try:
            TARGETS[target].fuzz(unit)
        except Exception as error:
            error.add_note(f"the input was {unit!r}")
            raise


def test_the_corpus_is_small_and_of_known_targets() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
    assert sum(path.stat().st_size for target in TARGETS for path in kept(target)) < LARGEST_CORPUS


def test_parts_are_read_as_they_were_joined() -> None:
    assert unprefixed(prefixed([b"one", b"", b"three"])) == [b"one", b"", b"three"]
    assert unprefixed(b"\x09cut") == [b"cut"]


def test_a_frame_that_a_decoder_loses_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FrameDecoder, "feed", lambda _decoder, _data: [b"something else"])
    with pytest.raises(AssertionError):
        frames.fuzz(b"\x00stream")


def test_where_atheris_is_missing_the_runner_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "find_spec", lambda _name: None)
    with pytest.raises(SystemExit, match=r"^Fuzzing needs atheris, which is not installed"):
        runner.main(["frames"])
