"""The worked examples of SPEC.md; those that need no lock are recomputed here."""

from collections.abc import Mapping
from typing import Any

from construct import Renamed

from hil.examples import Example, read_examples
from protocol.codec import build, parse
from protocol.fields import Layout, Many, Record, Terminated
from protocol.framing import HEADER, FrameDecoder, cobs_decode, cobs_encode, crc16
from protocol.label import format_label, pairing_key, parse_label
from protocol.messages.hello import HELLO_REQUEST

LINK = 1


__all__ = ["Example", "Examples", "read_examples"]

Examples = Mapping[str, Example]


def fields_of(record: Any) -> list[Any]:
    """Return the named fields of a record's layout."""
    return [field for field in record.subcon.subcons if field is not Terminated]


def pieces(layout: Layout, value: Any) -> list[bytes]:
    """Return the bytes of each field of a record, nested ones taken apart."""
    if isinstance(layout, Renamed):
        layout = layout.subcon
    if isinstance(layout, Record):
        return [piece for field in fields_of(layout) for piece in pieces(field, getattr(value, field.name))]
    if isinstance(layout, Many):
        return [bytes([len(value)])] + [piece for item in value for piece in pieces(layout.item, item)]
    return [build(layout, value)]


def check_crc(examples: Examples) -> None:
    assert crc16(examples["crc"]["data"]) == examples["crc"].number("crc")


def check_cobs(examples: Examples) -> None:
    example = examples["cobs"]
    for number in range(1, 9):
        data, coded = example[f"data_{number}"], example[f"coded_{number}"]
        assert (cobs_encode(data), cobs_decode(coded)) == (coded, data)
    assert cobs_decode(example["also_6"]) == example["data_6"]


def check_frame(examples: Examples) -> None:
    example, body = examples["frame"], examples["frame"]["body"]
    assert pieces(HEADER, parse(HEADER, example["header"])) == example.fields("header")
    assert pieces(HELLO_REQUEST, parse(HELLO_REQUEST, body)) == example.fields("body")
    assert crc16(example["header"] + body) == example.number("crc")
    assert example["stream"] == _stream(example["header"] + body + example["crc"])
    assert example["stream"] == examples["pairing"]["hello_request"]


def check_damage(examples: Examples) -> None:
    whole = examples["frame"]["header"] + examples["frame"]["body"]
    crc = examples["frame"].number("crc")
    made = {
        "cobs": b"\0" + _stream(_with_crc(whole)).strip(b"\0")[:-1] + b"\0",
        "short": _stream(_with_crc(whole[:7])),
        "crc": _stream(whole + (crc ^ 1).to_bytes(2, "big")),
        "header": _stream(_with_crc(whole[:1] + b"\x09" + whole[2:])),
        "length": _stream(_with_crc(whole[:7] + b"\x08" + whole[8:])),
        "version": _stream(_with_crc(b"\x02" + whole[1:])),
    }
    assert {name: examples["damage"][name] for name in examples["damage"].values} == made
    for name, stream in made.items():
        assert [getattr(damage, "name", None) for damage in FrameDecoder().feed(stream)] == [name.upper()]


def check_label(examples: Examples) -> None:
    example = examples["label"]
    assert format_label(example["secret"]) == example.text("label")
    assert parse_label(example.text("typed")) == example["secret"]
    assert format_label(example["secret_2"]) == example.text("label_2")
    assert pairing_key(example["secret"], example.number("lock_id")) == example["pairing_key"]


def _with_crc(data: bytes) -> bytes:
    return data + int(crc16(data)).to_bytes(2, "big")


def _stream(data: bytes) -> bytes:
    return b"\0" + cobs_encode(data) + b"\0"
