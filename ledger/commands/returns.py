"""Goods brought back: the receipt remembers how many, the member's points go back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.member.merging import origin_here
from ledger.aggregates.member.points import reverse
from ledger.aggregates.receipt import ReceiptState
from ledger.commands.common import Outcome, claim, member_of, resolve_member, rules_at
from ledger.errors import LineUnknown, ReceiptUnknown, ReturnTooLarge
from ledger.policies.split import part_returned
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Instant, ReceiptKey


class Back(NamedTuple):
    """What of one receipt comes back; lines count from 0, quantities and amounts are positive."""

    receipt: ReceiptKey
    quantities: dict[int, int]
    amounts_minor: dict[int, int]


class ReturnGoods(NamedTuple):
    """Bring back a whole receipt (`lines` empty) or some of its lines (counted from 1)."""

    receipt: ReceiptKey
    command_id: str
    lines: Mapping[int, int] = {}
    """Line to quantity."""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, the receipt and its member."""
        keys = working.keys
        receipt = keys.receipt(self.receipt)
        known = cast("ReceiptState | None", working.known(receipt))
        member = (known.member,) if known and known.member else ()
        return (PROGRAMME_STREAM, keys.command("return", self.command_id), receipt, *member)

    def decide(self, working: Working) -> Outcome:
        """Record the return.

        Raises:
            KeyConflict: the command id was used for another return.
            ReceiptUnknown, LineUnknown, ReturnTooLarge, PointsSpent: see `return_lines`.
        """
        content = (tuple(self.receipt), sorted(self.lines.items()))
        claimed = claim(working, "return", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        back = self._back(working)
        stream, version = return_lines(working, back, claimed.stream, working.now, None)
        return claimed.record(working, stream, version)

    def _back(self, working: Working) -> Back:
        """What is asked: the lines named, or all that did not come back yet."""
        receipt = working.keys.receipt(self.receipt)
        known = cast("ReceiptState | None", working.state(receipt))
        if known is None:
            raise ReceiptUnknown(f"`{self.receipt}`", field="receipt")
        goods = _scan(working, receipt, known).goods
        so_far = dict(known.returned)
        asked = {line - 1: quantity for line, quantity in self.lines.items()}
        if not asked:
            asked = {
                index: quantity - so_far.get(index, 0)
                for index, quantity in enumerate(goods.quantities)
                if quantity > so_far.get(index, 0) and index not in goods.voided
            }
        amounts = {
            index: part_returned(
                goods.amounts_minor[index], goods.quantities[index], so_far.get(index, 0), quantity
            )
            for index, quantity in asked.items()
            if 0 <= index < len(goods.quantities) and goods.quantities[index] > 0
        }
        return Back(self.receipt, asked, amounts)


def return_lines(
    working: Working, back: Back, by: bytes, at: Instant, recorded_at: Instant | None
) -> tuple[bytes, int]:
    """Record what comes back of a receipt, and take its points from whoever earned them.

    Returns where it was recorded: the member's stream, or the receipt's where nobody earned.

    Raises:
        ReceiptUnknown: the receipt was never recorded.
        LineUnknown: it has no such line, or the line sold nothing.
        ReturnTooLarge: more than was bought and not yet returned; says what is left.
        PointsSpent: the points are spent, and the programme refuses such returns.
    """
    receipt = working.keys.receipt(back.receipt)
    known = cast("ReceiptState | None", working.state(receipt))
    if known is None or not known.fingerprint:
        raise ReceiptUnknown(f"`{back.receipt}`", field="return_of")
    goods = _scan(working, receipt, known).goods
    _check(goods, known, back)
    lines = tuple(sorted(back.quantities))
    quantities = tuple(back.quantities[line] for line in lines)
    amounts = tuple(back.amounts_minor.get(line, 0) for line in lines)
    version = working.emit(receipt, e.LinesReturned(by, lines, quantities, amounts), recorded_at)
    if not known.member:
        return receipt, version
    owner = resolve_member(working, known.member)
    return owner, _take_back(working, receipt, known, goods, back, (by, at, recorded_at))


def _take_back(
    working: Working, receipt: bytes, known: ReceiptState, goods: e.Goods, back: Back,
    when: tuple[bytes, Instant, Instant | None],
) -> int:  # fmt: skip
    by, at, recorded_at = when
    awarded, day = _awarded(working, known)
    owner = resolve_member(working, known.member)
    member = member_of(working, owner)
    origin = origin_here(member, known.member, e.ORIGIN_SCAN)
    now = working.now if recorded_at is None else recorded_at
    rules = rules_at(working, now)
    so_far, unearned = dict(known.returned), dict(known.before_award)
    lines = tuple(sorted(back.quantities))
    points = tuple(
        part_returned(
            awarded.points[line],
            goods.quantities[line] - unearned.get(line, 0),
            so_far.get(line, 0) - unearned.get(line, 0),
            back.quantities[line],
        )
        if awarded.points
        else 0
        for line in lines
    )
    took = reverse(member, awarded, sum(points), rules, now, origin)
    amounts = tuple(back.amounts_minor.get(line, 0) for line in lines)
    event = e.GoodsReturned(
        receipt, by, at, lines, amounts, points, took.takes, took.arrears, took.forgiven, day,
        rules.number,
    )  # fmt: skip
    return working.emit(owner, event, recorded_at)


def _scan(working: Working, receipt: bytes, known: ReceiptState) -> e.Scan:
    """The lines of a receipt: in the member's event, or in its own where it had no member."""
    if known.why >= 0:
        return cast("e.ReceiptUnclaimed", working.event(receipt, 1)).scan
    return cast("e.ReceiptScanned", working.event(known.member, known.version)).scan


def _awarded(working: Working, known: ReceiptState) -> tuple[e.Award, int]:
    event = working.event(known.member, known.version)
    if isinstance(event, e.ReceiptScanned):
        return event.award, event.scan.day
    return event.award, event.day


def _check(goods: e.Goods, known: ReceiptState, back: Back) -> None:
    so_far = dict(known.returned)
    for line, quantity in back.quantities.items():
        if (
            not 0 <= line < len(goods.quantities)
            or goods.quantities[line] < 0
            or line in goods.voided
        ):
            raise LineUnknown(f"Line {line + 1}.", field="line")
        left = goods.quantities[line] - so_far.get(line, 0)
        if not 0 < quantity <= left:
            raise ReturnTooLarge(
                f"Line {line + 1}: {quantity} asked, {left} left.", field="quantity"
            )
    if not back.quantities:
        raise ReturnTooLarge("Everything came back already.", field="quantity")
