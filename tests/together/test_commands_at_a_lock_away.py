"""Every command that needs a lock, at one that another process holds, one that is silent, and one that is unplugged."""

import signal

from tests.forked import Ended
from tests.together.holders import held, names_its_holder
from tests.together.processes import Place

COMMANDS = (
    ["unpair", "front", "--yes"],
    ["info", "front"],
    ["state", "front"],
    ["state", "front", "--watch"],
    ["diagnose", "front"],
    ["clock", "get", "front"],
    ["clock", "set", "front", "--zone", "Europe/Warsaw"],
    ["pin", "list", "front"],
    ["pin", "show", "front", "1"],
    ["open", "front"],
)


def said(done: Ended) -> str:
    """Return what a command said: one sentence on stderr, but for a checklist, which is on stdout."""
    if done.err:
        assert (done.out, done.err.count("\n")) == ("", 1)
    return done.err or done.out


def test_each_names_the_process_that_holds_the_lock(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        bench.environment["LATCHWIRE_IDLE"] = "45.5"
        with held(bench) as serving:
            del bench.environment["LATCHWIRE_IDLE"]  # the holder's counts
            for words in COMMANDS:
                done = bench.here(*words)
                assert (done.code, names_its_holder(said(done), serving)) == (3, True), words
                assert "it lets go of the lock 45.5 s after its last request" in said(done)
            row, failure = bench.here("scan", "--no-ports", f"serial:{bench.path('lock0')}", "--json").lines()
            assert (row["answer"], row["name"], failure["exit_code"]) == ("held", "front", 3)
            assert names_its_holder(row["advice"], serving)


def test_each_says_of_a_silent_lock_that_it_has_not_answered_and_never_that_an_outcome_is_unknown(bench: Place) -> None:
    with bench.lock() as lock:
        assert bench.pair().code == 0
        lock.signal(signal.SIGSTOP)
        bench.environment["LATCHWIRE_DEADLINE"] = "0.2"
        for words in COMMANDS:
            done = bench.here(*words)
            assert (done.code, "has not answered within 0.2 s" in said(done)) == (3, True), words
            assert "unknown" not in said(done)


def test_each_tells_of_the_pulled_cable_and_nothing_is_changed(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
    before = bench.here("lock", "list", "--json").json()
    for words in COMMANDS:
        done = bench.here(*words)
        assert (done.code, "there is no such port" in said(done)) == (3, True), words
    assert bench.here("lock", "list", "--json").json() == before
    gone = bench.here("unpair", "front", "--yes", "--forget")
    assert (gone.code, "was not asked" in gone.out) == (0, True)
    unpaired = bench.here("diagnose", "front")
    assert (unpaired.code, "it was unpaired" in unpaired.out) == (5, True)
