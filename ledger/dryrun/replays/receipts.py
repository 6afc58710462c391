"""Receipts and what comes back of them, decided anew from what the till said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from ledger import events as e
from ledger.calendar import EPOCH
from ledger.commands.attribution import Attribute
from ledger.commands.goods import lines_of, loose_of
from ledger.commands.record_receipt import RecordReceipt
from ledger.dryrun.replays.parts import card_at, made_anew
from ledger.dryrun.world import Act, World, key_of
from ledger.types import Line, Receipt, Tender, date_of

_NO_CHOICE = (e.UNATTRIBUTED_ANONYMOUS, e.UNATTRIBUTED_UNKNOWN_CARD)


def _scanned(world: World, act: Act) -> None:
    event: e.ReceiptScanned = act.event
    card = card_at(world, act.stream, event.award.card)
    _recorded(world, act, event.scan, card, event.award)


def _unclaimed(world: World, act: Act) -> None:
    """Nobody's receipt stays one; one kept for review may earn under another programme."""
    event: e.ReceiptUnclaimed = act.event
    if event.why in _NO_CHOICE:
        world.copy(act)
    else:
        _recorded(world, act, event.scan, event.card, None)


def _recorded(world: World, act: Act, scan: e.Scan, card: bytes, recorded: e.Award | None) -> None:
    receipt = receipt_of(scan, card, world.currency)
    if recorded and (recorded.accepted or recorded.offers):
        # Awards of before it was recorded which lists were shown say it by their uses.
        shown = recorded.accepted or dict.fromkeys(use.barcode for use in recorded.offers)
        receipt = replace(receipt, offers=tuple(shown))
    made = world.decide(act, RecordReceipt(receipt, scan.historical).decide)
    award = _award(made)
    world.compare(act, recorded, award)


def _attributed(world: World, act: Act) -> None:
    event: e.ReceiptAttributed = act.event
    award = world.given.pop(event.receipt, None)
    if award is None:
        card = card_at(world, act.stream, event.award.card).hex()
        command = Attribute(key_of(event.receipt), card)
        award = _award(world.decide(act, command.decide))
    world.compare(act, event.award, award)


def receipt_of(scan: e.Scan, card: bytes, currency: str) -> Receipt:
    """The receipt as the till sent it; what it brought back is told by events of its own."""
    zone = dt.timezone(dt.timedelta(minutes=scan.offset_minutes))
    return Receipt(
        store=scan.store,
        lane=scan.lane,
        business_date=date_of(scan.business_day),
        number=scan.number,
        captured_at=(EPOCH + dt.timedelta(seconds=scan.captured_at)).astimezone(zone),
        currency=currency,
        lines=tuple(_lines(scan.goods)),
        card=card.hex(),
        cashier=scan.cashier,
        tenders=tuple(_tenders(scan)),
    )


def _lines(goods: e.Goods) -> Iterator[Line]:
    """As `lines_of`, with what came back loose as the till sent it."""
    loose, kinds = iter(loose_of(goods)), goods.kind_names
    for index, line in enumerate(lines_of(goods)):
        back = kinds and kinds[index] == "return" and index not in goods.voided
        yield next(loose) if back else line


def _tenders(scan: e.Scan) -> Iterator[Tender]:
    for index, (kind, amount) in enumerate(scan.tenders):
        yield Tender(kind, amount, scan.refs[index] if scan.refs else "")


def _award(made: list[e.Event]) -> e.Award | None:
    return next(
        (m.award for m in made if isinstance(m, (e.ReceiptScanned, e.ReceiptAttributed))), None
    )


REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.ReceiptScanned: _scanned,
    e.ReceiptUnclaimed: _unclaimed,
    e.ReceiptClaimed: made_anew,
    e.ReceiptAttributed: _attributed,
    e.ReceiptGiven: made_anew,
    e.CommandClaimed: made_anew,
}
