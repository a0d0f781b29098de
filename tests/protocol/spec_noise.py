"""Noise, revision 34, once more and without the library: `h` and `ck` behind each message of SPEC.md's examples.

Whoever computes here holds the private keys of both sides, so that writing and reading are one.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from protocol.noise import public_key

PAIRING = ("Noise_XXpsk3_25519_ChaChaPoly_SHA256", ("e", "e ee s es", "s se psk"))
SESSION = ("Noise_KK_25519_ChaChaPoly_SHA256", ("e es ss", "e ee se"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A message and the state behind it; before the first message there is a step without one."""

    message: bytes
    h: bytes
    ck: bytes


class Computation:
    """One handshake; `privates` are the keys `s` and `e` of the bridge, which begins, and of the lock."""

    def __init__(
        self,
        name: str,
        prologue: bytes,
        *,
        bridge: Mapping[str, bytes],
        lock: Mapping[str, bytes],
        known: Sequence[bytes] = (),
        psk: bytes | None = None,
    ) -> None:
        self._sides = (bridge, lock)
        self._psk = psk
        self._key: bytes | None = None
        self._nonce = 0
        self._h = self._ck = name.encode() if len(name) == 32 else hashlib.sha256(name.encode()).digest()
        for data in (prologue, *known):
            self._mix_hash(data)

    def steps(self, messages: Sequence[str]) -> Iterator[Step]:
        """Yield the beginning, then each message with its state."""
        yield Step(message=b"", h=self._h, ck=self._ck)
        for number, tokens in enumerate(messages):
            parts = [self._token(token, self._sides[number % 2]) for token in tokens.split()]
            message = b"".join([*parts, self._seal(b"")])
            yield Step(message=message, h=self._h, ck=self._ck)

    def split(self) -> tuple[bytes, bytes]:
        """Return the keys from the bridge to the lock and back."""
        first, second, _ = self._hkdf(b"")
        return first, second

    def _token(self, token: str, writer: Mapping[str, bytes]) -> bytes:
        if token == "s":
            return self._seal(public_key(writer["s"]))
        if token == "e":
            return self._ephemeral(public_key(writer["e"]))
        if token == "psk":
            assert self._psk is not None
            self._ck, hashed, self._key = self._hkdf(self._psk)
            self._mix_hash(hashed)
        else:
            bridge, lock = self._sides
            public = X25519PublicKey.from_public_bytes(public_key(lock[token[1]]))
            self._mix_key(X25519PrivateKey.from_private_bytes(bridge[token[0]]).exchange(public))
        self._nonce = 0
        return b""

    def _ephemeral(self, public: bytes) -> bytes:
        self._mix_hash(public)
        if self._psk is not None:
            self._mix_key(public)
        return public

    def _seal(self, plain: bytes) -> bytes:
        sealed = plain
        if self._key is not None:
            nonce = bytes(4) + self._nonce.to_bytes(8, "little")
            sealed = ChaCha20Poly1305(self._key).encrypt(nonce, plain, self._h)
            self._nonce += 1
        self._mix_hash(sealed)
        return sealed

    def _mix_hash(self, data: bytes) -> None:
        self._h = hashlib.sha256(self._h + data).digest()

    def _mix_key(self, material: bytes) -> None:
        self._ck, self._key, _ = self._hkdf(material)
        self._nonce = 0

    def _hkdf(self, material: bytes) -> tuple[bytes, bytes, bytes]:
        secret = hmac.digest(self._ck, material, "sha256")
        first = hmac.digest(secret, b"\1", "sha256")
        second = hmac.digest(secret, first + b"\2", "sha256")
        return first, second, hmac.digest(secret, second + b"\3", "sha256")
