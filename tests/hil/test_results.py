"""What a run comes to: one failure is a proof, and what nobody saw is not kept."""

import pytest

from hil.report.results import Kept, Outcome, Report, Result, Verdict, without_digits
from hil.requirements import Profile


def result(outcome: Outcome, *ids: str, began: bool = True, message: str = "") -> Result:
    return Result(
        id="test_a.py::test_a", title="A", requirements=ids, outcome=outcome, seconds=0, began=began, message=message
    )


def report(*results: Result, profile: Profile = Profile.FULL, chosen: bool = False, stopped: str = "") -> Report:
    return Report(
        place="sim:", profile=profile, seed=7, begun="2030-01-01T00:00:00+00:00", seconds=1, version="0",
        results=results, chosen=chosen, stopped=stopped,
    )  # fmt: skip


def kept(told: Report, wanted: str) -> Kept:
    return next(each.kept for each in told.judged if each.requirement.id == wanted)


PASSED = result(Outcome.PASSED, "LW-035")


@pytest.mark.parametrize(
    ("told", "verdict", "code"),
    [
        (report(), Verdict.BENCH_FAULT, 2),
        (report(PASSED), Verdict.CONFORMS, 0),
        (report(PASSED, stopped="The run was interrupted."), Verdict.BENCH_FAULT, 2),
        (report(result(Outcome.SKIPPED, "LW-035")), Verdict.BENCH_FAULT, 2),
        (report(PASSED, result(Outcome.ERROR)), Verdict.BENCH_FAULT, 2),
        (report(PASSED, result(Outcome.ERROR), result(Outcome.FAILED, "LW-036")), Verdict.NONCONFORMANT, 1),
        (report(PASSED, result(Outcome.QUARANTINED, "LW-036")), Verdict.QUARANTINED, 0),
        (report(result(Outcome.FLAKY, "LW-035")), Verdict.CONFORMS, 0),
        (report(PASSED, profile=Profile.BLE), Verdict.BENCH_FAULT, 2),
        (report(PASSED, profile=Profile.BLE, chosen=True), Verdict.CONFORMS, 0),
        (report(PASSED, result(Outcome.PASSED, "LW-073"), profile=Profile.BLE), Verdict.CONFORMS, 0),
    ],
)
def test_the_verdict(told: Report, verdict: Verdict, code: int) -> None:
    assert (told.verdict, told.verdict.exit_code) == (verdict, code)


@pytest.mark.parametrize(
    ("results", "came"),
    [
        ((), Kept.UNSEEN),
        ((result(Outcome.SKIPPED, "LW-035"),), Kept.UNSEEN),
        ((PASSED, result(Outcome.SKIPPED, "LW-035")), Kept.KEPT),
        ((result(Outcome.FLAKY, "LW-035"),), Kept.KEPT),
        ((PASSED, result(Outcome.ERROR, "LW-035")), Kept.UNDECIDED),
        ((PASSED, result(Outcome.FAILED, "LW-035", began=False)), Kept.UNDECIDED),
        ((PASSED, result(Outcome.ERROR, "LW-035"), result(Outcome.FAILED, "LW-035")), Kept.BROKEN),
        ((PASSED, result(Outcome.QUARANTINED, "LW-035")), Kept.BROKEN),
    ],
)
def test_whether_a_requirement_is_kept(results: tuple[Result, ...], came: Kept) -> None:
    assert kept(report(*results), "LW-035") is came


QUARANTINED = result(Outcome.QUARANTINED, "LW-036")
CUT_SHORT = result(Outcome.FAILED, "LW-035", began=False, message="It said nothing.\nAt all.")
OF_NONE = result(Outcome.FAILED, message="It lies.")
FAULT = result(Outcome.ERROR, message="The hub is gone.")


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (report(PASSED, QUARANTINED), "Nothing breaks the protocol but what is in quarantine: LW-036."),
        (report(PASSED, result(Outcome.FLAKY)), "1 test has passed at a later try only."),
        (report(CUT_SHORT), "no requirement could be looked at for it. It said nothing."),
        (
            report(PASSED, result(Outcome.FAILED, message="It lies.")),
            "The lock fails a test of no requirement: A. It lies.",
        ),
        (report(PASSED, FAULT), "says nothing of the firmware. The hub is gone."),
        (report(PASSED), "MUSTs could not be looked at here."),
        (report(PASSED, chosen=True), "What was chosen to run passes, which says nothing of the rest."),
    ],
)
def test_the_sentence_hides_nothing(told: Report, sentence: str) -> None:
    assert sentence in told.sentence


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("typed 97531", "typed •••••"),
        ("PinEntry(digits='86420')", "PinEntry(digits='•••••')"),
        ("Nothing answers at tcp:127.0.0.1:54321 within 2 s.", "Nothing answers at tcp:127.0.0.1:54321 within 2 s."),
        ("serial:rfc2217://box:20001", "serial:rfc2217://box:20001"),
        ("at 1894017600 of 1234", "at 1894017600 of 1234"),
    ],
)
def test_digits_are_hidden_and_ports_are_not(text: str, shown: str) -> None:
    assert without_digits(text) == shown
