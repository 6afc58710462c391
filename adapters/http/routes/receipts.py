"""Receipts: recorded one by one or in batches, brought back, given to a member, quoted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Response
from litestar.params import JSONBody

from adapters.http import forms
from adapters.http.answers import done, recorded
from adapters.http.examples import NDJSON
from adapters.http.guard import Call, Ledger, in_store
from adapters.http.paths import acts
from adapters.http.problems import problem_of
from adapters.records import UNREADABLE, explain
from ledger.application import LoyaltyLedger
from ledger.commands.common import Outcome
from ledger.errors import InputInvalid, LedgerError
from ledger.types import Receipt

LARGEST_BATCH = 1 << 24
MOST_LINES = 2_000
_decode = msgspec.json.Decoder(Receipt).decode
_encode = msgspec.json.Encoder().encode


@acts("/v1/receipts", "record", awaited=True, later=True, tags=["receipts"])
async def record(request: Call, data: JSONBody[Receipt], ledger: Ledger) -> forms.Recorded:
    """Record a receipt, and what it earns.

    The receipt's own key (store, lane, business date, number) counts, whoever sends it and how
    often: the same receipt again is answered with its first outcome, another one under the same
    key is a conflict. No receipt is lost: without a card, with an unknown or a blocked one, it is
    recorded all the same, and `state` says so.
    """
    return await taken_in(request, data, ledger)


@acts(
    "/v1/receipts/batch", "batch", awaited=True, later=True, tags=["receipts"],
    request_max_body_size=LARGEST_BATCH, media_type=NDJSON, sent=NDJSON,
)  # fmt: skip
async def batch(request: Call, ledger: Ledger) -> Response[bytes]:
    """Record a journal: a receipt a line (NDJSON), up to 2,000 lines and 16 MiB.

    The answer has a line for each that is not blank, in their order: what was recorded, or why
    not. A refusal leaves its neighbours alone. Send the whole again after a lost answer.
    """
    lines = [
        (number, line)
        for number, line in enumerate((await request.body()).split(b"\n"), 1)
        if line.strip()
    ]
    if len(lines) > MOST_LINES:
        raise InputInvalid(f"Up to {MOST_LINES} lines.", field="body")
    read = [_read(request, line) for _, line in lines]
    receipts = [one for one in read if isinstance(one, Receipt)]
    answers = iter(await ledger.record_all_async(receipts))
    said = [next(answers) if isinstance(one, Receipt) else one for one in read]
    told = await asyncio.to_thread(
        lambda: [_told(ledger, n, one) for (n, _), one in zip(lines, said, strict=True)]
    )
    body = b"".join(_encode(line) + b"\n" for line in told)
    return Response(body, media_type=NDJSON)


async def taken_in(request: Call, receipt: Receipt, ledger: LoyaltyLedger) -> forms.Recorded:
    """Record a receipt for a caller."""
    in_store(request, receipt.store)
    outcome = await ledger.record_async(receipt)
    event = ledger.event_at_hand(outcome) or await asyncio.to_thread(ledger.event, outcome)
    return recorded(event, outcome)


def _read(request: Call, line: bytes) -> Receipt | LedgerError:
    try:
        receipt = _decode(line)
        in_store(request, receipt.store)
    except LedgerError as refusal:
        return refusal
    except UNREADABLE as error:
        field, message = explain(error)
        return InputInvalid(message, field=field)
    return receipt


def _told(ledger: LoyaltyLedger, number: int, said: Any) -> forms.BatchLine:
    if isinstance(said, Outcome):
        return forms.BatchLine(number, recorded(ledger.event(said), said))
    if isinstance(said, LedgerError):
        told = problem_of(said)
        return forms.BatchLine(
            number, None, told.code, told.detail or told.title, told.field, told.retryable
        )
    raise said


@acts("/v1/returns", "return", tags=["receipts"])
def take_back(request: Call, data: JSONBody[forms.Return], ledger: Ledger) -> forms.Returned:
    """Take goods of a receipt back: all of it, or quantities of its lines.

    A till that prints a receipt for the return sends that receipt instead, with `return_of`.
    """
    in_store(request, data.store or data.receipt.store)
    lines = {line.line: line.quantity for line in data.lines}
    if len(lines) < len(data.lines):
        raise InputInvalid("A line stands in it twice.", field="lines")
    outcome = ledger.return_goods(data.receipt.key, data.command_id, lines)
    event = ledger.event(outcome)
    points = sum(getattr(event, "points", ()))
    return forms.Returned(points, outcome.repeat, outcome.stream.hex(), outcome.version)


@acts("/v1/returns/void", "void-return", tags=["receipts"])
def void_return(request: Call, data: JSONBody[forms.VoidReturn], ledger: Ledger) -> forms.Done:
    """Take a return back."""
    in_store(request, data.by_receipt.store if data.by_receipt else data.receipt.store)
    if bool(data.by_command) == bool(data.by_receipt):
        raise InputInvalid("Name the command or the receipt that brought it.", field="by_command")
    by = data.by_receipt.key if data.by_receipt else data.by_command
    return done(ledger.void_return(data.receipt.key, by, data.command_id))


@acts("/v1/receipts/attribute", "attribute", tags=["receipts"])
def attribute(request: Call, data: JSONBody[forms.Attribute], ledger: Ledger) -> forms.Recorded:
    """Give a receipt without a member to a card's holder, who earns on it."""
    in_store(request, data.receipt.store)
    outcome = ledger.attribute(data.receipt.key, data.card)
    return recorded(ledger.event(outcome), outcome)


@acts("/v1/quote", "quote", tags=["receipts"])
def quote(request: Call, data: JSONBody[Receipt], ledger: Ledger) -> forms.Quoted:
    """What a basket would earn and cost before it is paid: nothing is recorded."""
    in_store(request, data.store)
    told, known = ledger.quote_and_inquire(data)
    rows = zip(told.points, told.member_discounts_minor, strict=True)
    return forms.Quoted(
        sum(told.points), tuple(forms.QuoteLine(*row) for row in rows), told.tier, told.available,
        known.offers,
    )  # fmt: skip


ROUTES: Sequence[Any] = (record, batch, take_back, void_return, attribute, quote)
