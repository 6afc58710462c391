"""What tests of the door share: receipts in one line, and what must always hold."""

import datetime as dt
import itertools
from types import SimpleNamespace

from ledger.aggregates.member.state import TOTALS
from ledger.projections.balance import FCT_LOT, FCT_MEMBER_POINTS
from ledger.types import Line, LineRef, Receipt, ReceiptKey, Tender, day_of

DAY = 86_400
NOW = 1_767_225_600
"""2026-01-01 00:00 UTC, where the clock of the tests stands."""
_numbers = itertools.count(1)


def line(amount_minor=1000, product="1", quantity=1, **fields):
    return Line(product, quantity, amount_minor, **fields)


def receipt(*lines, card=None, at=NOW, number=None, amount=None, **fields):
    """A receipt captured at an instant, by default of one line with a number of its own."""
    captured = dt.datetime.fromtimestamp(at, dt.UTC)
    return Receipt(
        store=fields.pop("store", "s1"),
        lane=fields.pop("lane", "1"),
        business_date=fields.pop("business_date", captured.date()),
        number=number or f"n{next(_numbers)}",
        captured_at=fields.pop("captured_at", captured),
        currency=fields.pop("currency", "EUR"),
        lines=lines or (line(1000 if amount is None else amount),),
        card=card,
        **fields,
    )


def key(bought):
    return ReceiptKey(bought.store, bought.lane, day_of(bought.business_date), bought.number)


def back(bought, number=1, quantity=1, amount_minor=None, **fields):
    """A line that brings back a line (counted from 1) of an earlier receipt."""
    ref = LineRef(bought.store, bought.lane, bought.business_date, bought.number, number)
    of = bought.lines[number - 1]
    amount = of.amount_minor * quantity // of.quantity if amount_minor is None else amount_minor
    return Line(of.product, -quantity, -amount, unit=of.unit, return_of=ref, **fields)


def cash(amount_minor):
    return Tender("cash", amount_minor)


def points_of(ledger, card, at=None):
    return ledger.balance(card, at).available


def tally(ledger, card):
    """The sums of a member in the reporting tables, its lots among them."""
    stream = ledger.member_of(card)
    with ledger.reading() as reader:
        lots = reader._rows(
            "SELECT expires_at, activates_at, origin, points FROM {t}"
            " WHERE member_id = ? AND points <> 0 ORDER BY 1, 2, 3",
            FCT_LOT,
            (stream,),
        )
        names = [column.name for column in FCT_MEMBER_POINTS.columns[1:-1]]
        rows = reader._rows(
            f"SELECT {', '.join(names)} FROM {{t}} WHERE member_id = ?",
            FCT_MEMBER_POINTS,
            (stream,),
        )
    sums = rows[0] if rows else [0] * len(names)
    lots = [tuple(int(v) for v in lot) for lot in lots]
    return SimpleNamespace(lots=lots, **dict(zip(names, map(int, sums), strict=True)))


def conserved(ledger, card):
    """Law 3 for one member: from the tables, from the state, and both the same."""
    sums = tally(ledger, card)
    came = sums.earned + sums.adjusted_in + sums.transferred_in + sums.restored
    left = sum(lot[3] for lot in sums.lots)
    went = left + sums.held + sums.in_review + sums.redeemed + sums.expired + sums.reversed
    went += sums.adjusted_out + sums.transferred_out
    assert came + sums.reinstated + sums.arrears == went
    assert all(lot[3] > 0 for lot in sums.lots)
    assert sums.arrears >= 0
    state = ledger._state(ledger.member_of(card))
    for name in TOTALS:
        assert getattr(state, name) == getattr(sums, name), name
    held = {(lot.expires_at, lot.activates_at, lot.origin): lot.points for lot in state.lots}
    told = {lot[:3]: lot[3] for lot in sums.lots}
    lapsed = sum(points for lot, points in told.items() if lot not in held)
    assert lapsed + sums.expired == state.lapsed
    assert held == {lot: points for lot, points in told.items() if lot in held}
    now = ledger.clock()
    balance = ledger.balance(card, now)
    there = balance.available + balance.pending + balance.expired + balance.held
    assert there == left + sums.expired + sums.held  # a hold may be over and nobody recorded it
    assert balance.arrears == sums.arrears
    assert balance.in_review == sums.in_review


def snapshots_taken(ledger):
    """Wait for the snapshots of all that was answered: nobody else does."""
    ledger._writer.submit_all([]).result(30)
    ledger._writer._taken.result(30)
    due = list(ledger._writer._due.values())  # while others were taken; the next batch takes them
    if due:
        ledger.log.put_snapshots(due)


def claimed(ledger):
    """How many receipts begin with an event of their members."""
    return len({row.claims for row in ledger.log.read(0, 100_000) if row.claims})
