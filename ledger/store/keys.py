"""Stream ids: 16 bytes, of which the first says what kind of stream it is.

The rest is a keyed hash of the natural key under the log's secret: the same key gives the
same stream on every store with that secret, and nobody can guess a card number back from it.
Receipts carry their business day behind the first byte, so that a day lies together.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import lru_cache

import msgspec

from ledger.errors import InputInvalid
from ledger.types import Instant, ReceiptKey

MEMBER, CARD, RECEIPT, COMMAND, PROGRAMME = 1, 2, 3, 4, 5
POOL, JOB, IDENTITY, VOUCHER, PRODUCT, CAMPAIGN = 6, 7, 8, 9, 10, 11
MODEL, ACCESS, ALLOWANCE = 12, 13, 14
PROGRAMME_STREAM = bytes([PROGRAMME]) + bytes(15)
MODEL_STREAM = bytes([MODEL]) + bytes(15)
ALLOWANCE_STREAM = bytes([ALLOWANCE]) + bytes(15)
"""Of the keys that sign allowances."""
ID_BYTES = 16
FINGERPRINT_BYTES = 16
HMAC_BLOCK = 64
_LAST_DAY = 0xFFFF


def beside(stream: bytes, by: int) -> bytes:
    """The id that stands so many places after another, or before it."""
    return (int.from_bytes(stream) + by).to_bytes(ID_BYTES)


class Keys:
    """Makes stream ids and fingerprints under one log's secret."""

    def __init__(self, secret: bytes) -> None:
        """Bind the secret; the caches spare a batch from hashing one key several times."""
        self.secret = secret
        block = hashlib.sha256(secret).digest() if len(secret) > HMAC_BLOCK else secret
        padded = block.ljust(HMAC_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
        self.card = lru_cache(maxsize=100_000)(self._card)

    def _card(self, number: str) -> bytes:
        return self._id(bytes([CARD]), ("card", number))

    def member(self, card: str) -> bytes:
        """The stream of the member who enrols with this card."""
        return self._id(bytes([MEMBER]), ("member", card))

    def receipt(self, key: ReceiptKey) -> bytes:
        """The stream of a receipt."""
        day = min(max(key.business_day, 0), _LAST_DAY)
        return self._id(bytes([RECEIPT]) + day.to_bytes(2, "big"), tuple(key))

    def identity(self, normal: str) -> bytes:
        """The stream of an e-mail address or telephone number in its normal form."""
        return self._id(bytes([IDENTITY]), ("identity", normal))

    def command(self, kind: str, command_id: str) -> bytes:
        """The stream of a command id."""
        return self._id(bytes([COMMAND]), (kind, command_id))

    def voucher(self, code: str) -> bytes:
        """The stream of a voucher's code, however it is spelt."""
        plain = code.replace("-", "").replace(" ", "").upper()
        return self._id(bytes([VOUCHER]), ("voucher", plain))

    def voucher_code(self, command_id: str) -> str:
        """The code of the voucher that a redemption buys: 80 bits, in four groups of four."""
        hashed = hmac.digest(self.secret, _encoded(("voucher code", command_id)), "sha256")
        text = base64.b32encode(hashed[:10]).decode()
        return "-".join(text[i : i + 4] for i in range(0, 16, 4))

    def product(self, code: str, store: str = "") -> bytes:
        """The stream of a product: what it is and what holds in all stores, or in one store only."""
        return self._id(bytes([PRODUCT]), ("product", code, store) if store else ("product", code))

    def campaign(self, code: str) -> bytes:
        """The stream of a campaign."""
        return self._id(bytes([CAMPAIGN]), ("campaign", code))

    def access(self, key_id: str) -> bytes:
        """The stream of an access key."""
        return self._id(bytes([ACCESS]), ("access", key_id))

    def list_number(self, member: bytes, command_id: str) -> int:
        """What the barcode of a list of offers is made of: the same for the same command."""
        hashed = hmac.digest(self.secret, _encoded(("list", member, command_id)), "sha256")
        return int.from_bytes(hashed[:8], "big")

    def pool(self, kind: str, name: str) -> bytes:
        """The stream of a quantity that members share, e.g. a campaign's budget."""
        return self._id(bytes([POOL]), (kind, name))

    def job(self, name: str) -> bytes:
        """The stream of a job: its turns, from one due instant to the next."""
        return self._id(bytes([JOB]), ("job", name))

    def job_run(self, name: str, due_at: Instant) -> bytes:
        """The stream of one run's chunks: apart, so that the job's own stays short."""
        return self._id(bytes([JOB]), ("run", name, due_at))

    def fingerprint(self, content: object) -> bytes:
        """A keyed hash of content, to tell the same from other content under one key."""
        return fingerprint(content, self.secret)

    def _id(self, prefix: bytes, key: tuple[object, ...]) -> bytes:
        """HMAC-SHA256 (RFC 2104) from a state in which the secret is taken in already."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(_encoded(key))
        outer.update(inner.digest())
        return prefix + outer.digest()[: ID_BYTES - len(prefix)]


def fingerprint(content: object, key: bytes) -> bytes:
    """A hash of content under a key.

    Raises:
        InputInvalid: a number in it is beyond 64 bits, or a text is not Unicode.
    """
    encoded = _encoded(content)
    return hashlib.blake2b(encoded, digest_size=FINGERPRINT_BYTES, key=key).digest()


def _encoded(content: object) -> bytes:
    try:
        return _ENCODER.encode(content)
    except OverflowError:
        msg = "A number is too large."
    except UnicodeEncodeError:
        msg = "A text is not Unicode."
    raise InputInvalid(msg)


_ENCODER = msgspec.msgpack.Encoder()
