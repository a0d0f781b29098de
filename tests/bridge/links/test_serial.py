"""Serial ports, on real pseudo-terminals: why one cannot be opened, a pulled cable, a peer that does not read."""

import asyncio
import errno
import os
import subprocess
import sys
import termios
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.errors import LinkLost, Obstacle, Unreachable
from bridge.links.base import Inbox
from bridge.links.serial import DescriptorLink, open_serial


@dataclass(slots=True)
class Pty:
    """A pseudo-terminal: the test holds the master, the path is the port."""

    master: int
    slave: int
    path: str

    def unplug(self) -> None:
        os.close(self.master)
        self.master = -1


@pytest.fixture
def pty() -> Iterator[Pty]:
    master, slave = os.openpty()
    made = Pty(master, slave, os.ttyname(slave))
    yield made
    os.close(made.slave)
    if made.master >= 0:
        os.close(made.master)


def run(pty: Pty, test: Callable[[DescriptorLink], Awaitable[None]], *, baud: int = 115200) -> None:
    async def opened_and_closed() -> None:
        link = await open_serial(pty.path, baud)
        assert isinstance(link, DescriptorLink)
        try:
            await test(link)
        finally:
            await link.close()

    asyncio.run(opened_and_closed())


def sentence(path: str) -> str:
    with pytest.raises(Unreachable) as failure:
        asyncio.run(open_serial(path))
    return str(failure.value).removeprefix(f"Cannot open the serial port {path}: ")


def test_a_port_that_is_not_there_is_told() -> None:
    assert sentence("/dev/no such port") == (
        "there is no such port. Is the cable plugged in? `ls /dev/tty*` shows the ports."
    )


def test_a_regular_file_is_no_port_and_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_bytes(b"keep")
    assert sentence(str(file)) == "it cannot be used as a serial port. Check the path and the options."
    assert file.read_bytes() == b"keep"


def test_a_port_in_use_is_busy_for_this_process_too(pty: Pty) -> None:
    async def test(link: DescriptorLink) -> None:
        with pytest.raises(Unreachable, match=rf"another program uses it\. .*`fuser {pty.path}` names it\.$"):
            await open_serial(pty.path)
        await link.write(b"mine")
        assert os.read(pty.master, 4) == b"mine"

    run(pty, test)
    run(pty, test)  # and free again


HOLDER = """
import sys, serial
port = serial.Serial(sys.argv[1], exclusive=True)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_port_in_use_by_another_process_is_busy_until_it_ends(pty: Pty) -> None:
    command = [sys.executable, "-c", HOLDER, pty.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        assert sentence(pty.path).startswith("another program uses it.")
        holder.communicate()

    async def nothing(link: DescriptorLink) -> None:
        assert not link.lost

    run(pty, nothing)


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (errno.EACCES, "permission denied. Add yourself to the port's group (`sudo usermod -aG dialout $USER`)."),
        (errno.EPERM, "permission denied. Add yourself to the port's group (`sudo usermod -aG dialout $USER`)."),
        (errno.EBUSY, "another program uses it. Close that program; `fuser /dev/ttyS77` names it."),
        (errno.ENXIO, "the device is gone. Is the cable plugged in?"),
        (errno.EIO, "the device does not answer. Unplug it, plug it in again, and try once more."),
        (errno.ENOMEM, "it cannot be used as a serial port. Check the path and the options."),
    ],
)
def test_what_the_system_says_is_told_with_advice(number: int, cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, *_: object) -> int:  # root may open what others may not, so the system's word is a double's
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr("serial.serialposix.os.open", refuse)
    assert sentence("/dev/ttyS77") == cause


def test_a_port_that_fails_while_it_is_configured_is_told_and_closed(pty: Pty, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise termios.error(errno.EIO, "Input/output error")

    before = len(os.listdir("/dev/fd"))
    monkeypatch.setattr("serial.serialposix.termios.tcsetattr", fail)
    assert sentence(pty.path) == "it cannot be used as a serial port. Check the path and the options."
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize(("baud", "speed"), [(9600, termios.B9600), (115200, termios.B115200)])
def test_the_speed_is_set_and_told(pty: Pty, baud: int, speed: int) -> None:
    async def test(link: DescriptorLink) -> None:
        assert link.bytes_per_second == baud / 10
        assert termios.tcgetattr(pty.slave)[4:6] == [speed, speed]
        lflag = termios.tcgetattr(pty.slave)[3]
        assert not lflag & (termios.ECHO | termios.ICANON | termios.ISIG)

    run(pty, test, baud=baud)


def test_a_cable_that_is_pulled_ends_the_reading_instead_of_spinning(pty: Pty) -> None:
    async def test(link: DescriptorLink) -> None:
        loop, fd = asyncio.get_running_loop(), link._port.fileno()
        reading = asyncio.create_task(link.read())
        await asyncio.sleep(0)
        assert not reading.done()
        pty.unplug()
        with pytest.raises(LinkLost, match=f"The serial port {pty.path} was lost. Is the cable still plugged in?"):
            await reading
        assert link.lost
        assert not loop.remove_reader(fd)  # it was removed
        with pytest.raises(LinkLost):
            await link.write(b"?")
        with pytest.raises(LinkLost):
            await link.read()

    run(pty, test)


def test_a_cable_that_is_pulled_in_mid_write_ends_the_writing(pty: Pty) -> None:
    async def test(link: DescriptorLink) -> None:
        writing = asyncio.create_task(link.write(bytes(200_000)))
        await asyncio.sleep(0)
        assert not writing.done()
        pty.unplug()
        with pytest.raises(LinkLost):
            await writing
        assert not asyncio.get_running_loop().remove_writer(link._port.fileno())

    run(pty, test)


def test_a_peer_that_does_not_read_is_waited_for_only_so_long(pty: Pty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.links.serial.WRITE_SECONDS", 0.02)

    async def test(link: DescriptorLink) -> None:
        for _ in range(2):  # the second one finds no room at all
            with pytest.raises(LinkLost):
                await link.write(bytes(200_000))
        assert not asyncio.get_running_loop().remove_writer(link._port.fileno())

    run(pty, test)


def test_a_read_that_fails_is_a_loss_and_one_that_finds_nothing_is_none(
    pty: Pty, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, failures = os.read, [OSError(errno.EIO, "gone"), BlockingIOError()]

    def failing(fd: int, size: int) -> bytes:
        if failures and fd != pty.master:
            failure = failures.pop()
            os.write(pty.master, b"more")
            raise failure
        return read(fd, size)

    async def test(link: DescriptorLink) -> None:
        monkeypatch.setattr("bridge.links.serial.os.read", failing)
        os.write(pty.master, b"first")
        with pytest.raises(LinkLost):
            await link.read()
        assert failures == []
        assert not asyncio.get_running_loop().remove_reader(link._port.fileno())

    run(pty, test)


def test_a_peer_that_reads_slowly_gets_everything_in_order(pty: Pty) -> None:
    data = bytes(range(1, 256)) * 1000

    async def test(link: DescriptorLink) -> None:
        loop, far = asyncio.get_running_loop(), Inbox()
        loop.add_reader(pty.master, lambda: far.put(os.read(pty.master, 4096)))
        writing, got = asyncio.create_task(link.write(data)), b""
        while len(got) < len(data):
            got += await far.get("The test hears no more.")
        loop.remove_reader(pty.master)
        await writing
        assert got == data

    run(pty, test)


def test_a_write_that_is_given_up_leaves_no_writer_behind(pty: Pty) -> None:
    async def test(link: DescriptorLink) -> None:
        writing = asyncio.create_task(link.write(bytes(200_000)))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert not asyncio.get_running_loop().remove_writer(link._port.fileno())

    run(pty, test)


def test_a_port_that_is_closed_while_somebody_writes_is_lost_for_him(pty: Pty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.links.serial.WRITE_SECONDS", 0.02)

    async def test(link: DescriptorLink) -> None:
        writing = asyncio.create_task(link.write(bytes(200_000)))
        await asyncio.sleep(0)
        await link.close()
        with pytest.raises(LinkLost):
            await writing

    run(pty, test)


@pytest.mark.parametrize(
    ("number", "obstacle"),
    [
        (errno.ENOENT, Obstacle.MISSING),
        (errno.ENXIO, Obstacle.MISSING),
        (errno.EACCES, Obstacle.FORBIDDEN),
        (errno.EPERM, Obstacle.FORBIDDEN),
        (errno.EAGAIN, Obstacle.BUSY),
        (errno.EBUSY, Obstacle.BUSY),
        (errno.EIO, Obstacle.OTHER),
    ],
)
def test_what_stands_in_the_way_is_told_apart(number: int, obstacle: Obstacle, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, *_: object) -> int:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr("serial.serialposix.os.open", refuse)
    with pytest.raises(Unreachable) as failure:
        asyncio.run(open_serial("/dev/ttyS77"))
    assert failure.value.obstacle is obstacle
