"""The lock on a real pseudo-terminal: clients come and go, some never read, and the path belongs to whoever made it."""

import asyncio
import os
from contextlib import closing
from pathlib import Path

import pytest

from firmware_sim.errors import PortError
from firmware_sim.ports.pty import _PtyWire, serve_pty
from protocol.framing import Frame, encode_frame
from tests.firmware_sim.bench import transport
from tests.firmware_sim.ports.clients import Counting, PtyClient, hello
from tests.waiting import until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock0"


def is_link(path: Path) -> bool:
    return path.is_symlink()


def test_the_lock_answers_at_the_path_and_the_path_is_gone_afterwards(path: Path) -> None:
    async def main() -> None:
        with serve_pty(Counting(), path), closing(PtyClient(path)) as client:
            assert is_link(path)
            assert await client.greets(1)

    asyncio.run(main())
    assert not is_link(path)


def test_every_byte_passes_as_it_is(path: Path) -> None:
    async def main() -> None:
        with serve_pty(Counting(), path), closing(PtyClient(path)) as client:
            for counter in (0x0D0A0D0A, 0x03041A1C, 0x11130000, 0xFF7F0815):  # what a terminal would swallow or change
                assert await client.greets(counter)

    asyncio.run(main())


def test_clients_come_write_garbage_and_go_and_the_next_one_is_served(path: Path) -> None:
    async def main() -> None:
        lock = Counting()
        with serve_pty(lock, path):
            for number in range(4):
                with closing(PtyClient(path)) as client:
                    await client.write(hello(number)[:9])
                with closing(PtyClient(path)) as client:
                    await client.write(b"\x00garbage\xff" * 20 + bytes(range(256)))
                with closing(PtyClient(path)) as client:
                    assert await client.greets(100 + number)

    asyncio.run(main())


def test_a_client_that_does_not_read_blocks_nothing_and_loses_whole_frames(path: Path) -> None:
    async def main() -> None:
        lock = Counting()
        with serve_pty(lock, path), closing(PtyClient(path)) as client:
            request, count = hello(1), 3000  # an identical hello is answered each time
            await client.write(request * count)
            await until(lambda: lock.received == len(request) * count)
            frames = [await client.frame() for _ in range(1000)]  # the lock keeps more, and has room for others then
            await client.write(hello(2))
            while not (isinstance(frames[-1], Frame) and frames[-1].counter == 2):
                frames.append(await client.frame())
            assert all(isinstance(frame, Frame) for frame in frames)
            assert 1400 < len(frames) < count

    asyncio.run(main())


def test_bytes_that_a_client_has_taken_back_are_nothing() -> None:
    master, slave = os.openpty()
    try:
        os.set_blocking(master, False)
        assert _PtyWire(master).read() == b""
    finally:
        os.close(master)
        os.close(slave)


def test_the_wire_stays_through_a_loss_of_power(path: Path) -> None:
    async def main() -> None:
        lock = Counting()
        with serve_pty(lock, path), closing(PtyClient(path)) as client:
            assert await client.greets(1)
            lock.power_cycle()
            assert await client.greets(2)
            await client.write(encode_frame(transport()))
            assert isinstance(await client.frame(), Frame)

    asyncio.run(main())


def serve_once(path: Path) -> None:
    async def main() -> None:
        with serve_pty(Counting(), path), closing(PtyClient(path)) as client:
            assert await client.greets(1)

    asyncio.run(main())


def test_a_link_that_a_killed_simulator_has_left_is_replaced(path: Path) -> None:
    path.symlink_to("/dev/pts/of-nobody")
    serve_once(path)
    assert not path.is_symlink()


def test_a_path_at_which_a_lock_runs_is_left_to_it(path: Path) -> None:
    async def main() -> None:
        with serve_pty(Counting(), path), closing(PtyClient(path)) as client:
            pty = os.readlink(path)
            for _ in range(2):
                with pytest.raises(PortError, match=r"Another simulated lock is at .*\. Stop it, or choose"):
                    serve_pty(Counting(), path).__enter__()
            assert os.readlink(path) == pty
            assert await client.greets(1)

    asyncio.run(main())
    assert os.listdir(path.parent) == []


def test_a_link_that_leads_to_no_pty_stays(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "diary")
    with pytest.raises(PortError, match=r"leads to no pseudo-terminal\. Choose"):
        serve_once(path)
    assert path.readlink() == tmp_path / "diary"
    assert os.listdir(path.parent) == [path.name]


def make_file(path: Path) -> None:
    path.write_text("mine")


@pytest.mark.parametrize("make", [make_file, Path.mkdir, os.mkfifo])
def test_whatever_else_stands_at_the_path_stays(path: Path, make: object) -> None:
    assert callable(make)
    make(path)
    before = path.stat()
    with pytest.raises(PortError, match=r"exists and is no symbolic link\. Choose") as refused:
        serve_once(path)
    assert str(path) in str(refused.value)
    assert (path.stat(), os.listdir(path.parent)) == (before, [path.name])


def test_a_folder_that_is_missing_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PortError, match=r"No such file or directory\. Does its folder exist\?"):
        serve_once(tmp_path / "missing" / "lock0")


def take_over(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


def test_a_path_that_has_become_another_s_is_left_to_it(path: Path) -> None:
    async def main() -> None:
        with serve_pty(Counting(), path):
            take_over(path)

    asyncio.run(main())
    assert path.readlink() == Path("/dev/null")
