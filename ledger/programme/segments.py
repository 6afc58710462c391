"""`[segments]`: how members are grouped by what they bought, and what a group is due."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ledger.programme.parts import ONE_BP, Contradictions, Name, Part, Positive, RateBp

__all__ = ["GroupDue", "Loyalty", "OneOff", "RegularGroup", "Segments", "Usual"]

Minor = Annotated[int, Meta(ge=0, le=10_000_000_000)]
Due = Annotated[str, Meta(max_length=300, pattern=r"^[^\x00]*$")]


class OneOff(Part, frozen=True):
    """What one day's purchases must be to be left out: so much of the window, so many times usual."""

    share_bp: Annotated[int, Meta(ge=1, le=ONE_BP)] = 5000
    times: Annotated[int, Meta(ge=2, le=1_000_000)] = 10


class RegularGroup(Part, frozen=True):
    """The least that a member buys in 365 days (other windows in proportion), and what it is due."""

    least_receipts: Annotated[int, Meta(ge=0, le=100_000)]
    least_spend_minor: Minor = 0
    due: Due = ""


class GroupDue(Part, frozen=True):
    """What those are due who reach nothing above."""

    due: Due = ""


class Loyalty(Part, frozen=True):
    """In a category: from which share on a member is loyal to a kind of brand, and who uses much."""

    loyal_bp: Annotated[int, Meta(gt=ONE_BP // 2, le=ONE_BP)] = 7000
    heavy_bp: RateBp = 2000
    medium_bp: RateBp = 3000
    own_brands: tuple[Name, ...] = ()


class Usual(Part, frozen=True):
    """From which share of at least so many purchases on a day or a part of the day is usual."""

    share_bp: RateBp = 5000
    least_receipts: Positive = 4


class Segments(Part, frozen=True):
    """Shares are of the members who are ranked, of `abc_bp` of what they spend."""

    pyramid_bp: tuple[RateBp, RateBp, RateBp] = (100, 400, 1500)
    abc_bp: tuple[RateBp, RateBp] = (8000, 1500)
    top_bp: RateBp = 2000
    one_off: OneOff = OneOff()
    core: RegularGroup = RegularGroup(24)
    potential: RegularGroup = RegularGroup(6)
    occasional: GroupDue = GroupDue()
    loyalty: Loyalty = Loyalty()
    usual: Usual = Usual()


def contradictions(segments: Segments) -> Contradictions:
    """Find what the types cannot say."""
    for key in ("pyramid_bp", "abc_bp"):
        if sum(getattr(segments, key)) >= ONE_BP:
            yield f"segments.{key}", f"the shares must leave some of {ONE_BP} for the rest"
    loyalty = segments.loyalty
    if loyalty.heavy_bp + loyalty.medium_bp >= ONE_BP:
        yield "segments.loyalty.medium_bp", f"with `heavy_bp` it must leave some of {ONE_BP}"
    for index, brand in enumerate(loyalty.own_brands):
        if brand in loyalty.own_brands[:index]:
            yield f"segments.loyalty.own_brands[{index}]", f"`{brand}` stands twice"
    for key in ("least_receipts", "least_spend_minor"):
        if getattr(segments.potential, key) > getattr(segments.core, key):
            yield f"segments.potential.{key}", f"is above segments.core.{key}"
