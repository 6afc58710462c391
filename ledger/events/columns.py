"""Columns of texts in few bytes: codes that are digits, and words of which there are few.

Codes that are one beginning and as many digits each, as article numbers are, are kept as that
beginning, once, and the digits of all in a row, two a byte (packed decimal: the byte `0x47` is the
digits 4 and 7). A code of another form stands after the beginning, as it is, and has `f` in place
of each digit; a half byte that is left over at the end is `f` too.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Mapping

__all__ = ["KIND_LETTERS", "UNIT_LETTERS", "lettered", "named", "packed", "unpacked"]

_DIGITS = "0123456789"
_BETWEEN = "\0"
"""Stands in no code, see `Line`."""

UNIT_LETTERS: Mapping[str, str] = {"piece": "p", "gram": "g", "millilitre": "m"}
KIND_LETTERS: Mapping[str, str] = {
    "sale": "s", "gift_card": "g", "deposit": "d", "reward": "w", "return": "r"
}  # fmt: skip
"""Never changed: the letters are stored."""


def packed(codes: tuple[str, ...]) -> tuple[tuple[str, ...], bytes]:
    """The beginning and the digits; the codes and no digits where that would not be shorter.

    Done for every receipt, so by few calls over all codes instead of some for each.
    """
    if not codes:
        return codes, b""
    first, count = codes[0], len(codes)
    beginning = first.rstrip(_DIGITS)
    size = len(first)
    width = size - len(beginning)
    if not width:
        return codes, b""
    joined = _BETWEEN.join(codes)
    digits = joined.replace(_BETWEEN + beginning, "")[size - width :]
    if (
        joined[size :: size + 1] != _BETWEEN * (count - 1)  # some are longer than others
        or len(digits) != count * width  # some begin otherwise
        or not (digits.isascii() and (told := digits.encode()).isdigit())
    ):
        return _packed_but_for_some(codes, beginning, width)
    return (beginning,), unhexlify(told + b"f" if len(digits) & 1 else told)


def _packed_but_for_some(
    codes: tuple[str, ...], beginning: str, width: int
) -> tuple[tuple[str, ...], bytes]:
    others, digits, start = [], "", len(beginning)
    for code in codes:
        rest = code[start:]
        if len(rest) == width and code.startswith(beginning) and not rest.strip(_DIGITS):
            digits += rest
        else:
            others.append(code)
            digits += "f" * width
    if len(others) * 2 >= len(codes):
        return codes, b""
    return (beginning, *others), unhexlify(digits + "f" if len(digits) & 1 else digits)


def unpacked(texts: tuple[str, ...], digits: bytes, count: int) -> tuple[str, ...]:
    """So many codes from the texts and digits that they were packed into."""
    beginning, rest = texts[0], digits.hex()
    if count == 1:
        return (beginning + rest.removesuffix("f"),)
    width = len(rest) // count
    starts = range(0, count * width, width)
    if len(texts) == 1:
        return tuple([beginning + rest[at : at + width] for at in starts])
    others = iter(texts[1:])
    return tuple(
        [next(others) if rest[at] == "f" else beginning + rest[at : at + width] for at in starts]
    )


def lettered(words: tuple[str, ...], letters: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """No words and a letter for each; the words and no letters where one has none."""
    found = "".join([letters.get(word, "") for word in words])
    return ((), found) if len(found) == len(words) else (words, "")


def named(found: str, letters: Mapping[str, str]) -> tuple[str, ...]:
    """The words that letters stand for."""
    words = {letter: word for word, letter in letters.items()}
    return tuple([words[letter] for letter in found])
