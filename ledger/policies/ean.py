"""Article numbers with a check digit."""

from __future__ import annotations


def with_check_digit(twelve: str) -> str:
    """The EAN-13 of twelve digits.

    Source: GS1 General Specifications, 7.9 (check digit calculations).
    """
    weighed = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(twelve))
    return f"{twelve}{-weighed % 10}"
