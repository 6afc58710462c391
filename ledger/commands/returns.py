"""Goods brought back: the receipt remembers what, the member's points go back.

What a receipt has earned in the end depends on what of it is sold, not on the order in which
sale, return and attribution were recorded: a return that comes first waits for its receipt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates import receipt as receipts
from ledger.aggregates.member.merging import origin_here
from ledger.aggregates.member.reversal import Reversal, reverse, reverse_loose
from ledger.aggregates.member.reviews import reverse_review
from ledger.aggregates.receipt import ReceiptState
from ledger.calendar import local_day
from ledger.commands.common import (
    Outcome,
    authored,
    claim,
    owner_of,
    present,
    resolve_member,
    rules_at,
    storable,
)
from ledger.commands.goods import scan_in
from ledger.commands.offers import offers_back
from ledger.commands.redeem import owned_streams
from ledger.commands.restoring import restore_share
from ledger.commands.settling import settle_tier, uncounted
from ledger.errors import AmountInvalid, LineUnknown, ReceiptUnknown, ReturnTooLarge
from ledger.policies.returns import loose_amount, loose_points
from ledger.policies.split import part_returned
from ledger.programme import Programme
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import MOST_MINOR, Instant, Line, ReceiptKey


class When(NamedTuple):
    """What brings goods back, when, and under which of the ledger's times it is recorded."""

    by: bytes
    at: Instant
    recorded_at: Instant | None


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
            ReceiptUnknown: there is no such receipt.
            LineUnknown, ReturnTooLarge, PointsSpent: see `return_lines`.
        """
        content = (tuple(self.receipt), sorted(self.lines.items()))
        claimed = claim(working, "return", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        receipt = working.keys.receipt(self.receipt)
        known = cast("ReceiptState | None", working.state(receipt))
        if known is None or not known.fingerprint:
            raise ReceiptUnknown(f"`{self.receipt}`", field="receipt")
        back = self._back(scan_in(working, receipt).goods, known)
        when = When(claimed.stream, working.now, None)
        return claimed.record(working, *return_lines(working, back, when))

    def _back(self, goods: e.Goods, known: ReceiptState) -> Back:
        """What is asked: the lines named, or all that did not come back yet."""
        so_far = known.returned
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


class ReturnLoose(NamedTuple):
    """Take goods back from a card's holder who has no receipt."""

    card: str
    amount_minor: int
    author: str
    command_id: str
    product: str = "-"
    category: str = ""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, the card and its member."""
        return owned_streams(working, "return-loose", self.command_id, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record the return, and take the points that such goods earn at the base rate.

        Raises:
            KeyConflict: the command id was used for another return.
            CardUnknown: nobody holds the card.
            AmountInvalid: it is not above zero, or beyond `MOST_MINOR`.
            InputInvalid: no author is given.
            PointsSpent: the points are spent, and the programme refuses such returns.
        """
        storable(author=self.author, product=self.product, category=self.category)
        stream, _ = owner_of(working, self.card)
        content = (stream, self.amount_minor, self.product, self.category)
        claimed = claim(working, "return-loose", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        if not 0 < self.amount_minor <= MOST_MINOR:
            msg = f"{self.amount_minor} asked, {MOST_MINOR} at most."
            raise AmountInvalid(msg, field="amount_minor")
        authored(self.author, "A return without receipt")
        line = Line(self.product, -1, -self.amount_minor, category=self.category, kind="return")
        when = When(claimed.stream, working.now, None)
        version = return_loose(working, stream, [line], when, self.author)
        return claimed.record(working, stream, version)


def return_loose(
    working: Working, member: bytes, lines: Sequence[Line], when: When, author: str = "",
    *, may_refuse: bool = True,
) -> int:  # fmt: skip
    """Record that a member brought goods back of which nobody knows the receipt.

    Raises:
        PointsSpent: the points are spent, and the programme refuses such returns.
    """
    now = working.now if when.recorded_at is None else when.recorded_at
    rules = rules_at(working, now)
    programme = rules.programme
    settle_tier(working, member, when.recorded_at)
    rate = programme.returns.without_receipt == "rate"
    points = loose_points(programme.earn, lines) if rate else 0
    took = NOTHING
    if points:
        state = present(working, member)
        took = reverse_loose(state, points, rules, now, may_refuse=may_refuse)
    amount = -sum(line.amount_minor for line in lines)
    event = e.GoodsReturnedLoose(
        when.by, when.at, local_day(when.at, programme.time_zone), amount, points, took.takes,
        took.arrears, took.forgiven, author, rules.number, _counted_loose(programme, lines),
    )  # fmt: skip
    return working.emit(member, event, when.recorded_at)


def _counted_loose(programme: Programme, lines: Sequence[Line]) -> int:
    """What such goods counted towards a tier; -1 where that is their points."""
    if programme.tiers is None or programme.tiers.measure == "points":
        return -1
    return loose_amount(programme.earn, lines)


NOTHING = Reversal((), 0, 0)


def return_lines(working: Working, back: Back, when: When) -> tuple[bytes, int]:
    """Record what comes back of a receipt, and take its points from whoever earned them.

    Returns where it was recorded: the member's stream, or the receipt's where nobody earned.

    Raises:
        LineUnknown: the receipt has no such line, or the line sold nothing.
        ReturnTooLarge: more than was bought and not yet returned; says what is left.
        PointsSpent: the points are spent, and the programme refuses such returns.
    """
    receipt = working.keys.receipt(back.receipt)
    known = cast("ReceiptState | None", working.state(receipt))
    lines = tuple(sorted(back.quantities))
    quantities = tuple(back.quantities[line] for line in lines)
    amounts = tuple(back.amounts_minor.get(line, 0) for line in lines)
    if known is None or not known.fingerprint:
        waits = e.ReturnWaits(when.by, when.at, lines, quantities, amounts)
        return receipt, working.emit(receipt, waits, when.recorded_at)
    goods = scan_in(working, receipt).goods
    _check(goods, known, back)
    amounts = _within(goods, known, lines, amounts)
    came = receipts.Back(when.by, lines, quantities, amounts, 0)
    return _record(working, receipt, came, when)


def returns_that_waited(working: Working, receipt: bytes, recorded_at: Instant | None) -> None:
    """Take off a receipt just recorded what had come back before it; never more than it sold."""
    known = cast("ReceiptState", working.state(receipt))
    if not known.waiting:
        return
    goods = scan_in(working, receipt).goods
    for waits in known.waiting:
        so_far = cast("ReceiptState", working.state(receipt)).returned
        fits = [
            (line, min(quantity, _sold(goods, line) - so_far.get(line, 0)), amount)
            for line, quantity, amount in zip(
                waits.lines, waits.quantities, waits.amounts_minor, strict=True
            )
        ]
        fits = [fit for fit in fits if fit[1] > 0]
        if fits:
            lines, quantities, amounts = (tuple(column) for column in zip(*fits, strict=True))
            state = cast("ReceiptState", working.state(receipt))
            amounts = _within(goods, state, lines, amounts)
            came = receipts.Back(waits.by, lines, quantities, amounts, 0)
            when = When(waits.by, waits.captured_at, recorded_at)
            _record(working, receipt, came, when, may_refuse=False)


def returns_before_award(
    working: Working, receipt: bytes, member: bytes, awarded: tuple[e.Award, e.Scan], when: When
) -> tuple[int, ...]:
    """Take off a receipt just attributed what had come back before; versions of the events."""
    known = cast("ReceiptState", working.state(receipt))
    award, scan = awarded
    so_far: dict[int, int] = {}
    versions = []
    for came in known.backs:
        taking = Taking(member, award, scan.day, scan.goods, dict(so_far))
        versions.append(
            _take_back(working, receipt, came, taking, when._replace(by=came.by), may_refuse=False)
        )
        for line, quantity in zip(came.lines, came.quantities, strict=True):
            so_far[line] = so_far.get(line, 0) + quantity
    return tuple(versions)


class Taking(NamedTuple):
    """Whose points are taken back, by which award, and what had come back before."""

    member: bytes
    award: e.Award
    day: int
    goods: e.Goods
    so_far: Mapping[int, int]


def _record(
    working: Working, receipt: bytes, came: receipts.Back, when: When, *, may_refuse: bool = True
) -> tuple[bytes, int]:
    known = cast("ReceiptState", working.state(receipt))
    stream, version = receipt, 0
    if known.member:
        award, day = awarded_by(working, known)
        goods = scan_in(working, receipt).goods
        stream = resolve_member(working, known.member)
        taking = Taking(stream, award, day, goods, known.returned)
        version = _take_back(working, receipt, came, taking, when, may_refuse=may_refuse)
    event = e.LinesReturned(
        came.by, came.lines, came.quantities, came.amounts_minor, version,
        stream if version and stream != known.member else b"",
    )  # fmt: skip
    own = working.emit(receipt, event, when.recorded_at)
    restore_share(working, receipt, when.recorded_at)
    return stream, version or own


def _take_back(
    working: Working, receipt: bytes, came: receipts.Back, taking: Taking, when: When,
    *, may_refuse: bool = True,
) -> int:  # fmt: skip
    now = working.now if when.recorded_at is None else when.recorded_at
    settle_tier(working, taking.member, when.recorded_at)
    rules = rules_at(working, now)
    points = points_back(taking, came)
    known = cast("ReceiptState", working.state(receipt))
    review = reverse_review(taking.award, known.decision, known.reduced, sum(points))
    if review.from_review:
        working.emit(receipt, e.ReviewReduced(came.by, review.from_review), when.recorded_at)
    member = present(working, taking.member)
    origin = origin_here(member, known.member, e.ORIGIN_SCAN)
    took = reverse(
        member, taking.award, review.rest, rules, now, may_refuse=may_refuse, origin=origin
    )
    counted = (
        0 if waits(taking.award, known)
        else uncounted(working, receipt, taking.award, came, taking.so_far)
    )  # fmt: skip
    offers = (
        offers_back(
            working,
            known,
            taking.award,
            taking.goods,
            came,
            local_day(when.at, rules.programme.time_zone),
        )
        if taking.award.offers
        else ()
    )
    event = e.GoodsReturned(
        receipt, came.by, when.at, came.lines, came.amounts_minor, points, took.takes,
        took.arrears, took.forgiven + review.denied, taking.day, rules.number, counted,
        review.from_review, offers,
    )  # fmt: skip
    return working.emit(taking.member, event, when.recorded_at)


def points_back(taking: Taking, came: receipts.Back) -> tuple[int, ...]:
    """The points of each line that go back, counted on the running sum of what came back."""
    if not taking.award.points:
        return (0,) * len(came.lines)
    return tuple(
        part_returned(
            taking.award.points[line], taking.goods.quantities[line],
            taking.so_far.get(line, 0), quantity,
        )
        for line, quantity in zip(came.lines, came.quantities, strict=True)
    )  # fmt: skip


def waits(award: e.Award, known: ReceiptState) -> bool:
    """Whether an award never reached the member: it waits for review, or was denied."""
    return bool(award.review) and known.decision != e.DECISION_APPROVED


def awarded_by(working: Working, known: ReceiptState) -> tuple[e.Award, int]:
    """The award of a receipt, and the day it counts for."""
    event = working.event(known.member, known.version)
    if isinstance(event, e.ReceiptScanned):
        return event.award, event.scan.day
    return event.award, event.day


def _sold(goods: e.Goods, line: int) -> int:
    """How much a line sold; 0 for one that sold nothing."""
    if not 0 <= line < len(goods.quantities) or line in goods.voided:
        return 0
    return max(0, goods.quantities[line])


def _within(
    goods: e.Goods, known: ReceiptState, lines: Sequence[int], amounts: Sequence[int]
) -> tuple[int, ...]:
    """The money given back, never more than was paid for the line."""
    so_far = known.returned_minor
    return tuple(
        min(amount, max(0, goods.amounts_minor[line] - so_far.get(line, 0)))
        for line, amount in zip(lines, amounts, strict=True)
    )


def _check(goods: e.Goods, known: ReceiptState, back: Back) -> None:
    so_far = known.returned
    for line, quantity in back.quantities.items():
        if not _sold(goods, line):
            raise LineUnknown(f"Line {line + 1}.", field="line")
        left = goods.quantities[line] - so_far.get(line, 0)
        if not 0 < quantity <= left:
            raise ReturnTooLarge(
                f"Line {line + 1}: {quantity} asked, {left} left.", field="quantity"
            )
    if not back.quantities:
        raise ReturnTooLarge("Everything came back already.", field="quantity")
