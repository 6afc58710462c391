"""The keys that sign allowances: Ed25519, the private part beside the log and never in it.

Tills hold public keys only, so whoever opens a till can check an allowance and forge none.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

from ledger.errors import SigningUnavailable
from ledger.store.log import Log

ID_BYTES = 8
_SETTING = "allowance-key:"


class Signer:
    """Signs for one log, and checks what was signed."""

    def __init__(self, log: Log) -> None:
        """Keep keys among the log's settings, where its secret is."""
        self._log = log

    @cached_property
    def _ed25519(self) -> Any:
        try:
            from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
        except ImportError:
            raise SigningUnavailable from None
        return ed25519

    def new_key(self) -> tuple[str, bytes]:
        """Make a key and keep it durably: its id, and its public part.

        Raises:
            SigningUnavailable.
        """
        private = self._ed25519.Ed25519PrivateKey.generate()
        public: bytes = private.public_key().public_bytes_raw()
        key = hashlib.sha256(public).hexdigest()[: 2 * ID_BYTES]
        self._log.put_setting(_SETTING + key, private.private_bytes_raw().hex())
        return key, public

    def sign(self, key: str, text: bytes) -> bytes:
        """The signature by a key: the same for the same text.

        Raises:
            SigningUnavailable: also where the key is not beside this log, as in one made of a copy.
        """
        private = self._log.setting(_SETTING + key)
        if private is None:
            raise SigningUnavailable(f"The key `{key}` is not beside this log; make another.")
        loaded = self._ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private))
        return bytes(loaded.sign(text))

    def right(self, public: bytes, text: bytes, signature: bytes) -> bool:
        """Whether the owner of a public key signed a text.

        Raises:
            SigningUnavailable.
        """
        known = self._ed25519.Ed25519PublicKey.from_public_bytes(public)
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  an extra

        try:
            known.verify(signature, text)
        except InvalidSignature:
            return False
        return True
