"""The five verbs that tills speak: search, inquire, accrue, redeem, reverse.

What a till does after a lost answer decides what counts as the same. A failed *accrue* comes again
under another transaction: the receipt's own key counts. A failed *redeem* does not come again: it is
done under its transaction, and *reverse* finds it by that, whether or not its answer arrived. A failed
*reverse* comes again under the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from litestar.params import JSONBody
from msgspec import Meta, Struct

from adapters.http import forms
from adapters.http.answers import redeemed
from adapters.http.guard import Call, Ledger, in_store
from adapters.http.paths import acts
from adapters.http.routes.members import told
from adapters.http.routes.points import let_pay_late
from adapters.http.routes.receipts import taken_in
from ledger.errors import InputInvalid
from ledger.types import Receipt, ReceiptRef


class Search(forms.Sent, frozen=True):
    """Whom the guest names: a card, an e-mail address or a telephone number."""

    card: forms.Store = ""
    identity: Annotated[str, Meta(max_length=200)] = ""


class Found(Struct, frozen=True):
    """Members that fit: none or one."""

    members: list[str]


class Inquire(forms.Sent, frozen=True):
    """A card, and the basket where there is one yet."""

    card: forms.Word
    basket: Receipt | None = None


class Answer(Struct, frozen=True):
    """What the holder has, and what the basket would earn."""

    member: forms.Inquired
    would_earn: int


class Accrue(forms.Sent, frozen=True):
    """A receipt that was paid."""

    transaction: forms.Transaction
    receipt: Receipt


class Reverse(forms.Sent, frozen=True):
    """Undo a redeem by its transaction, or all of a receipt that was accrued."""

    transaction: forms.Transaction
    store: forms.Word
    redeem: Annotated[str, Meta(max_length=100)] = ""
    receipt: ReceiptRef | None = None


class Reversed(Struct, frozen=True):
    """What was undone."""

    what: Literal["redeem", "accrue"]
    repeat: bool


@acts("/v1/till/search", "inquire", tags=["till"])
def search(request: Call, data: JSONBody[Search], ledger: Ledger) -> Found:
    """Find the member that a guest names."""
    if bool(data.card) == bool(data.identity):
        raise InputInvalid("Name a card or an identity.", field="card")
    found = ledger.member_with(data.identity) if data.identity else ledger.holder_of(data.card)
    request.state.subject = found or b""
    return Found([found.hex()] if found else [])


@acts("/v1/till/inquire", "inquire", tags=["till"])
def inquire(request: Call, data: JSONBody[Inquire], ledger: Ledger) -> Answer:
    """What a card's holder has, and what the basket would earn."""
    known = ledger.inquire(data.card)
    request.state.subject = known.member
    earns = 0
    if data.basket:
        in_store(request, data.basket.store)
        earns = sum(ledger.quote(data.basket).points)
    return Answer(told(known), earns)


@acts("/v1/till/accrue", "record", awaited=True, later=True, tags=["till"])
async def accrue(request: Call, data: JSONBody[Accrue], ledger: Ledger) -> forms.Recorded:
    """Record a receipt: once, under whatever transaction it comes."""
    return await taken_in(request, data.receipt, ledger)


@acts("/v1/till/redeem", "redeem", tags=["till"])
def redeem(request: Call, data: JSONBody[forms.Burn], ledger: Ledger) -> forms.Redeemed:
    """Let points pay. The transaction names it, so a burn whose answer was lost can be undone."""
    in_store(request, data.store)
    named = _named(data.store, data.transaction)
    if data.allowance or data.captured_at:
        return redeemed(request, ledger, let_pay_late(ledger, data, named, data.store))
    outcome = ledger.redeem(
        data.card, named, points=data.points, store=data.store, basket_minor=data.basket_minor
    )
    return redeemed(request, ledger, outcome)


@acts("/v1/till/reverse", "undo-redemption", tags=["till"])
def reverse(request: Call, data: JSONBody[Reverse], ledger: Ledger) -> Reversed:
    """Undo a redeem, or take back all that a receipt brought; again under the same transaction."""
    in_store(request, data.store)
    if bool(data.redeem) == bool(data.receipt):
        raise InputInvalid("Name the redeem or the receipt.", field="redeem")
    if data.receipt:
        outcome = ledger.return_goods(data.receipt.key, _named(data.store, data.transaction))
        return Reversed("accrue", outcome.repeat)
    named = _named(data.store, data.redeem)
    outcome = ledger.undo_redemption(named, "reversed at the till", request.user.holder)
    request.state.subject = outcome.stream
    return Reversed("redeem", outcome.repeat)


def _named(store: str, transaction: str) -> str:
    """Tills of different stores may count their transactions alike."""
    return f"till:{store}:{transaction}"


ROUTES: Sequence[Any] = (search, inquire, accrue, redeem, reverse)
