"""SPEC.md against the code: every table, every section that is cited, every worked example and each digit in it."""

import re
from collections.abc import Callable
from enum import IntEnum, IntFlag
from pathlib import Path
from uuid import UUID

import pytest
from construct import Bytes, Renamed, SizeofError
from cryptography.exceptions import InvalidTag

from firmware_sim import links
from firmware_sim.behaviours import battery, bolt, clock, expiry, lockout, pairing, reset
from firmware_sim.clock import NANOSECONDS
from firmware_sim.records import AUDIT_RECORDS, LEAST_AUDIT_RECORDS, MAX_PEERS
from protocol import bluetooth, fields, pin_rules, posix_tz, session, version
from protocol.bluetooth import ADVERTISEMENT
from protocol.errors import ProtocolError
from protocol.exchange import Retry
from protocol.fields import Choice, Flags, Layout, Many, Record
from protocol.framing import HEADER, Damage, Kind, cobs_encode, crc16, encoded_bound
from protocol.label import SECRET_SIZE
from protocol.messages.declaration import Change
from protocol.messages.device import UNKNOWN_BATTERY
from protocol.messages.hello import HELLO_REQUEST, HELLO_RESPONSE, RANDOM_SIZE, HelloFlag, Mode
from protocol.messages.pins import FINGERPRINT_SIZE
from protocol.messages.records import AUDIT_RECORD, PIN_ENTRY, PIN_SUMMARY, SCHEDULE, WINDOW
from protocol.registry import MESSAGES, AnyMessage
from protocol.vocabulary import (
    LARGEST_PIN_ID,
    MAX_WINDOWS,
    AuditEvent,
    BoltAction,
    BoltState,
    Capability,
    Cause,
    ClockState,
    Denial,
    DoorState,
    Rule,
    Status,
    Weekdays,
)

from .spec_conversations import MESSAGE_EXAMPLES, check_conversation, check_hellos, check_messages, check_pages
from .spec_examples import (
    Examples,
    check_cobs,
    check_crc,
    check_damage,
    check_frame,
    check_label,
    fields_of,
    read_examples,
)
from .spec_records import check_local_time, check_records
from .spec_rules import BROKEN, check_malformed, check_rules, check_zones

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "protocol" / "SPEC.md").read_text()
PROSE = re.sub(r"^```.*?^```$", "", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
EXAMPLES = read_examples(DOCUMENT)
SECTIONS = dict(re.findall(r"^##+ (\d+(?:\.\d+)?) (.*?)(?=^##|\Z)", PROSE, re.MULTILINE | re.DOTALL))

ENUMS: dict[str, type[IntEnum] | type[IntFlag]] = {
    "Kind": Kind,
    "Mode": Mode,
    "HelloFlag": HelloFlag,
    "Weekdays": Weekdays,
    "ClockState": ClockState,
    "BoltState": BoltState,
    "DoorState": DoorState,
    "Status": Status,
    "Rule": Rule,
    "Capability": Capability,
    "Denial": Denial,
    "BoltAction": BoltAction,
    "AuditEvent": AuditEvent,
    "Cause": Cause,
}
RECORDS = {
    layout.record.__name__: layout
    for layout in (
        HEADER,
        HELLO_REQUEST,
        HELLO_RESPONSE,
        WINDOW,
        SCHEDULE,
        PIN_ENTRY,
        PIN_SUMMARY,
        AUDIT_RECORD,
        ADVERTISEMENT,
    )
}
METHODS = {message.method: message for message in MESSAGES.values()}
SEALED = version.HEADER_SIZE + version.TAG_SIZE + version.CRC_SIZE
LIMITS = {
    "hellos that count": links.HANDSHAKES,
    "REFUSED frames": links.REFUSALS,
    "open links": links.MAX_LINKS,
    "from opening a connection to its first session": links.HELLO_SECONDS,
    "header": version.HEADER_SIZE,
    "CRC": version.CRC_SIZE,
    "CRC of the ASCII bytes 123456789": crc16(b"123456789"),
    "longest COBS run": next(size for size in range(1, 300) if len(cobs_encode(bytes([1]) * size)) > size + 1),
    "frame limit before info": version.DEFAULT_MAX_FRAME,
    "largest frame limit": version.LARGEST_MAX_FRAME,
    "encoded frame of 256 bytes, at most": encoded_bound(256),
    "encoded frame of 1024 bytes, at most": encoded_bound(1024),
    "random bytes in a hello response": RANDOM_SIZE,
    "life of an attempt": links.HELLO_SECONDS,
    "label secret": SECRET_SIZE,
    "pairing window": pairing.WINDOW_SECONDS,
    "button held to open it, in the simulated lock": pairing.HOLD_SECONDS,
    "pairing handshakes in a window": pairing.HANDSHAKES_A_WINDOW,
    "from a pairing handshake to a commit, less than": pairing.PENDING_SECONDS,
    "life of a pending peer": pairing.PENDING_SECONDS,
    "active peers that a lock keeps, at least": MAX_PEERS,
    "tag": version.TAG_SIZE,
    "requests in a session": session.MAX_REQUESTS,
    "life of a session or candidate": session.MAX_AGE,
    "bytes that a frame adds to a request or an answer": SEALED,
    "digits of a pin, at least": pin_rules.MIN_DIGITS,
    "digits of a pin, at most": pin_rules.MAX_DIGITS,
    "different digits, at least": pin_rules.MIN_DIFFERENT_DIGITS,
    "alias, at most": pin_rules.MAX_ALIAS_BYTES,
    "windows of a pin, at most": MAX_WINDOWS,
    "step back without force, at most": clock.LARGEST_STEP_BACK,
    "zone name, at most": clock.MAX_ZONE_NAME,
    "zone rule, at most": posix_tz.MAX_TZ_LENGTH,
    "fingerprint": FINGERPRINT_SIZE,
    "acknowledgement timeout, without wire time": Retry().timeout * 1000,
    "its growth with each transmission": Retry().growth,
    "its jitter, at most": Retry().jitter * 100,
    "transmissions": Retry().transmissions,
    "battery unknown": UNKNOWN_BATTERY,
    "ping payload while the frame limit is 256, at most": version.DEFAULT_MAX_FRAME - SEALED - len(b"\x03\x00\x00"),
    "largest pin id": LARGEST_PIN_ID,
    "longest pin summary": 2 + 1 + pin_rules.MAX_ALIAS_BYTES + 1 + 4 + 4 + 1 + 5 * MAX_WINDOWS,
    "hold of the drawn bolt, in the simulated lock": bolt.OPEN_NS // NANOSECONDS,
    "hold of the pulled latch, in the simulated lock": bolt.PULL_NS // NANOSECONDS,
    "move of the clock that is recorded, and begins expiry anew, more than": clock.SMALL_MOVE,
    "time from one floor to the next": clock.FLOOR_SECONDS,
    "time from one sweep to the next": expiry.SWEEP_SECONDS,
    "from the end or the last change of a pin to its removal, at least": expiry.GRACE_SECONDS,
    "audit records that a lock keeps, at least": LEAST_AUDIT_RECORDS,
    "audit records that the simulated lock keeps": AUDIT_RECORDS,
    "wrong entries that lock the keypad out": lockout.WRONG_ENTRIES,
    "first lock-out": lockout.FIRST_SECONDS,
    "longest lock-out": lockout.LONGEST_SECONDS,
    "first battery mark": battery.MARKS[0],
    "second battery mark": battery.MARKS[1],
    "third battery mark": battery.MARKS[2],
    "level above a mark that arms it again": battery.REARMED_ABOVE,
    "button held for a reset, in the simulated lock": reset.HOLD_SECONDS,
}
TYPES = [(fields.U8, "u8"), (fields.U16, "u16"), (fields.U32, "u32")]
TYPES += [(fields.Ascii, "ascii"), (fields.Utf8, "utf8"), (fields.Raw, "raw")]
EXAMPLE = bluetooth.Advertisement(lock_id=0x4C6F636B, flags=HelloFlag.PAIRED, change=7)
NOTICED = (AssertionError, ProtocolError, InvalidTag, KeyError, ValueError)
PROSE_TABLES = {"kept", "type", "part", "answered to"}


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]


TABLES = [
    (name, [_cells(line) for line in lines.splitlines()])
    for name, lines in re.findall(r"^\| (.*?) \|.*\n\|[-|]+\|\n((?:\|.*\|\n)+)", PROSE, re.MULTILINE)
]
"""The first word of each table's head, and the cells of its rows without backticks."""


def _rows(name: str) -> list[list[str]]:
    """Return the rows of the tables called `name`, which there must be."""
    rows = [row for called, table in TABLES if called == name for row in table]
    assert rows
    return rows


def test_every_table_is_compared_with_the_code() -> None:
    known = {*ENUMS, *RECORDS, *METHODS, *PROSE_TABLES, "Opcode", "Handshake", "Damage", "Limit", "GATT", "offset"}
    names = [name for name, _ in TABLES]
    assert set(names) == known
    assert len(names) == len(known) + 1  # there are two tables of limits
    assert PROSE.count("\n|---") == len(names)


@pytest.mark.parametrize("name", ENUMS)
def test_a_table_of_values_lists_those_of_the_code(name: str) -> None:
    rows = [(int(row[0]), row[1]) for row in _rows(name)]
    assert rows == [(member.value, member.name) for member in ENUMS[name]]


@pytest.mark.parametrize("name", RECORDS)
def test_a_table_of_a_record_is_its_layout(name: str) -> None:
    assert [row[:3] for row in _rows(name)] == _layout_rows(RECORDS[name], start=0)


@pytest.mark.parametrize("message", MESSAGES.values(), ids=METHODS)
def test_a_table_of_a_message_is_its_layout(message: AnyMessage) -> None:
    asks = _layout_rows(message.request_layout, start=1) or [["", "none", ""]]
    says = _layout_rows(message.response_layout, start=2) or [["", "none", ""]]
    shown = [["request", *asks[0]], *(["", *row] for row in asks[1:])]
    shown += [["answer", *says[0]], *(["", *row] for row in says[1:])]
    assert [row[:4] for row in _rows(message.method)] == shown


def test_every_type_of_a_table_is_explained() -> None:
    explained = " ".join(row[0] for row in _rows("type"))
    used = {row[2] for name in RECORDS for row in _rows(name)} | {row[3] for name in METHODS for row in _rows(name)}
    for kind in used - {""}:
        base, _, name = re.sub(r"\d+\]", "n]", kind).removesuffix("[]").partition(" ")
        assert base in explained.split() or base in RECORDS
        assert not name or name in ENUMS


def test_the_table_of_opcodes_is_the_registry() -> None:
    marks = {True: "yes", False: ""}
    assert _rows("Opcode") == [
        [f"0x{message.opcode:02x}", message.method, message.section, marks[issubclass(message.request, Change)]]
        for message in MESSAGES.values()
    ]


@pytest.mark.parametrize("message", MESSAGES.values(), ids=METHODS)
def test_a_message_has_its_section_and_its_example(message: AnyMessage) -> None:
    assert SECTIONS[message.section].startswith(f"{message.method} (0x{message.opcode:02x})\n")
    assert EXAMPLES[message.method]["request_1"][0] == message.opcode


@pytest.mark.parametrize("message", MESSAGES.values(), ids=METHODS)
def test_a_section_names_each_refusal_that_its_examples_show(message: AnyMessage) -> None:
    of_any = {"BUSY", "DENIED", "STALE", "CONFLICT", "UNSUPPORTED"}
    section, example = SECTIONS[message.section], EXAMPLES[message.method]
    shown = {Status(example[answer][1]).name for _, answer in example.exchanges()} - {"OK"} - of_any
    assert "Refusals: " in section
    assert all(name in section for name in shown)


def test_every_rule_has_an_example_that_breaks_it() -> None:
    answers = [value.split() for example in EXAMPLES.values() for value in example.values.values()]
    shown = {Rule(int(answer[2], 16)) for answer in answers if len(answer) == 3 and answer[1:2] == ["05"]}
    assert shown | {Rule[name.rstrip("_1234")] for name in BROKEN} == set(Rule)


def test_the_table_of_handshakes_is_what_the_examples_show() -> None:
    for mode, _, sender, counter, size, name in _rows("Handshake"):
        frame = EXAMPLES["pairing" if mode == "PAIR" else "session"].frame(name)
        assert (frame.kind, frame.counter, len(frame.body)) == (Kind.HANDSHAKE, int(counter), int(size))
        assert sender == ("lock" if name in {"message_2", "message_4"} else "bridge")


def test_the_table_of_gatt_names_the_uuids_of_the_code() -> None:
    assert [row[1] for row in _rows("GATT")] == [bluetooth.SERVICE, bluetooth.WRITE, bluetooth.NOTIFY]


def test_the_bytes_of_an_advertisement_add_up() -> None:
    head = bytes.fromhex("020106") + b"\x11\x07" + UUID(bluetooth.SERVICE).bytes[::-1] + b"\x09\xff"
    head += bluetooth.COMPANY.to_bytes(2, "little")
    shown = [(int(row[0]), row[1]) for row in _rows("offset")]
    assert [at for at, _ in shown] == [0, head.index(b"\x11\x07"), head.index(b"\x09\xff"), len(head)]
    assert [bytes.fromhex(first.split(",")[0]) for _, first in shown[:3]] == [head[:3], b"\x11\x07", head[21:]]
    assert len(head) + len(bluetooth.encode_advertisement(EXAMPLE)) == 31


def test_the_table_of_damage_names_each() -> None:
    assert {row[0] for row in _rows("Damage")} == set(Damage.__members__)


def test_the_limits_are_those_of_the_code() -> None:
    told = {row[0]: float(int(row[1], 0) if row[1].startswith("0x") else row[1]) for row in _rows("Limit")}
    assert told == {name: pytest.approx(value) for name, value in LIMITS.items()}


def test_every_section_that_the_code_cites_exists() -> None:
    cited: set[str] = set()
    for package in ("protocol", "bridge", "firmware_sim", "hil"):
        for path in (ROOT / package).rglob("*.py"):
            for numbers in re.findall(r"SPEC (\d[\d.]*(?:(?:, | and | to )\d[\d.]*)*)", path.read_text()):
                cited |= {number.rstrip(".") for number in re.findall(r"\d[\d.]*", numbers)}
    assert "7.14" in cited
    assert cited <= set(SECTIONS)


def test_every_section_that_the_document_cites_exists_and_they_are_in_order() -> None:
    cited = set(re.findall(r"[Ss]ection (\d+(?:\.\d+)?)", PROSE))
    for numbers in re.findall(r"\((\d+\.\d+(?:, \d+\.\d+)*)[;:)]", PROSE):
        cited |= set(numbers.split(", "))
    cited |= {row[-1] for row in _rows("Limit") if re.fullmatch(r"\d+\.\d+", row[-1])}
    assert cited <= set(SECTIONS)
    order = [tuple(map(int, number.split("."))) for number in SECTIONS]
    assert order == sorted(order)


def test_the_checklist_counts_on_and_each_line_is_one_requirement_with_its_section() -> None:
    lines = re.findall(r"^(\d+)\. ((?:.|\n(?=   ))*)", SECTIONS["10"], re.MULTILINE)
    assert [int(number) for number, _ in lines] == list(range(1, len(lines) + 1))
    assert len(lines) > 50
    for _, text in lines:
        cited = re.fullmatch(r"(?:A lock|A bridge|Both|Neither) [^()]*\((\d+(?:\.\d+)?)\)\.", text.replace("\n  ", ""))
        assert cited is not None, text
        assert text.count("MUST") == 1 or text.count("SHOULD") == 1
        assert cited[1] in SECTIONS


CHECKS: dict[str, Callable[[Examples], None]] = {
    "crc": check_crc,
    "cobs": check_cobs,
    "frame": check_frame,
    "damage": check_damage,
    "label": check_label,
    **dict.fromkeys(("pairing", "session", "refused"), check_conversation),
    "hellos": check_hellos,
    "records": check_records,
    "local_time": check_local_time,
    "zones": check_zones,
    **dict.fromkeys(MESSAGE_EXAMPLES, check_messages),
    "pages": check_pages,
    "malformed": check_malformed,
    "rules": check_rules,
}

DIGITS = [(name, value) for name in EXAMPLES for value in EXAMPLES[name].values]


@pytest.mark.parametrize("name", CHECKS)
def test_an_example_is_what_the_code_does(name: str) -> None:
    assert set(EXAMPLES) == set(CHECKS)
    CHECKS[name](EXAMPLES)


@pytest.mark.parametrize(("name", "value"), DIGITS)
def test_a_wrong_digit_in_an_example_is_noticed(name: str, value: str) -> None:
    with pytest.raises(NOTICED):
        CHECKS[name]({**EXAMPLES, name: EXAMPLES[name].changed(value)})


def _layout_rows(layout: Layout, *, start: int) -> list[list[str]]:
    """Return offset, name and type of each field."""
    rows: list[list[str]] = []
    offset: int | None = start
    for field in fields_of(layout):
        rows.append(["…" if offset is None else str(offset), field.name, _type(field)])
        try:
            offset = None if offset is None else offset + field.sizeof()
        except SizeofError:
            offset = None
    return rows


def _type(layout: Layout) -> str:
    if isinstance(layout, Renamed):
        return _type(layout.subcon)
    match layout:
        case Choice():
            return f"u8 {layout.choices.__name__}"
        case Flags():
            return f"{_type(layout.subcon)} {layout.flags.__name__}"
        case fields.Bool():
            return "bool"
        case Many():
            return f"{_type(layout.item)}[]"
        case Record():
            return layout.record.__name__
        case Bytes():
            return f"bytes[{layout.length}]"
    return next(name for known, name in TYPES if known is layout)
