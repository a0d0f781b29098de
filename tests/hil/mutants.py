"""Firmwares that are wrong on purpose: each breaks one requirement, and the suite has to say which."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from firmware_sim import clock, links, simulator
from firmware_sim.behaviours import clock as keeping
from firmware_sim.behaviours import lockout, operations, pairing, pins, reset, schedule
from firmware_sim.keypad import Decision
from firmware_sim.memory import Memory
from firmware_sim.ports import tcp
from firmware_sim.records import LEDGER_KEY, PEER_KEYS, SLOT_KEYS, FlashRecord, Keypad, Ledger, Pin
from protocol import schedule as judging
from protocol import session
from protocol.framing import Frame, encode_frame
from protocol.messages.declaration import Refusal
from protocol.messages.hello import HelloFlag
from protocol.messages.pins import PinCreateResponse
from protocol.posix_tz import TzRule
from protocol.vocabulary import LARGEST_PIN_ID, Denial, PinEntry, Schedule, Status, Weekdays, Window

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One wrong firmware, and the requirement that it breaks; `target` is where the suite sees it."""

    name: str
    breaks: str
    plant: Plant
    target: str = "sim:"


def _wrong_capacity(patch: pytest.MonkeyPatch) -> None:
    create = pins.Pins.create

    def one_less(self: pins.Pins, entry: PinEntry) -> PinCreateResponse | Refusal:
        return Refusal(status=Status.FULL) if self.used >= self.capacity - 1 else create(self, entry)

    patch.setattr(pins.Pins, "create", one_less)


def _end_minute_inclusive(patch: pytest.MonkeyPatch) -> None:
    window_open = judging.window_open

    def longer(window: Window, local: judging.LocalTime) -> bool:
        return window_open(replace(window, end=window.end % 1440 + 1), local)

    patch.setattr(judging, "window_open", longer)


def _weekday_shifted(patch: pytest.MonkeyPatch) -> None:
    local_time = judging.local_time

    def tomorrow(utc_epoch: int, rule: TzRule) -> judging.LocalTime:
        local = local_time(utc_epoch, rule)
        return replace(local, weekday_bit=Weekdays((local.weekday_bit << 1) & 127 or 1))

    patch.setattr(judging, "local_time", tomorrow)


def _summer_time_ignored(patch: pytest.MonkeyPatch) -> None:
    local_time = judging.local_time
    patch.setattr(judging, "local_time", lambda utc_epoch, rule: local_time(utc_epoch, replace(rule, daylight=None)))


def _clock_always_trusted(patch: pytest.MonkeyPatch) -> None:
    def believing(limits: Schedule, *, now: int, trusted: bool, rule: TzRule) -> Denial | None:
        del trusted
        return judging.judge(limits, now=now, trusted=True, rule=rule)

    patch.setattr(schedule, "judge", believing)


def _acknowledged_before_it_is_written(patch: pytest.MonkeyPatch) -> None:
    """Commit to RAM alone; flash gets what was staged with the change after that."""
    write = Memory._write
    late: dict[int, dict[int, FlashRecord | None]] = {}

    def lazily(self: Memory, staged: dict[int, FlashRecord | None]) -> None:
        before, late[id(self)] = late.get(id(self), {}), staged
        if before:
            write(self, before)
        for key, record in staged.items():
            self._records.pop(key, None)
            if record is not None:
                self._records[key] = record

    patch.setattr(Memory, "_write", lazily)


def _performs_a_repeated_frame_again(patch: pytest.MonkeyPatch) -> None:
    receive = session.LockSession.receive

    def again(self: session.LockSession, frame: Frame) -> session.Received:
        if frame == self._last_request and self._last_answer is not None:
            self._expected, self._last_request = frame.counter, None
        return receive(self, frame)

    patch.setattr(session.LockSession, "receive", again)


def _takes_any_counter(patch: pytest.MonkeyPatch) -> None:
    receive = session.LockSession.receive

    def any_counter(self: session.LockSession, frame: Frame) -> session.Received:
        if frame != self._last_request:
            self._expected = frame.counter
        return receive(self, frame)

    patch.setattr(session.LockSession, "receive", any_counter)


def _no_answer_a_second_time(patch: pytest.MonkeyPatch) -> None:
    receive = session.LockSession.receive

    def silent(self: session.LockSession, frame: Frame) -> session.Received:
        received = receive(self, frame)
        repeated = received.verdict is session.Verdict.REPEATED
        return session.Received(verdict=session.Verdict.IGNORED) if repeated else received

    patch.setattr(session.LockSession, "receive", silent)


def _list_version_stands_still(patch: pytest.MonkeyPatch) -> None:
    def still(self: Memory, last_id: int | None = None) -> Ledger:
        old = self.ledger
        ledger = replace(old, last_id=old.last_id if last_id is None else last_id)
        self.stage(LEDGER_KEY, ledger)
        return ledger

    patch.setattr(Memory, "stage_change", still)


def _duplicate_is_invalid(patch: pytest.MonkeyPatch) -> None:
    create = pins.Pins.create

    def otherwise(self: pins.Pins, entry: PinEntry) -> PinCreateResponse | Refusal:
        answer = create(self, entry)
        return Refusal(status=Status.BUSY) if answer == Refusal(status=Status.EXISTS) else answer

    patch.setattr(pins.Pins, "create", otherwise)


def _ids_used_again(patch: pytest.MonkeyPatch) -> None:
    def lowest(last: int, taken: set[int]) -> int:
        del last
        return next(each for each in range(1, LARGEST_PIN_ID + 1) if each not in taken)

    patch.setattr(pins, "_next_id", lowest)


def _window_stays_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pairing, "WINDOW_SECONDS", 10**6)


def _lockout_in_ram(patch: pytest.MonkeyPatch) -> None:
    def forget(self: lockout.Lockout, keypad: Keypad) -> None:
        self._keypad = keypad

    patch.setattr(lockout.Lockout, "_stage", forget)


def _lockout_never_longer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lockout, "LONGEST_SECONDS", lockout.FIRST_SECONDS)


def _operation_forgotten(patch: pytest.MonkeyPatch) -> None:
    def nothing(self: operations.Operations, index: int, operation: int, fingerprint: bytes, response: bytes) -> None:
        del self, index, operation, fingerprint, response

    patch.setattr(operations.Operations, "stage", nothing)


def _refusals_tell_why(patch: pytest.MonkeyPatch) -> None:
    refuse = links.Links.refuse

    def telling(self: links.Links, link: links.Link, frame: Frame, now_ns: int) -> Frame | None:
        answer = refuse(self, link, frame, now_ns)
        return answer and replace(answer, body=b"\x01")

    patch.setattr(links.Links, "refuse", telling)


def _one_link_more(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(links, "MAX_LINKS", 4)


def _hello_never_the_same(patch: pytest.MonkeyPatch) -> None:
    hello = links.Links._hello

    def anew(self: links.Links, link: links.Link, frame: Frame, now_ns: int, random: bytes) -> Frame | None:
        link.attempt = None
        return hello(self, link, frame, now_ns, random)

    patch.setattr(links.Links, "_hello", anew)


def _clock_trusted_after_power_loss(patch: pytest.MonkeyPatch) -> None:
    lose = clock.Clock.lose

    def keep(self: clock.Clock, floor: int) -> None:
        lose(self, floor)
        self.set(max(floor, 1))

    patch.setattr(clock.Clock, "lose", keep)


def _floor_stays(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(keeping.ClockKeeping, "wake_ns", None)


def _bolt_moves_again(patch: pytest.MonkeyPatch) -> None:
    judge = operations.Operations.judge

    def anew(self: operations.Operations, index: int, operation: int, fingerprint: bytes) -> bytes | Refusal | None:
        known = judge(self, index, operation, fingerprint)
        return None if isinstance(known, bytes) and known[0] == 0x30 else known

    patch.setattr(operations.Operations, "judge", anew)


def _seven_peers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pairing, "PEER_KEYS", PEER_KEYS[:7])


def _reset_keeps_pins(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reset, "_OWNERS", tuple(keys for keys in reset._OWNERS if keys != SLOT_KEYS))


def _disabled_pins_open(patch: pytest.MonkeyPatch) -> None:
    judged = schedule.Gate._judge

    def enabled(self: schedule.Gate, pin: Pin, epoch: int, *, trusted: bool) -> Decision:
        return judged(self, replace(pin, entry=replace(pin.entry, enabled=True)), epoch, trusted=trusted)

    patch.setattr(schedule.Gate, "_judge", enabled)


def _frames_begin_without_a_zero(patch: pytest.MonkeyPatch) -> None:
    def shorter(frame: Frame, *, max_frame: int) -> bytes:
        return encode_frame(frame, max_frame=max_frame).lstrip(b"\0")

    patch.setattr("firmware_sim.device.encode_frame", shorter)


def _clock_that_stood_still(patch: pytest.MonkeyPatch) -> None:
    """Believe the floor after a loss of power, as if the clock had run on."""
    cycle = simulator.Simulator.power_cycle

    def stopped(self: simulator.Simulator) -> None:
        floor = self.device.firmware.memory.floor
        cycle(self)
        self.device.clock.set(floor)

    patch.setattr(simulator.Simulator, "power_cycle", stopped)


def _session_without_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(session.LockSession, "spent", False)


def _notifications_too_long(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("firmware_sim.ports.ble.ATT_HEADER", 0)


def _pieces_overtake(patch: pytest.MonkeyPatch) -> None:
    from firmware_sim.ports.ble import _Central  # noqa: PLC0415  its packages are extras

    written = _Central.written
    waiting: dict[_Central, bytes] = {}

    def later(self: _Central, piece: bytes) -> None:
        if self in waiting:
            written(self, piece)
            written(self, waiting.pop(self))
        elif len(piece) > 7:  # whole frames come through, so that the bench finds a lock there
            written(self, piece)
        else:
            waiting[self] = piece

    patch.setattr(_Central, "written", later)


def _subscription_changes_nothing(patch: pytest.MonkeyPatch) -> None:
    from firmware_sim.ports.ble import _Central  # noqa: PLC0415

    def subscribe(self: _Central) -> None:
        self._subscribed = True

    patch.setattr(_Central, "subscribe", subscribe)
    patch.setattr(_Central, "unsubscribe", lambda _: None)


def _shown(patch: pytest.MonkeyPatch, **wrong: Any) -> None:
    """Let whatever is advertised have these fields."""
    from firmware_sim.ports.ble import _Port  # noqa: PLC0415

    show = _Port.show
    patch.setattr(_Port, "show", lambda self, told: show(self, replace(told, **wrong)))


def _advertises_no_flags(patch: pytest.MonkeyPatch) -> None:
    _shown(patch, flags=HelloFlag(0))


def _small_mtu(patch: pytest.MonkeyPatch) -> None:
    from firmware_sim.ports import ble  # noqa: PLC0415

    patch.setitem(ble.serve_ble.__wrapped__.__kwdefaults__, "mtu", 100)  # type: ignore[attr-defined]


def _answers_wait(patch: pytest.MonkeyPatch) -> None:
    made = tcp._Connection.connection_made

    def slow(self: tcp._Connection, transport: asyncio.BaseTransport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        made(self, transport)

    patch.setattr(tcp._Connection, "connection_made", slow)


def _advertises_no_change(patch: pytest.MonkeyPatch) -> None:
    _shown(patch, change=7)


ON_AIR = "sim:ble"
MUTANTS = {
    mutant.name: mutant
    for mutant in (
        Mutant(name="slots off by one", breaks="LW-035", plant=_wrong_capacity),
        Mutant(name="end minute inclusive", breaks="LW-054", plant=_end_minute_inclusive),
        Mutant(name="weekday shifted", breaks="LW-054", plant=_weekday_shifted),
        Mutant(name="summer time ignored", breaks="LW-054", plant=_summer_time_ignored),
        Mutant(name="schedules open without a trusted clock", breaks="LW-053", plant=_clock_always_trusted),
        Mutant(name="clock trusted after power loss", breaks="LW-051", plant=_clock_trusted_after_power_loss),
        Mutant(name="floor stays", breaks="LW-083", plant=_floor_stays),
        Mutant(name="acknowledged before it is written", breaks="LW-043", plant=_acknowledged_before_it_is_written),
        Mutant(name="performs a repeated frame again", breaks="LW-025", plant=_performs_a_repeated_frame_again),
        Mutant(name="takes any counter", breaks="LW-024", plant=_takes_any_counter),
        Mutant(name="does not send its answer again", breaks="LW-025", plant=_no_answer_a_second_time),
        Mutant(name="list version stands still", breaks="LW-046", plant=_list_version_stands_still),
        Mutant(name="wrong status for a duplicate", breaks="LW-048", plant=_duplicate_is_invalid),
        Mutant(name="ids used again", breaks="LW-047", plant=_ids_used_again),
        Mutant(name="pairing window never closes", breaks="LW-016", plant=_window_stays_open),
        Mutant(name="lock-out in RAM", breaks="LW-069", plant=_lockout_in_ram),
        Mutant(name="lock-outs never longer", breaks="LW-068", plant=_lockout_never_longer),
        Mutant(name="operation forgotten", breaks="LW-040", plant=_operation_forgotten),
        Mutant(name="refusals tell why", breaks="LW-030", plant=_refusals_tell_why),
        Mutant(name="one link too many", breaks="LW-032", plant=_one_link_more),
        Mutant(name="each hello is answered anew", breaks="LW-008", plant=_hello_never_the_same),
        Mutant(name="bolt moves again", breaks="LW-059", plant=_bolt_moves_again),
        Mutant(name="seven peers", breaks="LW-020", plant=_seven_peers),
        Mutant(name="reset keeps pins", breaks="LW-071", plant=_reset_keeps_pins),
        Mutant(name="disabled pins open", breaks="LW-052", plant=_disabled_pins_open),
        Mutant(name="frames begin without a zero", breaks="LW-003", plant=_frames_begin_without_a_zero),
        Mutant(name="clock that stood still is trusted", breaks="LW-051", plant=_clock_that_stood_still),
        Mutant(name="session without an end", breaks="LW-029", plant=_session_without_end),
        Mutant(name="notifications too long", breaks="LW-073", plant=_notifications_too_long, target=ON_AIR),
        Mutant(name="short pieces overtake", breaks="LW-074", plant=_pieces_overtake, target=ON_AIR),
        Mutant(name="subscribing forgets nothing", breaks="LW-075", plant=_subscription_changes_nothing, target=ON_AIR),
        Mutant(name="advertises no flags", breaks="LW-076", plant=_advertises_no_flags, target=ON_AIR),
        Mutant(name="agrees to a small MTU", breaks="LW-086", plant=_small_mtu, target=ON_AIR),
        Mutant(name="answers wait for one another", breaks="LW-085", plant=_answers_wait, target="sim:tcp"),
        Mutant(name="advertises no change", breaks="LW-077", plant=_advertises_no_change, target=ON_AIR),
    )
}
