"""Article numbers with a check digit."""

from __future__ import annotations


def check_digit(digits: str) -> str:
    """The digit that completes a number of any length: the weights count from its end.

    Source: GS1 General Specifications, 7.9 (check digit calculations).
    """
    weighed = sum(map(int, digits)) + 2 * sum(map(int, digits[::-2]))
    return str(-weighed % 10)


def with_check_digit(twelve: str) -> str:
    """The EAN-13 of twelve digits."""
    return twelve + check_digit(twelve)
