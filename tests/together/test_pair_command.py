"""Pairing from the command line over a cable that is pulled, or carries nothing; the next try is good."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.forked import Ended
from tests.together.processes import Place

PLAN = '[[fault]]\nlink = "{}"\ndirection = "out"\nprobability = 1\n'


@contextmanager
def lock(bench: Place, fault: str | None = None) -> Iterator[str]:
    """Run a lock on its flash at a TCP port, where every answer meets a fault; yield its target."""
    words = ["--flash", bench.path("flash"), "--label-file", bench.path("label"), "--pairing-open"]
    if fault is not None:
        bench.folder.joinpath("plan").write_text(PLAN.format(fault))
        words += ["--faults", bench.path("plan"), "--seed", "1"]
    with bench.staying("sim", "run", "--tcp", "127.0.0.1:0", *words) as running:
        yield f"tcp:{running.ready['tcp']}"


def pair(bench: Place, target: str) -> Ended:
    return bench.here("pair", target, "--label-file", bench.path("label"), "--name", "front", "--zone", "UTC")


def test_a_pairing_that_is_cut_off_is_one_sentence_and_the_next_try_is_good(bench: Place) -> None:
    for fault, words in (("disconnect", "Is the cable still plugged in?"), ("drop", "does not answer")):
        with lock(bench, fault) as target:
            failed = pair(bench, target)
            assert (failed.code, failed.out, failed.err.count("\n")) == (6, "", 1)
            assert words in failed.err
    with lock(bench) as target:
        assert pair(bench, target).code == 0
        assert bench.here("lock", "list", "--json").json()["state"] == "paired"
