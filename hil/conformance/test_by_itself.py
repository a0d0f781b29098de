"""What the lock does by itself: lock-out, expiry, the clock's floor, battery, reset (SPEC 8.1, 8.4, 8.6 to 8.8)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hil.conformance.moments import DIGITS, limited, says, verdict
from hil.conformance.test_door import audit, newest
from hil.hands import Hand, Hands
from hil.station import NOON, Session, Station
from protocol.messages.clock import ClockGetRequest, ClockGetResponse, ClockSetRequest, ClockSetResponse
from protocol.messages.declaration import Refusal
from protocol.messages.hello import Mode
from protocol.vocabulary import AuditEvent, BoltState, Capability, ClockState, PinEntry, Rule, Status

DAY = 86_400
KEEPER = PinEntry(digits="86420", alias="keeper")
WRONG = "24680"


@asynccontextmanager
async def a_keypad_that_counts(session: Session, keypad: Hands) -> AsyncIterator[None]:
    """Let wrong entries be counted from nought, and be forgotten again in the end."""
    await session.create(KEEPER)
    assert verdict(await keypad.enter(KEEPER.digits)) == "granted"
    yield
    assert verdict(await keypad.enter(KEEPER.digits)) == "granted"


@pytest.mark.req("LW-068")
async def test_five_wrong_entries_lock_the_keypad_out_twice_as_long_each_time(
    session: Session, keypad: Hands, clock: Hands
) -> None:
    async with a_keypad_that_counts(session, keypad):
        for seconds in (60, 120, 240):
            for _ in range(5):
                assert verdict(await keypad.enter(WRONG)) == "unknown"
            await clock.advance(seconds - 2)
            assert verdict(await keypad.enter(KEEPER.digits)) == "locked_out"
            await clock.advance(2)


@pytest.mark.req("LW-068")
async def test_a_granted_entry_begins_the_counts_anew(session: Session, keypad: Hands, clock: Hands) -> None:
    async with a_keypad_that_counts(session, keypad):
        for _ in range(2):
            for _ in range(4):
                assert verdict(await keypad.enter(WRONG)) == "unknown"
            assert verdict(await keypad.enter(KEEPER.digits)) == "granted"
        for _ in range(2):  # the second lock-out is as short as the first, for an entry was granted between them
            for _ in range(5):
                await keypad.enter(WRONG)
            assert verdict(await keypad.enter(KEEPER.digits)) == "locked_out"
            await clock.advance(60)
            assert verdict(await keypad.enter(KEEPER.digits)) == "granted"


@pytest.mark.req("LW-069")
async def test_wrong_entries_and_a_lock_out_outlive_a_loss_of_power(
    session: Session, keypad: Hands, power: Hands, clock: Hands
) -> None:
    async with a_keypad_that_counts(session, keypad):
        for _ in range(4):
            await keypad.enter(WRONG)
        await power.power_cycle()
        assert verdict(await keypad.enter(WRONG)) == "unknown"
        assert verdict(await keypad.enter(KEEPER.digits)) == "locked_out"
        await power.power_cycle()
        assert verdict(await keypad.enter(KEEPER.digits)) == "locked_out"
        await clock.advance(60)


@pytest.mark.req("LW-070")
async def test_an_expired_pin_is_removed_a_day_after_its_end_and_not_before(session: Session, clock: Hands) -> None:
    await session.create(limited(valid_until=NOON + 3600))
    before, version = await newest(session), (await session.status()).list_version
    await clock.advance(23 * 3600)
    assert (await session.status()).used == 1
    await clock.advance(2 * DAY + 3700)
    later = await _anew(session)
    status = await later.status()
    assert (status.used, status.list_version) == (0, version + 1)
    assert AuditEvent.PIN_EXPIRED in [record.event for record in await audit(later, before)]


async def _anew(session: Session) -> Session:
    """Return a session as the old one: that has ended, for a day has passed."""
    return await session.station.open()


@pytest.mark.req("LW-070")
async def test_no_pin_is_removed_while_the_clock_is_not_trusted(session: Session, clock: Hands) -> None:
    await session.create(limited(valid_until=NOON + 3600))
    await clock.show(None)
    await clock.advance(4 * DAY)
    assert (await (await _anew(session)).status()).used == 1


@pytest.mark.req("LW-067")
async def test_a_clock_goes_back_by_more_than_five_minutes_by_force_alone(session: Session, clock: Hands) -> None:
    back = ClockSetRequest(time=NOON - 302, force=False, zone="UTC", rule="UTC0")
    refused = Refusal(status=Status.INVALID, rule=Rule.CLOCK_STEP_BACK)
    assert await session.ask(back) == refused
    await clock.show(None)  # the floor stays
    assert await session.ask(back) == refused
    told = await session.told(ClockGetRequest(), ClockGetResponse)
    assert told.state is ClockState.UNTRUSTED
    assert told.time >= NOON
    near = ClockSetRequest(time=NOON - 250, force=False, zone="UTC", rule="UTC0")
    assert isinstance(await session.ask(near), ClockSetResponse)
    forced = ClockSetRequest(time=NOON - DAY, force=True, zone="UTC", rule="UTC0")
    assert isinstance(await session.ask(forced), ClockSetResponse)


@pytest.mark.req("LW-046")
async def test_a_new_zone_moves_the_list_version_and_the_same_one_does_not(session: Session) -> None:
    version = (await session.status()).list_version
    same = ClockSetRequest(time=NOON, force=False, zone="UTC", rule="UTC0")
    assert await session.told(same, ClockSetResponse) == ClockSetResponse(list_version=version)
    other = ClockSetRequest(time=NOON, force=False, zone="Asia/Kolkata", rule="IST-5:30")
    assert await session.told(other, ClockSetResponse) == ClockSetResponse(list_version=version + 1)


@pytest.mark.req("LW-051")
async def test_a_clock_that_shows_less_than_was_known_to_be_good_is_not_trusted(
    session: Session, keypad: Hands, clock: Hands
) -> None:
    await clock.show(NOON - 2 * DAY)
    assert (await session.status()).clock is ClockState.UNTRUSTED
    await session.create(limited(valid_from=NOON - 3 * DAY))
    assert verdict(await keypad.enter(DIGITS)) == "clock_untrusted"
    assert await says(session, keypad, NOON) == "granted"


@pytest.mark.req("LW-083")
async def test_the_floor_is_written_again_when_the_clock_shows_a_day_more(session: Session, clock: Hands) -> None:
    await clock.advance(DAY + 3600)
    await clock.show(None)
    told = await (await _anew(session)).told(ClockGetRequest(), ClockGetResponse)
    assert told.state is ClockState.UNTRUSTED
    assert told.time >= NOON + DAY


@pytest.mark.req("LW-051")
async def test_a_clock_that_stood_still_without_power_is_not_trusted(
    lock: Station, session: Session, clock: Hands, power: Hands
) -> None:
    await clock.advance(3600)  # the floor, which was written with the clock, is an hour behind now
    await power.power_cycle()
    told = await (await lock.open()).told(ClockGetRequest(), ClockGetResponse)
    assert told.time >= NOON
    if told.state is ClockState.TRUSTED:
        assert told.time >= NOON + 3600, "the clock stood still while there was no power, and is trusted"


async def test_a_battery_that_falls_is_recorded_once_for_each_mark(lock: Station, session: Session) -> None:
    if Hand.BATTERY not in lock.hands.able or Capability.BATTERY_LEVEL not in (await session.info()).capabilities:
        pytest.skip("Here is no hand for a battery, or no lock that tells its level.")
    await lock.hands.set_battery(100)
    before = await newest(session)
    for percent in (60, 20, 19, 9, 9, 5, 4):
        await lock.hands.set_battery(percent)
        assert (await session.status()).battery == percent
    low = [record.detail for record in await audit(session, before) if record.event is AuditEvent.BATTERY_LOW]
    assert low == [20, 9, 5]
    await lock.hands.set_battery(100)


@pytest.mark.destructive
@pytest.mark.req("LW-071", "LW-072", "LW-062")
async def test_a_reset_takes_everything_of_the_owner_and_leaves_bolt_label_and_numbers(
    lock: Station, session: Session, button: Hands
) -> None:
    await session.create(KEEPER)
    before = await newest(session)
    version, bolt = (await session.status()).list_version, (await session.status()).bolt
    greeting = await lock.greet(session.line, Mode.SESSION)
    old_key = lock.peer.lock_key
    await button.hold_button(lock.reset_hold)
    try:
        await lock.close()
        after = await lock.greet(await lock.connect(), Mode.SESSION)
        assert (after.lock.lock_id, int(after.lock.flags)) == (greeting.lock.lock_id, 0)
    finally:
        await lock.close()
        await lock.make_known()
    anew = await lock.open()
    status = await anew.status()
    assert (status.used, status.bolt, status.clock) == (0, bolt, ClockState.UNTRUSTED)
    assert bolt is BoltState.LOCKED
    assert status.list_version > version
    assert lock.peer.lock_key != old_key
    records = await audit(anew)
    assert (records[0].event, records[0].sequence) == (AuditEvent.RESET, before + 1)
