"""Members: what a till or a desk may know of one, and their cards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

from litestar.params import FromQuery, JSONBody, Parameter
from msgspec import Struct

from adapters.http import forms
from adapters.http.answers import about
from adapters.http.guard import Call, Ledger, in_store
from adapters.http.paths import acts, reads
from ledger.calendar import instant_of, moment_of
from ledger.commands.inquire import Inquiry
from ledger.types import Instant, Personal

Card = Annotated[str, Parameter(min_length=1, max_length=64, description="The card's number.")]


class Movement(Struct, frozen=True):
    """One line of a statement."""

    captured_at: dt.datetime
    kind: str
    points: int
    reason: str
    receipt: str | None
    amount_minor: int | None


class Statement(Struct, frozen=True):
    """The movements of a member's points."""

    member_id: str
    movements: list[Movement]


class MemberTold(Struct, frozen=True):
    """What a service desk sees; `personal` is null where it was erased or never given."""

    member_id: str
    tier: str
    available: int
    pending: int
    held: int
    arrears: int
    in_review: int
    cards: int
    standing: str
    kind: str
    personal: Personal | None


@reads("/v1/members/{card:str}/balance", "inquire", tags=["members"])
def balance(request: Call, card: Card, ledger: Ledger) -> forms.Inquired:
    """Points, tier and offers of a card's holder, as the ledger would decide on them now."""
    known = ledger.inquire(card)
    request.state.subject = known.member
    return told(known)


@reads("/v1/members/{card:str}/statement", "statement", tags=["members"])
def statement(
    request: Call, card: Card, ledger: Ledger,
    since: FromQuery[dt.datetime | None] = None, until: FromQuery[dt.datetime | None] = None,
) -> Statement:  # fmt: skip
    """Every movement of a member's points, with its reason."""
    stream = ledger.member_of(card)
    request.state.subject = stream
    bounds = {}
    if since:
        bounds["since"] = _instant(since)
    if until:
        bounds["until"] = _instant(until)
    rows = ledger.statement(card, **bounds)
    return Statement(
        stream.hex(),
        [
            Movement(
                moment_of(r.captured_at), r.kind, r.points, r.reason, r.receipt, r.amount_minor
            )
            for r in rows
        ],
    )


@reads("/v1/members/{card:str}", "personal", tags=["members"])
def member(request: Call, card: Card, ledger: Ledger) -> MemberTold:
    """A member with personal data; who looked is kept."""
    seen = ledger.member(card)
    request.state.subject = bytes.fromhex(seen.member_id)
    b = seen.balance
    return MemberTold(
        seen.member_id, seen.tier, b.available, b.pending, b.held, b.arrears, b.in_review,
        seen.cards, seen.standing, seen.kind, seen.personal,
    )  # fmt: skip


@acts("/v1/members", "enrol", tags=["members"])
def enrol(request: Call, data: JSONBody[forms.Enrol], ledger: Ledger) -> forms.Done:
    """Make a member of a card's holder; receipts that wait for the card are given to them."""
    store = in_store(request, data.store)
    personal = Personal("", data.name, data.email, data.phone, data.birthday)
    return about(request, ledger.enrol(data.card, personal, store))


@acts("/v1/members/{card:str}/cards", "link-card", tags=["members"])
def link_card(
    request: Call, card: Card, data: JSONBody[forms.NewCard], ledger: Ledger
) -> forms.Done:
    """Give a member one more card."""
    return about(request, ledger.link_card(card, data.card))


@acts("/v1/members/{card:str}/replace", "replace-card", tags=["members"])
def replace_card(
    request: Call, card: Card, data: JSONBody[forms.NewCard], ledger: Ledger
) -> forms.Done:
    """Give a member a new card in place of this one, which stops."""
    return about(request, ledger.replace_card(card, data.card))


@acts("/v1/members/{card:str}/block", "block-card", tags=["members"])
def block_card(
    request: Call, card: Card, data: JSONBody[forms.Block], ledger: Ledger
) -> forms.Done:
    """Stop a card."""
    return about(request, ledger.block_card(card, data.reason))


def told(known: Inquiry) -> forms.Inquired:
    """An inquiry as it is answered."""
    return forms.Inquired(
        known.member.hex(), known.available, known.pending, known.held, known.arrears, known.tier,
        moment_of(known.next_expiry) if known.next_expiry else None, known.next_expiry_points,
        known.offers, known.card_stopped,
    )  # fmt: skip


def _instant(at: dt.datetime) -> Instant:
    """Without an offset it is UTC."""
    return instant_of(at if at.tzinfo else at.replace(tzinfo=dt.UTC))


ROUTES: Sequence[Any] = (balance, statement, member, enrol, link_card, replace_card, block_card)
