"""Reads what was recorded, in whichever form: a bench's captures and traces, and what a bridge has traced."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..errors import BenchFault
from ..line import Way
from .capture import Scribe
from .pcapng import MAGIC, Packet, read_pcapng
from .trace import TITLE, Event, Recording, What, cut_of, read_head, read_trace, told

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OF_BRIDGES = {"request": (Way.TO_LOCK, What.REQUEST), "answer": (Way.FROM_LOCK, What.ANSWER)}


def read_recording(path: Path) -> Recording:
    """Return what a file holds, as far as it goes; raise BenchFault where it cannot be read."""
    try:
        return _recording(path.read_bytes())
    except OSError as error:
        raise BenchFault(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise BenchFault(f"{path} is damaged: its text cannot be read from byte {error.start} on.") from None
    except BenchFault as fault:
        raise BenchFault(f"{path}: {fault}") from None


def _recording(data: bytes) -> Recording:
    if data.startswith(MAGIC):
        return _captured(data)
    if data.startswith(TITLE.encode() + b"\n"):
        return read_trace(_text(data))
    if data.startswith(b"{"):
        return _of_a_bridge(_text(data))
    raise BenchFault("It is neither a capture (.pcapng) nor a trace, of a test or of `latchwire --trace`.")


def _text(data: bytes) -> str:
    """Return the text; a file that was cut off within a character ends before it."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if error.end < len(data) or error.reason != "unexpected end of data":
            raise
        return data[: error.start].decode() + "?"


def _captured(data: bytes) -> Recording:
    found = read_pcapng(data)
    scribe = Scribe()
    events = [_of_a_packet(packet, scribe) for packet in found.packets]
    header = read_head(found.comment.split("\n")) if found.comment.startswith(TITLE) else {}
    if not header:  # somebody else's, of which no end is told
        return Recording(header={}, events=tuple(events), cut=found.cut)
    return Recording(header=header, events=tuple(events), cut=found.cut or cut_of(events, None))


def _of_a_packet(packet: Packet, scribe: Scribe) -> Event:
    try:
        return told(packet.comment, packet.at, packet.way)
    except ValueError:  # no comment, or somebody's own
        return scribe.frame(packet.at, packet.way, packet.data)


def _of_a_bridge(text: str) -> Recording:
    *lines, rest = text.split("\n")
    events = []
    for number, line in enumerate(lines, 1):
        try:
            events.append(_of_a_line(json.loads(line)))
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
            raise BenchFault(f"The trace is damaged: line {number} cannot be read.") from None
    return Recording(header={}, events=tuple(events), cut="The recording is cut off in a line." if rest else None)


def _of_a_line(shown: Mapping[str, Any]) -> Event:
    way, what = _OF_BRIDGES[shown["what"]]
    at = (datetime.fromisoformat(shown["time"]) - _EPOCH) // timedelta(microseconds=1) * 1000
    fields = {"lock": str(shown["lock"]), **dict(shown["fields"])}
    if shown["ms"] is not None:
        fields["ms"] = float(shown["ms"])
    name, status = str(shown["message"]), str(shown["status"] or "")
    return Event(at=at, way=way, what=what, name=name, status=status, fields=fields)
