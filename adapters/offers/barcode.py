"""EAN-13 as bars: 95 modules, dark or light.

Source: GS1 General Specifications, 5.2 (EAN/UPC symbology).
"""

from __future__ import annotations

from collections.abc import Iterator

MODULES = 95
QUIET_LEFT, QUIET_RIGHT = 11, 7
"""Light modules that a scanner needs beside the bars."""
_LEFT = ("0001101", "0011001", "0010011", "0111101", "0100011",
         "0110001", "0101111", "0111011", "0110111", "0001011")  # fmt: skip
"""Number set A; C is its complement, B is C backwards."""
_RIGHT = tuple(code.translate(str.maketrans("01", "10")) for code in _LEFT)
_EVEN = tuple(code[::-1] for code in _RIGHT)
_SETS = ("AAAAAA", "AABABB", "AABBAB", "AABBBA", "ABAABB",
         "ABBAAB", "ABBBAA", "ABABAB", "ABABBA", "ABBABA")  # fmt: skip
"""Of the left half, by the first digit, which has no bars of its own."""
_GUARD, _CENTRE = "101", "01010"


def modules(ean13: str) -> str:
    """The modules of thirteen digits, `1` for dark."""
    first, left, right = int(ean13[0]), ean13[1:7], ean13[7:]
    half = "".join(
        (_LEFT if which == "A" else _EVEN)[int(digit)]
        for which, digit in zip(_SETS[first], left, strict=True)
    )
    other = "".join(_RIGHT[int(digit)] for digit in right)
    return f"{_GUARD}{half}{_CENTRE}{other}{_GUARD}"


def bars(ean13: str) -> Iterator[tuple[int, int]]:
    """Where each bar begins and how wide it is, in modules."""
    begins = None
    for at, module in enumerate(modules(ean13) + "0"):
        if module == "1" and begins is None:
            begins = at
        elif module == "0" and begins is not None:
            yield begins, at - begins
            begins = None
