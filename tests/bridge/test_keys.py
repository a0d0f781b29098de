import hashlib
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.errors import DamagedState
from bridge.private_files import write_private
from bridge.store.folder import StateFolder
from bridge.store.keys import BridgeKeys, load, load_or_create


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder.open(tmp_path / "state")


def test_the_keys_of_the_first_use_come_back_at_the_next(folder: StateFolder) -> None:
    keys = load_or_create(folder)
    assert load_or_create(folder) == keys
    assert stat.S_IMODE(folder.key_file.stat().st_mode) == 0o600


def test_each_folder_has_keys_of_its_own_and_two_different_ones(tmp_path: Path, folder: StateFolder) -> None:
    one, other = load_or_create(folder), load_or_create(StateFolder.open(tmp_path / "other"))
    secrets = {one.static_private, one.hmac_key, other.static_private, other.hmac_key}
    assert len(secrets) == 4
    assert {len(secret) for secret in secrets} == {32}


def test_the_public_key_and_the_peer_id_follow_from_the_private_key() -> None:
    # RFC 7748, section 6.1: Alice's key pair.
    private = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    public = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    keys = BridgeKeys(static_private=private, hmac_key=bytes(32))
    assert keys.static_public == public
    assert keys.peer_id == int(hashlib.sha256(public).hexdigest()[:8], 16)


def test_no_secret_shows_in_a_repr(folder: StateFolder) -> None:
    keys = load_or_create(folder)
    assert repr(keys) == "BridgeKeys()"


def test_a_key_whose_peer_id_would_be_zero_is_drawn_again(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Iterator[bytes] = iter([b"\x01" * 32, b"\x02" * 32, b"\x03" * 32, b"\x04" * 32])
    monkeypatch.setattr("bridge.store.keys.secrets.token_bytes", lambda _size: next(drawn))
    monkeypatch.setattr(BridgeKeys, "peer_id", property(lambda keys: int(keys.static_private[0] > 1)))
    assert load_or_create(folder).static_private == b"\x03" * 32


def test_bridges_that_start_at_once_agree_on_the_keys(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = BridgeKeys(static_private=b"\x05" * 32, hmac_key=b"\x06" * 32)
    draw = iter([theirs])

    def draw_while_another_process_is_faster() -> BridgeKeys:
        monkeypatch.undo()
        monkeypatch.setattr("bridge.store.keys._draw", lambda: next(draw))
        assert load_or_create(folder) == theirs
        return BridgeKeys(static_private=b"\x07" * 32, hmac_key=b"\x08" * 32)

    monkeypatch.setattr("bridge.store.keys._draw", draw_while_another_process_is_faster)
    assert load_or_create(folder) == theirs


def test_threads_that_start_at_once_agree_on_the_keys(folder: StateFolder) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(load_or_create, [folder] * 8))
    assert len({keys.static_private for keys in found}) == 1


def test_every_truncation_is_reported_and_the_file_left_alone(folder: StateFolder) -> None:
    load_or_create(folder)
    whole = folder.key_file.read_bytes()
    for size in range(len(whole)):
        write_private(folder.key_file, whole[:size])
        with pytest.raises(DamagedState, match=r"bridge\.key .*Restore it from a backup, which keeps all pairings"):
            load_or_create(folder)
        assert folder.key_file.read_bytes() == whole[:size]


def test_every_changed_byte_is_reported(folder: StateFolder) -> None:
    load_or_create(folder)
    whole = folder.key_file.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        folder.key_file.write_bytes(damaged)
        with pytest.raises(DamagedState):
            load_or_create(folder)


def test_a_file_of_another_version_is_named_as_such(folder: StateFolder) -> None:
    load_or_create(folder)
    newer = folder.key_file.read_bytes().replace(b"keys 1\n", b"keys 2\n")
    folder.key_file.write_bytes(newer)
    with pytest.raises(DamagedState, match="has version 2, this program reads version 1"):
        load_or_create(folder)


def test_keys_are_loaded_without_being_made(folder: StateFolder) -> None:
    with pytest.raises(DamagedState):
        load(folder)
    assert not folder.key_file.exists()
    made = load_or_create(folder)
    assert load(folder) == made
