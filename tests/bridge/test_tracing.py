"""Traces: everything that travels is legible, and digits are not."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import UsageError
from bridge.tracing import HIDDEN, Trace, TraceEvent, TraceFile, legible
from protocol.codec import encode_request
from protocol.messages.declaration import Refusal
from protocol.messages.device import PingRequest
from protocol.messages.pins import (
    LastOperationResponse,
    PinCreateRequest,
    PinCreateResponse,
    PinGetResponse,
)
from protocol.registry import MESSAGES, AnyMessage
from protocol.vocabulary import PinEntry, Schedule, Status, Weekdays, Window
from tests.protocol.strategies import values

ENTRY = PinEntry(
    digits="97531", alias="Guest 97531", schedule=Schedule(windows=(Window(weekdays=Weekdays(31), start=0, end=1440),))
)
CREATE = PinCreateRequest(operation=1, entry=ENTRY)
LOCK = 0x0A1B2C3D


class Kept:
    """Keeps what it was told, with digits where it is told to show them."""

    def __init__(self, *, show_pins: bool = False) -> None:
        self.events: list[TraceEvent] = []
        self._show_pins = show_pins

    def write(self, event: Any) -> None:
        self.events.append(event(self._show_pins))


def traced(trace: Trace, body: bytes, answer: Any = None) -> None:
    async def exchange() -> None:
        with trace.exchange(LOCK, body) as answered:
            answered.answer = answer

    asyncio.run(exchange())


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.method)
@given(data=st.data())
def test_every_message_is_legible_as_json(message: AnyMessage, data: st.DataObject) -> None:
    for layout in (message.request_layout, message.response_layout):
        record = data.draw(values(layout))
        shown = legible(record, show_pins=True)
        assert json.loads(json.dumps(shown)) == shown


@given(digits=st.from_regex(r"[0-9]{5,8}", fullmatch=True))
def test_digits_and_what_could_tell_them_are_hidden_wherever_they_stand(digits: str) -> None:
    entry = PinEntry(digits=digits, alias=f"a {digits}")
    for record in (PinCreateRequest(operation=1, entry=entry), PinGetResponse(list_version=1, entry=entry)):
        assert digits not in json.dumps(legible(record, show_pins=False))
        assert json.dumps(legible(record, show_pins=True)).count(digits) == 2
    last = LastOperationResponse(operation=1, fingerprint=digits.encode().ljust(8), response=b"")
    assert legible(last, show_pins=True)["fingerprint"] == HIDDEN


def test_an_exchange_is_a_request_and_an_answer() -> None:
    kept = Kept()
    traced(Trace(kept), encode_request(CREATE), PinCreateResponse(id=3, list_version=7))
    asked, told = kept.events
    assert (asked.lock, asked.what, asked.message, asked.status) == ("0A1B2C3D", "request", "create_pin", None)
    assert asked.fields["entry"]["schedule"]["windows"][0]["weekdays"] == "monday|tuesday|wednesday|thursday|friday"
    assert (told.what, told.message, told.status, told.fields) == (
        "answer",
        "create_pin",
        "ok",
        {"id": 3, "list_version": 7},
    )
    assert told.ms is not None
    assert "→ create_pin operation=1" in str(asked)
    assert "← create_pin ok id=3 list_version=7 (" in str(told)


@pytest.mark.parametrize(
    ("answer", "status"), [(Refusal(status=Status.EXISTS), "exists"), (None, "unanswered")], ids=["refused", "silent"]
)
def test_an_answer_that_is_none_is_told_too(answer: Refusal | None, status: str) -> None:
    kept = Kept()
    traced(Trace(kept), encode_request(PingRequest(payload=b"")), answer)
    assert kept.events[1].status == status


def test_an_exchange_that_is_cut_off_is_unanswered() -> None:
    kept = Kept()

    async def cut_off() -> None:
        with Trace(kept).exchange(LOCK, encode_request(PingRequest(payload=b""))):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cut_off())
    assert kept.events[1].status == "unanswered"


def test_each_sink_hides_or_shows_for_itself() -> None:
    hiding, showing = Kept(), Kept(show_pins=True)
    traced(Trace(hiding, showing), encode_request(CREATE))
    assert "97531" not in str(hiding.events[0])
    assert "97531" in str(showing.events[0])


def test_a_file_is_private_and_only_ever_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    for _ in range(2):
        file = TraceFile(path)
        traced(Trace(file), encode_request(CREATE))
        file.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [json.loads(line)["what"] for line in path.read_text().splitlines()] == ["request", "answer"] * 2
    assert "97531" not in path.read_text()


def test_a_file_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Name another file"):
        TraceFile(tmp_path / "missing" / "trace")


def test_a_full_disk_is_told_of_once_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    file = TraceFile(Path("/dev/full"))
    with caplog.at_level(logging.WARNING):
        traced(Trace(file), encode_request(CREATE))
    file.close()
    assert [record.getMessage() for record in caplog.records] == [
        "The trace in /dev/full has a gap (No space left on device)."
    ]
