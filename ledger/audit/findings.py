"""What an audit finds wrong, with the place it is at."""

from __future__ import annotations

from typing import NamedTuple

ENOUGH = 20
"""Findings after which an audit stops looking."""


class Finding(NamedTuple):
    """Something that is not as it must be."""

    check: str
    """log, stream, projection, conservation, member, snapshot."""
    place: str
    detail: str
    member: str = ""

    def __str__(self) -> str:
        """One line for a person."""
        who = f" (member {self.member})" if self.member else ""
        return f"{self.check}: {self.place}: {self.detail}{who}"
