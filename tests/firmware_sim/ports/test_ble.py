"""The lock on Bluetooth Low Energy: real hosts reach it through a real socket and a virtual air, in virtual time."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import bumble.device
import pytest
from bumble.core import UUID
from bumble.device import Device
from bumble.gatt import Characteristic
from bumble.hci import HCI_ErrorCode, HCI_LE_Set_Extended_Advertising_Enable_Command, HCI_StatusReturnParameters

from firmware_sim.ports.ble import serve_ble
from firmware_sim.ports.radio import RadioController
from firmware_sim.simulator import Simulator
from protocol.bluetooth import NOTIFY, SERVICE, WRITE, Advertisement, decode_advertisement
from protocol.framing import Frame, Kind
from protocol.messages.hello import HelloFlag
from tests.firmware_sim.bench import ANNA, Bench, peer_of
from tests.firmware_sim.ports.centrals import central_at, client_at, connected_to, seen_by
from tests.firmware_sim.ports.clients import hello
from tests.virtual_time import run, virtual_loop

PROPERTIES = Characteristic.Properties


class Lock(Simulator):
    """A lock in virtual time that knows Anna, and counts the bytes that came in."""

    def __init__(self) -> None:
        bench = Bench()
        peer_of(bench).created(ANNA)
        super().__init__(bench.flash, slots=3, now=virtual_loop().now_ns)
        self.received = 0

    def receive(self, number: int, data: bytes) -> None:
        self.received += len(data)
        super().receive(number, data)


@pytest.fixture
def air(tmp_path: Path) -> str:
    return f"unix-server:{tmp_path}/air"


async def shown_at(place: str) -> Advertisement:
    """Look at what is advertised now."""
    async with central_at(place, 9) as device:
        return decode_advertisement((await seen_by(device)).data_bytes[25:])


async def seen_in_a_second(device: Device) -> list[bumble.device.Advertisement]:
    """Return all that is advertised in a second."""
    seen: list[bumble.device.Advertisement] = []
    device.on(device.EVENT_ADVERTISEMENT, seen.append)
    await device.start_scanning()
    await asyncio.sleep(1)
    await device.stop_scanning()
    return seen


# --- the advertisement ---


def test_the_advertisement_is_the_31_bytes_of_the_protocol(air: str) -> None:
    async def main() -> None:
        lock = Lock()
        async with serve_ble(lock, air) as place, central_at(place) as device:
            seen = await seen_in_a_second(device)
        told = lock.device.firmware.advertisement
        assert told.flags is HelloFlag.PAIRED
        service = "0c6aadc9ac8d069c6346567cd8c16496"
        expected = f"020106 1107{service} 09ffffff {told.lock_id:08x} 02 {told.change:02x}"
        assert {each.data_bytes for each in seen} == {bytes.fromhex(expected)}
        assert len(bytes.fromhex(expected)) == 31
        assert len(seen) >= 10
        assert all(each.is_connectable and not each.is_scan_response for each in seen)

    run(main())


def test_the_change_counter_moves_with_the_bolt_and_the_flags_with_the_button(air: str) -> None:
    async def main() -> None:
        lock = Lock()
        async with serve_ble(lock, air) as place:
            before = await shown_at(place)
            assert lock.enter(ANNA.digits).granted
            unlocking = await shown_at(place)
            assert unlocking.change == (before.change + 1) % 256
            await asyncio.sleep(0.6)
            assert (await shown_at(place)).change == (before.change + 2) % 256
            lock.hold_button(5)
            assert (await shown_at(place)).flags is HelloFlag.PAIRED | HelloFlag.PAIRING_OPEN
            await asyncio.sleep(120)
            assert (await shown_at(place)).flags is HelloFlag.PAIRED

    run(main())


def test_the_lock_is_advertised_while_centrals_are_connected_and_what_is_new_is_shown(air: str) -> None:
    async def main() -> None:
        lock = Lock()
        async with serve_ble(lock, air) as place, client_at(place, 1), client_at(place, 2):
            before = await shown_at(place)
            assert not lock.enter("13579").granted
            assert (await shown_at(place)).change == (before.change + 1) % 256

    run(main())


def test_a_controller_that_refused_to_advertise_is_asked_again_when_a_central_has_left(
    air: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = RadioController.on_hci_le_set_extended_advertising_enable_command
    asked: list[RadioController] = []

    def refuse_while_connected(
        controller: RadioController, command: HCI_LE_Set_Extended_Advertising_Enable_Command
    ) -> HCI_StatusReturnParameters:
        asked.append(controller)
        if controller.le_connections:
            return HCI_StatusReturnParameters(HCI_ErrorCode.CONNECTION_LIMIT_EXCEEDED_ERROR)
        return start(controller, command)

    monkeypatch.setattr(RadioController, "on_hci_le_set_extended_advertising_enable_command", refuse_while_connected)

    async def main() -> None:
        lock = Lock()
        async with serve_ble(lock, air) as place, central_at(place, 2) as device:
            async with client_at(place, 1) as client:
                for _ in range(3):
                    assert await seen_in_a_second(device) == []
                    assert not lock.enter("13579").granted
                assert await client.greets(1)
            assert await shown_at(place) == lock.device.firmware.advertisement
            assert len(asked[0].advertising_sets) == 1

    run(main())


def test_the_address_stays_with_the_lock(air: str) -> None:
    async def main() -> None:
        addresses = []
        for _ in range(2):
            async with serve_ble(Lock(), air) as place, central_at(place) as device:
                addresses.append((await seen_by(device)).address)
        assert addresses[0] == addresses[1]
        assert addresses[0].is_static

    run(main())


# --- the service ---


def test_the_service_has_the_two_characteristics_of_the_protocol_and_no_others(air: str) -> None:
    async def main() -> None:
        async with serve_ble(Lock(), air) as place, connected_to(place) as client:
            (service,) = await client.peer.discover_service(SERVICE)
            found = await client.peer.discover_characteristics(service=service)
            assert {each.uuid: each.properties for each in found} == {
                UUID(WRITE): PROPERTIES.WRITE | PROPERTIES.WRITE_WITHOUT_RESPONSE,
                UUID(NOTIFY): PROPERTIES.NOTIFY,
            }

    run(main())


@pytest.mark.parametrize(
    ("offered", "wanted", "agreed"), [(247, None, 23), (247, 100, 100), (247, 247, 247), (247, 517, 247), (23, 247, 23)]
)
@pytest.mark.parametrize("response", [True, False])
def test_a_hello_is_answered_in_notifications_of_what_the_mtu_carries(
    air: str, offered: int, wanted: int | None, agreed: int, response: bool
) -> None:
    async def main() -> None:
        async with serve_ble(Lock(), air, mtu=offered) as place, client_at(place, mtu=wanted) as client:
            assert client.connection.att_mtu == agreed
            assert await client.greets(1, response=response)
            full, last = client.pieces[:-1], client.pieces[-1]
            assert all(len(piece) == agreed - 3 for piece in full)
            assert 0 < len(last) <= agreed - 3

    run(main())


@pytest.mark.parametrize("size", [1, 2, 7])
def test_pieces_are_taken_in_their_order_whichever_way_each_was_written(air: str, size: int) -> None:
    async def main() -> None:
        async with serve_ble(Lock(), air) as place, client_at(place) as client:
            for counter in range(5):
                data = hello(counter)
                pieces = [data[at : at + size] for at in range(0, len(data), size)]
                for index, piece in enumerate(pieces):
                    await client.write(piece, response=index % 3 == 2)
                answer = await client.frame()
                assert isinstance(answer, Frame)
                assert (answer.kind, answer.counter) == (Kind.HELLO_RESPONSE, counter)

    run(main())


def test_many_answers_come_in_their_order(air: str) -> None:
    async def main() -> None:
        async with serve_ble(Lock(), air) as place, client_at(place) as client:
            request = hello(1)
            await client.write(request * 40 + hello(2), response=False)
            frames = [await client.frame() for _ in range(41)]
            assert [frame.counter for frame in frames if isinstance(frame, Frame)] == [1] * 40 + [2]

    run(main())


def test_garbage_beyond_every_bound_loses_no_good_frame(air: str) -> None:
    async def main() -> None:
        lock = Lock()
        async with serve_ble(lock, air) as place, client_at(place) as client:
            await client.write(b"\xff" * 512 * 5, size=512, response=False)
            await client.write(bytes(range(256)) + b"\x00", size=257)
            assert await client.greets(1)
            assert lock.received == 512 * 5 + 257 + len(hello(1))

    run(main())


# --- subscriptions ---


def test_what_is_written_before_a_subscription_is_dropped_and_answered_by_nothing(air: str) -> None:
    async def main() -> None:
        lock = Lock()
        async with serve_ble(lock, air) as place, connected_to(place) as client:
            await client.discover()
            await client.write(hello(1))
            await client.write(hello(2)[:9])
            assert lock.received == 0
            await client.subscribe()
            assert await client.greets(3)
            assert len(client.pieces) == 2

    run(main())


def test_a_subscription_begins_the_link_anew(air: str) -> None:
    async def main() -> None:
        async with serve_ble(Lock(), air) as place, client_at(place) as client:

            async def answer() -> Frame:
                await client.write(hello(1))
                frame = await client.frame()
                assert isinstance(frame, Frame)
                return frame

            first = await answer()
            assert await answer() == first  # an identical hello gets the identical response
            await client.write(hello(1)[:-3])
            await client.subscribe()
            again = await answer()
            assert again.kind is Kind.HELLO_RESPONSE
            assert again != first

    run(main())


def test_a_central_that_listens_no_more_is_told_nothing(air: str) -> None:
    async def main() -> None:
        lock = Lock()
        async with serve_ble(lock, air) as place, client_at(place) as client:
            assert await client.greets(1)
            received, heard = lock.received, len(client.pieces)
            await client.unsubscribe()
            await client.write(hello(2))
            await client.subscribe()
            assert await client.greets(3)
            assert (lock.received - received, len(client.pieces) - heard) == (len(hello(3)), 2)

    run(main())


# --- connections ---


def test_a_connection_without_a_session_ends_after_ten_seconds_whatever_it_writes(air: str) -> None:
    async def main() -> None:
        async with serve_ble(Lock(), air) as place, connected_to(place) as client:
            began = virtual_loop().time()
            await client.discover()
            await asyncio.sleep(6)
            await client.subscribe()
            assert await client.greets(1)
            assert await client.is_disconnected()
            assert virtual_loop().time() - began == pytest.approx(10, abs=0.1)
            async with client_at(place, 2) as another:
                assert await another.greets(1)

    run(main())


def test_the_fourth_central_is_disconnected_and_a_place_that_gets_free_is_taken(air: str) -> None:
    async def main() -> None:
        async with serve_ble(Lock(), air) as place, client_at(place, 1) as first:
            async with client_at(place, 2) as second, client_at(place, 3) as third:
                for number, client in enumerate((first, second, third)):
                    assert await client.greets(number)
                async with connected_to(place, 4) as fourth:
                    assert await fourth.is_disconnected()
                assert await first.greets(9)
            async with client_at(place, 5) as another:
                assert await another.greets(1)

    run(main())


def test_a_loss_of_power_disconnects_every_central_and_the_lock_is_found_again(air: str) -> None:
    async def main() -> None:
        lock = Lock()
        async with serve_ble(lock, air) as place:
            async with client_at(place, 1) as first, client_at(place, 2) as second:
                assert await first.greets(1)
                lock.power_cycle()
                assert await first.is_disconnected()
                assert await second.is_disconnected()
            assert await shown_at(place) == lock.device.firmware.advertisement
            async with client_at(place) as again:
                assert await again.greets(2)

    run(main())


def test_a_central_that_leaves_frees_its_place(air: str) -> None:
    async def main() -> None:
        async with serve_ble(Lock(), air) as place:
            for _ in range(5):
                async with client_at(place) as client:
                    await client.connection.disconnect()
                    await client.is_disconnected()
            async with client_at(place) as last:
                assert await last.greets(1)

    run(main())


def test_a_central_that_is_too_far_behind_in_reading_is_disconnected(air: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_sim.ports.ble._QUEUE", -1)  # anything is too far

    async def main() -> None:
        async with serve_ble(Lock(), air) as place, client_at(place) as client:
            await client.write(hello(1))
            assert await client.is_disconnected()
            assert client.pieces == []

    run(main())


def test_the_end_of_the_simulator_disconnects(air: str) -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            async with serve_ble(Lock(), air) as place:
                client = await stack.enter_async_context(client_at(place))
            assert await client.is_disconnected()

    run(main())


def test_a_lock_that_fails_under_a_write_answers_it_and_tells_the_loop(air: str) -> None:
    class Failing(Lock):
        def receive(self, number: int, data: bytes) -> None:
            del number, data
            raise OSError("the disk is full")

    async def main() -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        async with serve_ble(Failing(), air) as place, client_at(place) as client:
            await client.write(b"x")
        assert [str(context["exception"]) for context in told] == ["the disk is full"]

    run(main())


def test_nothing_is_left_of_twenty_connections(air: str) -> None:
    async def connect(place: str) -> tuple[int, int]:
        async with client_at(place) as client:
            assert await client.greets(1)
        await asyncio.sleep(0.1)
        return len(asyncio.all_tasks()), len(os.listdir("/dev/fd"))

    async def main() -> None:
        async with serve_ble(Lock(), air) as place:
            before = await connect(place)
            left = [await connect(place) for _ in range(20)]
            assert left == [before] * 20
        assert len(asyncio.all_tasks()) == 1

    run(main())
