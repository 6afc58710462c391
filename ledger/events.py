"""Every event the ledger can store: its fields, its topic, its stream.

Events are array-like msgpack: a field is only ever appended, with a default; anything else
is a new event with a new topic. They record outcomes (which lots paid, the points of each
line, the programme version), so replaying never chooses again. `recorded_at` and the
stream's version stand beside an event in the log, not in it.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from ledger.types import Day, Instant, Take

ORIGIN_SCAN, ORIGIN_ADJUSTMENT, ORIGIN_COMPENSATION = 0, 1, 2
ORIGINS = ("scan", "adjustment", "compensation")
"""Where the points of a lot come from, by the number that lots carry."""

UNATTRIBUTED_ANONYMOUS, UNATTRIBUTED_UNKNOWN_CARD, UNATTRIBUTED_BLOCKED, UNATTRIBUTED_LATE = range(
    4
)
UNATTRIBUTED = ("anonymous", "unknown_card", "review_blocked_card", "review_late")
"""Why a receipt has no member, by the number that its event carries."""


class Event(Struct, frozen=True, array_like=True):
    """The base of all events."""

    TOPIC: ClassVar[str] = ""


class Goods(Struct, frozen=True, array_like=True):
    """The lines of a receipt, as columns; a column that says nothing new is left empty."""

    products: tuple[str, ...]
    quantities: tuple[int, ...]
    amounts_minor: tuple[int, ...]
    categories: tuple[str, ...] = ()
    discounts_minor: tuple[int, ...] = ()
    units: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    voided: tuple[int, ...] = ()
    """Indices of the voided lines, counted from 0."""


class Scan(Struct, frozen=True, array_like=True):
    """What the till said of one receipt."""

    store: str
    lane: str
    business_day: Day
    number: str
    captured_at: Instant
    offset_minutes: int
    goods: Goods
    tenders: tuple[tuple[str, int], ...] = ()
    cashier: str = ""
    historical: bool = False
    """Imported as history: the late limit was not applied."""

    @property
    def day(self) -> Day:
        """The day on the store's own calendar when it was captured."""
        return (self.captured_at + self.offset_minutes * 60) // 86_400


# --- the member stream -----------------------------------------------------------------


class Award(Struct, frozen=True, array_like=True):
    """The points that a receipt earned a member, and the lot they lie in."""

    card: int
    """Index into the member's cards."""
    programme: int
    points: tuple[int, ...]
    """By line."""
    activates_at: Instant
    expires_at: Instant
    qualifying: int
    repaid: int = 0
    """Points that went to arrears instead of the lot."""
    rules: tuple[tuple[str, int], ...] = ()
    """What each rule beyond the base gave."""
    birthday_year: int = 0


class ReceiptScanned(Event, frozen=True):
    """A member's receipt and the points it earned: scan and award are one act."""

    TOPIC: ClassVar[str] = "scan"
    scan: Scan
    award: Award


class ReceiptAttributed(Event, frozen=True):
    """An earlier receipt without a member was given to this one; its lines are not copied."""

    TOPIC: ClassVar[str] = "attributed"
    receipt: bytes
    captured_at: Instant
    day: Day
    """The store's day when it was captured."""
    amount_minor: int
    award: Award


class GoodsReturned(Event, frozen=True):
    """Lines of one of the member's receipts came back, and their points with them."""

    TOPIC: ClassVar[str] = "returned"
    receipt: bytes
    by: bytes
    """The receipt or command that brought them back."""
    captured_at: Instant
    lines: tuple[int, ...]
    """Counted from 0, as the amounts and points beside them."""
    amounts_minor: tuple[int, ...]
    points: tuple[int, ...]
    takes: tuple[Take, ...]
    arrears: int
    """Points owed because they were spent."""
    forgiven: int
    """Points let go because they were spent or had expired."""
    qualifying_day: Day
    programme: int


class MemberEnrolled(Event, frozen=True):
    """A member joined; `personal` is encrypted under the member's own key."""

    TOPIC: ClassVar[str] = "enrolled"
    captured_at: Instant
    store: str
    personal: bytes
    fingerprint: bytes


class CardLinked(Event, frozen=True):
    """The member got a card; `replaces` is the index of the one it stands in for, or -1."""

    TOPIC: ClassVar[str] = "card-linked"
    captured_at: Instant
    card: bytes
    personal: bytes
    replaces: int = -1


class CardStopped(Event, frozen=True):
    """A card of the member was blocked."""

    TOPIC: ClassVar[str] = "card-blocked"
    captured_at: Instant
    card: int
    reason: str


class PointsRedeemed(Event, frozen=True):
    """Points were turned into money off or a gift; the lots that paid are named."""

    TOPIC: ClassVar[str] = "redeemed"
    captured_at: Instant
    points: int
    takes: tuple[Take, ...]
    value_minor: int
    """Money off; 0 for a gift."""
    gift: str
    store: str
    programme: int
    command: str


class PointsAdjusted(Event, frozen=True):
    """Staff added points (`points` above zero, into a lot) or took them (`takes`)."""

    TOPIC: ClassVar[str] = "adjusted"
    captured_at: Instant
    points: int
    takes: tuple[Take, ...]
    activates_at: Instant
    expires_at: Instant
    reason: str
    author: str
    programme: int
    command: str
    repaid: int = 0


class TierChanged(Event, frozen=True):
    """The member's tier changed; it is kept at least until `until`."""

    TOPIC: ClassVar[str] = "tier"
    captured_at: Instant
    tier: str
    until: Instant
    qualifying: int
    programme: int


class ComplaintOpened(Event, frozen=True):
    """The member complained about a line of a receipt (`line` counts from 1)."""

    TOPIC: ClassVar[str] = "complaint-opened"
    captured_at: Instant
    complaint: bytes
    receipt: bytes
    line: int
    reason: str
    author: str


class ComplaintAnswered(Event, frozen=True):
    """The service desk answered."""

    TOPIC: ClassVar[str] = "complaint-answered"
    captured_at: Instant
    complaint: bytes
    answer: str
    author: str


class ComplaintResolved(Event, frozen=True):
    """The complaint is closed, with points as compensation or none."""

    TOPIC: ClassVar[str] = "complaint-resolved"
    captured_at: Instant
    complaint: bytes
    resolution: str
    author: str
    points: int
    activates_at: Instant
    expires_at: Instant
    programme: int
    repaid: int = 0


# --- the receipt stream ----------------------------------------------------------------


class ReceiptClaimed(Event, frozen=True):
    """The key is used; the scan lies in the member's stream at this version."""

    TOPIC: ClassVar[str] = "claim"
    member: bytes
    version: int
    fingerprint: bytes


class ReceiptUnclaimed(Event, frozen=True):
    """A receipt without a member: the receipt stream carries its lines."""

    TOPIC: ClassVar[str] = "unclaimed"
    scan: Scan
    fingerprint: bytes
    why: int
    card: bytes = b""


class ReceiptGiven(Event, frozen=True):
    """The receipt was attributed to a member."""

    TOPIC: ClassVar[str] = "given"
    member: bytes
    version: int


class LinesReturned(Event, frozen=True):
    """Lines of this receipt came back on another; no member is touched by this event."""

    TOPIC: ClassVar[str] = "lines-returned"
    by: bytes
    lines: tuple[int, ...]
    quantities: tuple[int, ...]
    amounts_minor: tuple[int, ...]


# --- card, command and programme streams -----------------------------------------------


class CardSeen(Event, frozen=True):
    """A card nobody holds was used on a receipt, which will follow it."""

    TOPIC: ClassVar[str] = "card-seen"
    receipt: bytes


class CardOwned(Event, frozen=True):
    """The card is this member's."""

    TOPIC: ClassVar[str] = "card-owned"
    member: bytes


class CommandClaimed(Event, frozen=True):
    """A command id is used; its outcome lies in this stream at this version."""

    TOPIC: ClassVar[str] = "command"
    fingerprint: bytes
    stream: bytes
    version: int


class ProgrammePublished(Event, frozen=True):
    """A programme takes effect; its number is its place in this stream."""

    TOPIC: ClassVar[str] = "programme"
    effective_at: Instant
    text: str
    digest: bytes


# --- job streams -----------------------------------------------------------------------


class JobSeen(Event, frozen=True):
    """A scheduler met the job for the first time; what was due before is not missed."""

    TOPIC: ClassVar[str] = "job-seen"
    job: str
    captured_at: Instant


class JobStarted(Event, frozen=True):
    """A scheduler took the job's turn, to begin what was due or to go on with it."""

    TOPIC: ClassVar[str] = "job-started"
    due_at: Instant
    since: Instant
    """The first due instant that this run stands for; 0 for all before."""
    captured_at: Instant
    lease_until: Instant
    by: str


class JobStepped(Event, frozen=True):
    """One chunk of a run was worked off; it lies in the stream of the run."""

    TOPIC: ClassVar[str] = "job-stepped"
    turn: int
    captured_at: Instant
    lease_until: Instant
    cursor: bytes
    effects: int
    unchanged: int
    refused: int
    refusals: tuple[tuple[bytes, str], ...] = ()
    """Who was refused and why, as far as they are kept."""


class JobLeft(Event, frozen=True):
    """The turn was given up before the end; the next one goes on from the last chunk."""

    TOPIC: ClassVar[str] = "job-left"
    due_at: Instant
    captured_at: Instant
    why: str


class JobDone(Event, frozen=True):
    """What was due at this instant is done, with the sums of its chunks."""

    TOPIC: ClassVar[str] = "job-done"
    due_at: Instant
    captured_at: Instant
    effects: int
    unchanged: int
    refused: int
    refusals: tuple[tuple[bytes, str], ...] = ()


EVENTS: tuple[type[Event], ...] = (
    ReceiptScanned,
    ReceiptAttributed,
    GoodsReturned,
    MemberEnrolled,
    CardLinked,
    CardStopped,
    PointsRedeemed,
    PointsAdjusted,
    TierChanged,
    ComplaintOpened,
    ComplaintAnswered,
    ComplaintResolved,
    ReceiptClaimed,
    ReceiptUnclaimed,
    ReceiptGiven,
    LinesReturned,
    CardSeen,
    CardOwned,
    CommandClaimed,
    ProgrammePublished,
    JobSeen,
    JobStarted,
    JobStepped,
    JobLeft,
    JobDone,
)
TOPICS: dict[str, type[Event]] = {event.TOPIC: event for event in EVENTS}
