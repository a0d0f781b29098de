"""The Noise library behind one door: random bytes come in as arguments, and every failure is AuthenticationError."""

import hashlib
import warnings
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from noise.connection import Keypair, NoiseConnection
from noise.exceptions import NoiseHandshakeError, NoiseInvalidMessage, NoiseValueError

from .errors import AuthenticationError

KEY_SIZE = 32
PAIRING = b"Noise_XXpsk3_25519_ChaChaPoly_SHA256"
SESSION = b"Noise_KK_25519_ChaChaPoly_SHA256"

_HOSTILE = (InvalidTag, NoiseValueError, NoiseHandshakeError, NoiseInvalidMessage, ValueError)


def public_key(private: bytes) -> bytes:
    """Return the X25519 public key (RFC 7748) of 32 private bytes."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def peer_id(public: bytes) -> int:
    """Return the u32 by which a lock knows the owner of a public key: the first 4 bytes of its SHA-256 (SPEC 4.5)."""
    return int.from_bytes(hashlib.sha256(public).digest()[:4], "big")


class Ciphers:
    """The two keys of a finished handshake, used with explicit nonces; a nonce is the frame's counter."""

    def __init__(self, sending: Any, receiving: Any) -> None:
        self._sending = sending
        self._receiving = receiving

    def seal(self, counter: int, associated: bytes, plaintext: bytes) -> bytes:
        """Return ciphertext and tag. The caller never seals two plaintexts under one counter."""
        self._sending.set_nonce(counter)
        return bytes(self._sending.encrypt_with_ad(associated, plaintext))

    def open(self, counter: int, associated: bytes, sealed: bytes) -> bytes:
        """Return the plaintext; raise AuthenticationError."""
        self._receiving.set_nonce(counter)
        try:
            return bytes(self._receiving.decrypt_with_ad(associated, sealed))
        except _HOSTILE:
            raise AuthenticationError("a sealed body does not authenticate") from None


class Handshake:
    """One Noise handshake, used once: whoever starts writes first, then both take turns until it is `finished`.

    `psk` makes it a pairing, `remote_static` a session; exactly one of them is given.
    """

    def __init__(
        self,
        *,
        initiator: bool,
        static: bytes,
        ephemeral: bytes,
        prologue: bytes,
        psk: bytes | None = None,
        remote_static: bytes | None = None,
    ) -> None:
        self._noise = NoiseConnection.from_name(PAIRING if psk is not None else SESSION)
        if psk is not None:
            self._noise.set_psks(psk)
        self._noise.set_keypair_from_private_bytes(Keypair.STATIC, static)
        self._noise.set_keypair_from_private_bytes(Keypair.EPHEMERAL, ephemeral)
        if remote_static is not None:
            self._noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, remote_static)
        self._noise.set_prologue(prologue)
        (self._noise.set_as_initiator if initiator else self._noise.set_as_responder)()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="One of ephemeral keypairs is already set")
            self._noise.start_handshake()
        self._state = self._noise.noise_protocol.handshake_state  # the library drops it when the handshake ends

    def write(self, payload: bytes = b"") -> bytes:
        """Return the next handshake message; raise AuthenticationError where the peer's key is a low-order point."""
        try:
            return bytes(self._noise.write_message(payload))
        except _HOSTILE:
            raise AuthenticationError("no handshake message answers what the peer sent") from None

    def read(self, message: bytes) -> bytes:
        """Take the peer's next message and return its payload; raise AuthenticationError, after which this is spent."""
        try:
            return bytes(self._noise.read_message(message))
        except _HOSTILE:
            raise AuthenticationError("a handshake message does not authenticate") from None

    @property
    def remote_static(self) -> bytes:
        """The peer's public key: known in a session from the start, in a pairing once the peer has sent it."""
        return bytes(self._state.rs.public_bytes)

    @property
    def finished(self) -> bool:
        """Whether the last message was written or read."""
        return bool(self._noise.handshake_finished)

    @property
    def ciphers(self) -> Ciphers:
        """The keys of the session that a finished handshake has made."""
        noise = self._noise.noise_protocol
        return Ciphers(noise.cipher_state_encrypt, noise.cipher_state_decrypt)
