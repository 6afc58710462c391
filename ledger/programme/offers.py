"""`[offers]`: how many offers a member may be issued."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ledger.programme.parts import Part, Positive

__all__ = ["Offers"]


class Offers(Part, frozen=True):
    """At most so many, of all campaigns, on lists that begin within so many days."""

    most: Positive
    days: Annotated[int, Meta(ge=1, le=366)]
