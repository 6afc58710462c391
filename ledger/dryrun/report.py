"""What a dry run comes to. Points are whole, money is minor units, shares are basis points."""

from __future__ import annotations

from msgspec import Struct


class Refusal(Struct, frozen=True):
    """Recorded acts of one kind that a replay refuses for one reason."""

    act: str
    """The topic of the event that recorded it."""
    why: str
    """The code of the refusal."""
    acts: int
    points: int


class Under(Struct, frozen=True):
    """The period, and its end, under one programme."""

    programme: str
    receipts: int
    """Receipts that a member could earn on, whether or not they earned."""
    spend_minor: int
    """Paid for their goods; what a receipt brought back is left aside."""
    earned: int
    rules: dict[str, int]
    """The same by rule, `base` for the base points."""
    cost_minor: int | None
    """What the earned points are worth as cash (floor); None where no cash is given."""
    cost_bp: int | None
    """The same as a share of the spend (floor)."""
    redeemed: int
    redeemed_minor: int
    """Money off given for them; nothing for gifts."""
    adjusted_in: int
    adjusted_out: int
    reversed: int
    """Taken back by returns, arrears included."""
    expired: int
    """Whose expiry fell into the period, recorded or not."""
    available: int
    pending: int
    kept: int
    """Held or in review."""
    arrears: int
    liability_minor: int | None
    """What available, pending and kept points are worth as cash (floor)."""
    tiers: dict[str, int]
    """Members by tier at the end; an empty name where the programme has no tiers."""
    refused: tuple[Refusal, ...]


class Movement(Struct, frozen=True):
    """Members by their tier at the end under both programmes."""

    current: str
    draft: str
    members: int


class Changed(Struct, frozen=True):
    """A member's points and tier at the end under both programmes."""

    member_id: str
    points: int
    draft_points: int
    tier: str
    draft_tier: str


class Report(Struct, frozen=True):
    """The answer of a dry run."""

    first: str
    last: str
    currency: str
    members: int
    """Enrolled by the end of the period, or with points of it."""
    sample: bool
    """Whether these are some of them."""
    receipts: int
    """Receipts of the period, those of nobody included."""
    differing: int
    """Receipts whose award the programme in force would decide otherwise than recorded."""
    not_replayed: dict[str, int]
    """Events by topic that dry runs do not know how to replay."""
    current: Under
    draft: Under
    movements: tuple[Movement, ...]
    changed: tuple[Changed, ...]
    """Those whose points changed most, then by tier, then by id."""
