"""What is sent and answered, beside the canonical receipt."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from msgspec import Meta, Struct

from ledger.programme import MAX_ALLOWANCE_HOURS
from ledger.types import MOST_POINTS, ReceiptRef

Word = Annotated[str, Meta(min_length=1, max_length=64)]
Store = Annotated[str, Meta(max_length=64)]
CommandId = Annotated[
    str, Meta(min_length=1, max_length=200, description="Makes a retry safe: done once.")
]
Transaction = Annotated[str, Meta(min_length=1, max_length=100)]
Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Points = Annotated[int, Meta(ge=1, le=MOST_POINTS)]
Token = Annotated[str, Meta(max_length=2000, description="An allowance, as it was issued.")]
Minor = Annotated[int, Meta(ge=0, le=10_000_000_000)]


class Sent(Struct, frozen=True, forbid_unknown_fields=True):
    """The base of what is sent: an unknown field is refused by its name."""


class Told(Struct, frozen=True, omit_defaults=False):
    """The base of what is answered."""


class Recorded(Told, frozen=True):
    """A receipt is recorded; `member_id` is empty where it belongs to nobody (yet)."""

    member_id: str
    points: int
    points_by_line: tuple[int, ...]
    state: str
    """`earned`, `anonymous`, `unknown_card`, `review_blocked_card`, `review_late`."""
    repeat: bool
    stream: str
    version: int


class Done(Told, frozen=True):
    """A command is recorded; a repeat was recorded earlier."""

    repeat: bool
    stream: str
    version: int


class BatchLine(Told, frozen=True, omit_defaults=True):
    """What became of one line of a batch."""

    line: int
    recorded: Recorded | None = None
    code: str = ""
    detail: str = ""
    field: str | None = None
    retryable: bool = False


class ReturnedLine(Sent, frozen=True):
    """So much of a line came back; lines count from 1."""

    line: Annotated[int, Meta(ge=1, le=5000)]
    quantity: Annotated[int, Meta(ge=1, le=10_000_000)]


class Return(Sent, frozen=True):
    """Take goods of a receipt back, all of it or some lines."""

    receipt: ReceiptRef
    command_id: CommandId
    lines: Annotated[tuple[ReturnedLine, ...], Meta(max_length=5000)] = ()
    store: Store = ""
    """Where they are taken back."""


class VoidReturn(Sent, frozen=True):
    """Take a return back: the one under a command id, or the one a receipt brought."""

    receipt: ReceiptRef
    command_id: CommandId
    by_command: Annotated[str, Meta(max_length=200)] = ""
    by_receipt: ReceiptRef | None = None


class Returned(Told, frozen=True):
    """Goods are back; `points` were taken, `arrears` are owed as they were spent."""

    points: int
    repeat: bool
    stream: str
    version: int


class Attribute(Sent, frozen=True):
    """Give a receipt without a member to a card's holder."""

    receipt: ReceiptRef
    card: Word


class QuoteLine(Told, frozen=True):
    """Of one line of a basket."""

    points: int
    member_discount_minor: int


class Quoted(Told, frozen=True):
    """What a basket would earn and cost; nothing is recorded."""

    points: int
    lines: tuple[QuoteLine, ...]
    tier: str
    available: int
    """Points that could pay now."""
    offers: tuple[str, ...] = ()
    """Barcodes of the lists that the member holds today."""


class Inquired(Told, frozen=True):
    """What a till may know of a card's holder."""

    member_id: str
    available: int
    pending: int
    held: int
    arrears: int
    tier: str
    next_expiry: dt.datetime | None
    """When the next points are gone."""
    next_expiry_points: int
    offers: tuple[str, ...]
    """Barcodes of the lists that hold today."""
    card_stopped: bool


class Enrol(Sent, frozen=True):
    """Make a member of a card's holder."""

    card: Word
    store: Store = ""
    name: Annotated[str, Meta(max_length=200)] = ""
    email: Annotated[str, Meta(max_length=200)] = ""
    phone: Annotated[str, Meta(max_length=64)] = ""
    birthday: dt.date | None = None


class NewCard(Sent, frozen=True):
    """One more card, or another in place of one."""

    card: Word


class Block(Sent, frozen=True):
    """Stop a card."""

    reason: Text


class Hold(Sent, frozen=True):
    """Reserve points for a purchase."""

    card: Word
    points: Points
    command_id: CommandId
    minutes: Annotated[int, Meta(ge=0, le=525_600)] = 0
    store: Store = ""
    basket_minor: Minor = 0


class Held(Told, frozen=True):
    """Points are reserved under the command id."""

    hold: str
    points: int
    ends_at: dt.datetime
    repeat: bool


class Settle(Sent, frozen=True):
    """Pay a hold out, all of it or so many points."""

    points: Annotated[int, Meta(ge=0, le=MOST_POINTS)] = 0
    captured_at: Annotated[dt.datetime, Meta(tz=True)] | None = None
    store: Store = ""
    basket_minor: Minor = 0


class Redeem(Sent, frozen=True):
    """Turn points into money off, a gift or a voucher."""

    card: Word
    command_id: CommandId
    points: Annotated[int, Meta(ge=0, le=MOST_POINTS)] = 0
    gift: Store = ""
    variant: Store = ""
    voucher: Store = ""
    store: Store = ""
    basket_minor: Minor = 0
    allowance: Token = ""
    captured_at: Annotated[dt.datetime, Meta(tz=True)] | None = None


class Burn(Sent, frozen=True):
    """Points that pay on a receipt; under an allowance, they paid while the till was offline."""

    transaction: Transaction
    store: Word
    card: Word
    points: Points
    basket_minor: Minor = 0
    allowance: Token = ""
    captured_at: Annotated[dt.datetime, Meta(tz=True)] | None = None


class Redeemed(Told, frozen=True):
    """Points are burnt; `voucher_code` where a voucher was bought, `owed` what was not there any more."""

    points: int
    value_minor: int
    repeat: bool
    voucher_code: str = ""
    owed: int = 0


class AllowPoints(Sent, frozen=True):
    """Let a card spend points at tills that cannot ask."""

    card: Word
    points: Points
    command_id: CommandId
    hours: Annotated[int, Meta(ge=0, le=MAX_ALLOWANCE_HOURS)] = 0
    store: Store = ""


class Allowed(Told, frozen=True):
    """What a till keeps: the token says all of it, signed."""

    token: str
    allowance: str
    points: int
    until: dt.datetime
    repeat: bool


class Undo(Sent, frozen=True):
    """Give the points of a redemption back."""

    reason: Text
    store: Store = ""


class UseVoucher(Sent, frozen=True):
    """Let a voucher pay."""

    command_id: CommandId
    store: Store = ""


class Adjust(Sent, frozen=True):
    """Give points by hand, or take them (below zero)."""

    card: Word
    points: Annotated[int, Meta(ge=-MOST_POINTS, le=MOST_POINTS)]
    reason: Text
    command_id: CommandId
    role: Store = ""
    approved_by: Store = ""
    approver_role: Store = ""


class Complaint(Sent, frozen=True):
    """A complaint on a line of a receipt."""

    card: Word
    receipt: ReceiptRef
    line: Annotated[int, Meta(ge=1, le=5000)]
    reason: Text
    command_id: CommandId


class Answer(Sent, frozen=True):
    """An answer to a complaint."""

    card: Word
    answer: Text
    command_id: CommandId


class Resolve(Sent, frozen=True):
    """The end of a complaint, with points or without."""

    card: Word
    resolution: Text
    command_id: CommandId
    points: Annotated[int, Meta(ge=0, le=MOST_POINTS)] = 0
    role: Store = ""
    approved_by: Store = ""
    approver_role: Store = ""


class Complained(Told, frozen=True):
    """A complaint is open under this id."""

    complaint: str
    repeat: bool


class Taken(Told, frozen=True):
    """What became of a webhook; `ignored` says what in it is no receipt, by what it is."""

    event: str
    """The sender's id of it, else a digest of its body."""
    repeat: bool
    recorded: int
    recorded_before: int
    rejected: int
    """Kept with the reason, for people: to send it again would not help."""
    ignored: dict[str, int]


class IssueKey(Sent, frozen=True):
    """A key for a till, a program or a person."""

    holder: Annotated[str, Meta(min_length=1, max_length=200)]
    role: Word
    command_id: CommandId
    stores: Annotated[tuple[Word, ...], Meta(max_length=1000)] = ()
    until: Annotated[dt.datetime, Meta(tz=True)] | None = None


class RotateKey(Sent, frozen=True):
    """A key in place of another, which holds for so long yet."""

    command_id: CommandId
    grace_seconds: Annotated[int, Meta(ge=0, le=31_536_000)] = 0


class RevokeKey(Sent, frozen=True):
    """The end of a key."""

    reason: Text
    command_id: CommandId


class KeyIssued(Told, frozen=True):
    """The key is told once: it is empty in a repeat."""

    id: str
    key: str
    repeat: bool
