"""The bench as a process of its own, as a shell runs it."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from hil.bluetooth.__main__ import main
from protocol.bluetooth import ATT_HEADER, SMALLEST_MTU, WRITE
from tests.hil.bluetooth.air import echoing, socket_at
from tests.hil.bluetooth.places import Client, find, play


@pytest.mark.usefixtures("module_bus")
def test_the_bench_runs_beside_its_clients_until_it_is_told_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with echoing() as (air, _), socket_at(air, tmp_path / "hci") as transport:
            bench = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "hil.bluetooth", transport, "--mtu", str(SMALLEST_MTU), "--interval", "1",
                stdout=asyncio.subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)},
            )  # fmt: skip
            assert bench.stdout is not None
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", json.loads(await bench.stdout.readline())["bus"])
            client = Client(await find())
            await client.open()
            characteristic = client.bleak.services.get_characteristic(WRITE)
            assert characteristic is not None
            assert characteristic.max_write_without_response_size == SMALLEST_MTU - ATT_HEADER
            assert await client.echoes(b"three processes")
            await client.bleak.disconnect()
            bench.terminate()
            assert await bench.wait() == 0

    play(scenario())
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("module_bus")
def test_a_transport_that_makes_no_sense_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["carrier-pigeon:PATH"]) == 3
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert "There is no HCI transport 'carrier-pigeon:PATH'" in printed.err


@pytest.mark.usefixtures("module_bus")
@pytest.mark.parametrize("transport", ["usb:99", "hci-socket:99", "tcp-client:127.0.0.1"])
def test_a_transport_that_cannot_be_used_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], transport: str
) -> None:
    assert main([transport]) == 3
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["--mtu", "22"], ["--mtu", "518"], ["--interval", "-5"], ["--interval", "nan"], ["--interval", "1e9"]]
)
def test_what_no_radio_has_is_wrong_usage(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["unix-client:nowhere", *words])
    assert "usage:" in capsys.readouterr().err
