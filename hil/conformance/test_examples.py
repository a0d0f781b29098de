"""What section 11 of the document shows, asked of the lock: malformed bodies, broken rules, zones, damage."""

from datetime import UTC, datetime, timedelta

import pytest

from hil.conformance.moments import DIGITS, verdict
from hil.examples import examples
from hil.hands import Hands
from hil.station import NOON, Session, Station
from protocol.codec import encode_request, next_operation
from protocol.messages.clock import ClockSetRequest, ClockSetResponse
from protocol.messages.declaration import Refusal
from protocol.messages.hello import Mode
from protocol.messages.pairing import PairCommitRequest
from protocol.vocabulary import PinEntry, Rule, Schedule, Status, Weekdays, Window

CREATE_PIN, SET_CLOCK = b"\x10", b"\x05"
MALFORMED = sorted({name.partition("_")[2] for name in examples()["malformed"].values})
OF_CLOCKS = ("CLOCK", "ZONE")
ZONES = [name.partition("_")[2] for name in examples()["zones"].values if name.startswith("rule_")]
REFUSED_ZONES = [name for name in examples()["zones"].values if name.startswith("refused_")]


async def unchanged(session: Session, body: bytes) -> bytes:
    """Return the answer to a body, which must have done nothing."""
    before = await session.status()
    answer = await session.ask_body(session.ends.seal(body))
    assert (await session.status()).list_version == before.list_version, "a refusal has changed the list of pins"
    return answer


@pytest.mark.req("LW-001", "LW-002")
@pytest.mark.parametrize("number", MALFORMED)
async def test_a_malformed_body_of_the_document_is_told_as_such(session: Session, number: str) -> None:
    example = examples()["malformed"]
    assert await unchanged(session, example[f"request_{number}"]) == example[f"answer_{number}"]


@pytest.mark.req("LW-038")
@pytest.mark.parametrize("name", examples()["rules"].values)
async def test_the_first_rule_that_a_value_of_the_document_breaks_is_told(session: Session, name: str) -> None:
    value, rule = examples()["rules"][name], Rule[name.rstrip("_0123456789")]
    operation = next_operation(session.peer.operation).to_bytes(4, "big")
    body = SET_CLOCK + value if name.startswith(OF_CLOCKS) else CREATE_PIN + operation + value
    assert await unchanged(session, body) == bytes([body[0], Status.INVALID, rule])


@pytest.mark.req("LW-035")
async def test_nobody_commits_a_pairing_in_another_session(session: Session) -> None:
    request = examples()["denied"]["request_1"]
    assert request == encode_request(PairCommitRequest())
    assert await unchanged(session, request) == examples()["denied"]["answer_1"]


@pytest.mark.req("LW-054", "LW-055")
@pytest.mark.parametrize("number", ZONES)
async def test_the_wall_clock_is_that_of_the_rule(session: Session, keypad: Hands, number: str) -> None:
    """A window of two minutes round the wall clock that the document tells opens, and the one before it does not."""
    example = examples()["zones"]
    instant, offset = example.number(f"utc_{number}"), int(example.text(f"offset_{number}"))
    zone = ClockSetRequest(time=instant, force=True, zone="Test/Zone", rule=example.text(f"rule_{number}"))
    await session.told(zone, ClockSetResponse)
    for minutes, says in ((0, {"granted"}), (-2, {"outside_window", "wrong_weekday"})):
        local = datetime.fromtimestamp(instant, UTC) + timedelta(seconds=offset, minutes=minutes)
        start = 60 * local.hour + local.minute
        window = Window(weekdays=Weekdays(1 << local.weekday()), start=start, end=(start + 1) % 1440 + 1)
        created = await session.create(PinEntry(digits=DIGITS, alias="guest", schedule=Schedule(windows=(window,))))
        await session.told(zone, ClockSetResponse)
        said = verdict(await keypad.enter(DIGITS))
        assert any(said == each for each in says), f"at wall clock {local:%A %H:%M}"
        await session.delete(created)


@pytest.mark.req("LW-055", "LW-038")
@pytest.mark.parametrize("name", REFUSED_ZONES)
async def test_a_rule_that_the_document_refuses_is_refused(session: Session, name: str) -> None:
    rule = examples()["zones"].text(name)
    answer = await session.ask(ClockSetRequest(time=NOON, force=True, zone="Test/Zone", rule=rule))
    assert answer == Refusal(status=Status.INVALID, rule=Rule.ZONE_RULE)


@pytest.mark.req("LW-005")
@pytest.mark.parametrize("name", examples()["damage"].values)
async def test_a_damaged_hello_of_the_document_is_dropped_in_silence(lock: Station, name: str) -> None:
    line = await lock.connect()
    await line.say(examples()["damage"][name])
    await line.stays_silent()
    assert (await lock.greet(line, Mode.SESSION)).lock.lock_id
