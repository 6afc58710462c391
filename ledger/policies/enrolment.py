"""What makes somebody a member at the till, and when two identities are the same."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.errors import InputInvalid
from ledger.types import Line

FEWEST_DIGITS = 6


def bought(lines: Sequence[Line]) -> int:
    """What the goods of a receipt cost in minor units; what it brings back is left out."""
    return sum(line.amount_minor for line in lines if line.quantity > 0 and not line.voided)


def normal_identity(text: str) -> str:
    """One form of an e-mail address (small letters) or telephone number (digits, `+` kept).

    A leading `00` stands for `+`. Numbers are compared as they are given otherwise: a national
    and an international form of one number are two identities.

    Raises:
        InputInvalid: it is neither.
    """
    text = text.strip()
    if "@" in text:
        name, _, host = text.partition("@")
        if name and host and "@" not in host and not any(c.isspace() for c in text):
            return f"{name.casefold()}@{host.casefold()}"
    else:
        digits = "".join(c for c in text if c in "0123456789")
        if len(digits) >= FEWEST_DIGITS and all(c in "0123456789+-/(). " for c in text):
            return f"+{digits}" if text[:1] == "+" else _without_zeros(digits)
    msg = "It is neither an e-mail address nor a telephone number."
    raise InputInvalid(msg, field="identity")


def _without_zeros(digits: str) -> str:
    return f"+{digits[2:]}" if digits.startswith("00") else digits
