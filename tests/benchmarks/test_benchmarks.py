import asyncio
import json
from unittest.mock import Mock

import pytest

from protocol import codec
from protocol.codec import decode_request, encode_request
from protocol.registry import BY_REQUEST
from tests.conftest import skip_without_a_bus

from . import codecs
from .__main__ import _line, _verdict, main
from .measuring import Aim, BenchmarkFailed, Figure, Race, Row, Side, run
from .samples import REQUEST
from .simulated import interpreted

ROWS = [
    "encode a pin record",
    "decode a pin record",
    "encode a whole frame",
    "decode a whole frame",
    "simulated exchange, hostile",
    "interpreted exchange, hostile",
    "encrypted ping over memory",
    "pin create over memory",
    "encrypted ping over TCP",
    "pin create over TCP",
    "encrypted ping over a pty",
    "pin create over a pty",
    "listing 100 pins, 115200 baud",
    "HTTP pin create over a pty",
]
RADIO = [
    f"{what} over Bluetooth, MTU {mtu}{interval}"
    for interval in ("", ", 15 ms")
    for mtu in (23, 247)
    for what in ("ping", "create")
]
PLAIN = [
    "start of latchwire --help",
    "a simulated year of minutes",
    "flash written per pin change",
    "erases per 1,000 changes",
    "memory of an idle lock",
    "requests among many locks",
    "a test at a lock on a pty",
    "first session over Bluetooth",
    "session after a drop",
    "HTTP creates, one slow lock",
    "HTTP creates, many slow locks",
]
FIGURES = ("p50", "p99", "limit_p50", "limit_p99", "ratio")


def replaying(*rounds: list[float]) -> Side:
    """Return a side whose rounds are known; the first is the one that does not count."""
    left = iter(rounds)

    async def side(calls: int) -> list[float]:
        del calls
        return next(left)

    return side


def measured(aim: Aim | None = None) -> Row:
    ours = replaying([999], [20, 40, 90], [10, 50, 80], [60, 30, 70])
    limit = replaying([999], [4, 5, 6], [5, 5, 5], [1, 5, 9])
    return asyncio.run(run(Race(name="a row", against="a limit", ours=ours, limit=limit, aim=aim), 3, 3))


@pytest.mark.timeout(180)
def test_every_row_appears_with_positive_figures(capsys: pytest.CaptureFixture[str]) -> None:
    skip_without_a_bus()
    main(["--rounds", "1", "--calls", "2", "--json"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    races = ROWS + RADIO
    assert [row["name"] for row in rows] == races + PLAIN
    assert all(row[figure] > 0 for row in rows[: len(races)] for figure in FIGURES)
    assert all(row["value"] > 0 for row in rows[len(races) :] if not row["name"].startswith("erases"))
    assert [row["name"] for row in rows if row["aim"]] == [
        *ROWS[4:6],
        *ROWS[-4:],
        *RADIO,
        PLAIN[0],
        PLAIN[1],
        PLAIN[4],
        *PLAIN[6:9],
        PLAIN[10],
    ]


def test_the_interpreted_codec_asks_no_generated_one(monkeypatch: pytest.MonkeyPatch) -> None:
    body = encode_request(REQUEST)
    generated = Mock(side_effect=AssertionError("a generated reader or writer was asked"))
    layout = BY_REQUEST[type(REQUEST)].request_layout
    monkeypatch.setitem(codec._READERS, layout, generated)
    monkeypatch.setitem(codec._WRITERS, layout, generated)
    with interpreted():
        assert encode_request(REQUEST) == body
        assert decode_request(body)[1] == REQUEST
    with pytest.raises(AssertionError):
        encode_request(REQUEST)


def test_a_figure_is_told_with_its_unit_its_note_and_whether_its_aim_is_met() -> None:
    figure = Figure(name="a figure", value=12.34, unit="bytes", note="of nothing", aim="under 12 bytes", met=False)
    assert _line(figure).split() == ["a", "figure", "12.3", "bytes:", "of", "nothing"]
    assert _verdict(figure) == "Missed: under 12 bytes (a figure: 12.3 bytes)."


def test_p50_is_the_median_of_the_rounds_medians_and_p99_that_of_all_calls() -> None:
    row = measured()
    assert (row.p50, row.p99, row.limit_p50, row.limit_p99, row.ratio) == (50, 90, 5, 9, 10)


@pytest.mark.parametrize(
    ("aim", "met"),
    [
        (None, None),
        (Aim(sentence="", ratio=10), True),
        (Aim(sentence="", ratio=9.9), False),
        (Aim(sentence="", p50=50), True),
        (Aim(sentence="", p50=49.9), False),
        (Aim(sentence="", ratio=10, p50=49.9), False),
    ],
)
def test_an_aim_is_met_at_its_figure_and_missed_above_it(aim: Aim | None, met: bool | None) -> None:
    assert measured(aim).met is met


def test_what_is_written_by_hand_must_agree_with_the_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "BODY", codecs.BODY[:-1] + b"\x00")
    with pytest.raises(BenchmarkFailed):
        codecs.races()
