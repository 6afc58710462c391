"""Personal data, encrypted under a key per member that lies outside the log.

AES-256-GCM with a random nonce; the member's stream is bound in, so a field cannot be moved
to another member. Destroying the key erases the person and leaves the log as it is.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from ledger.errors import PersonalDataUnavailable
from ledger.store.log import Log

KEY_BYTES = 32
NONCE_BYTES = 12
REMEMBERED = 10_000
"""Decrypted fields kept in memory, for the rules that look at them on every receipt."""


class Vault:
    """Encrypts and decrypts personal fields of one log."""

    def __init__(self, log: Log) -> None:
        """Read keys through the log's store."""
        self._log = log
        self._plain: dict[tuple[bytes, bytes], bytes] = {}

    @cached_property
    def _cipher(self) -> Any:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
        except ImportError:
            return None
        return AESGCM

    @property
    def available(self) -> bool:
        """Whether the `cryptography` extra is installed."""
        return self._cipher is not None

    def key(self, stream: bytes) -> bytes | None:
        """The member's key, if it has one and it was not destroyed."""
        return self._log.personal_key(stream)

    def new_key(self) -> bytes:
        """A key for a new member."""
        return os.urandom(KEY_BYTES)

    def encrypt(self, stream: bytes, key: bytes, plain: bytes) -> bytes:
        """Nonce and ciphertext.

        Raises:
            PersonalDataUnavailable: the extra is not installed.
        """
        if self._cipher is None:
            raise PersonalDataUnavailable
        nonce = os.urandom(NONCE_BYTES)
        return nonce + bytes(self._cipher(key).encrypt(nonce, plain, stream))

    def decrypt(self, stream: bytes, sealed: bytes, key: bytes | None = None) -> bytes | None:
        """The plain bytes; None where there are none, or the key is gone or another.

        Raises:
            PersonalDataUnavailable: the extra is not installed.
        """
        if not sealed:
            return None
        if self._cipher is None:
            raise PersonalDataUnavailable
        plain = self._plain.get((stream, sealed))
        if plain is None:
            key = key or self._log.personal_key(stream)
            if key is None:
                return None
            from cryptography.exceptions import InvalidTag  # noqa: PLC0415  an extra

            try:
                cipher = self._cipher(key)
                plain = bytes(cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], stream))
            except (InvalidTag, ValueError):
                return None  # the key is not this member's: the data is as good as erased
            self._remember(stream, sealed, plain)
        return plain

    def forget(self, stream: bytes) -> None:
        """Let go of what was decrypted of a member whose key is destroyed."""
        for kept in [kept for kept in self._plain if kept[0] == stream]:
            del self._plain[kept]

    def _remember(self, stream: bytes, sealed: bytes, plain: bytes) -> None:
        if len(self._plain) >= REMEMBERED:
            del self._plain[next(iter(self._plain))]
        self._plain[stream, sealed] = plain
