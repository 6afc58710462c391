"""The unusual, built on `oracle` and told as naively.

Gifts and vouchers, what is undone, complaints, loose and voided returns, points that activity moves.
"""
import datetime as dt
from collections import Counter
from types import SimpleNamespace as Thing

from tests.oracle import Lot, Oracle, key_of, need


def cut(lots, first, last):  # the points number `first` to `last` of lots, in their order
    cuts, end = Counter(), 0
    for lot, points in lots:
        end += points
        cuts[lot] += max(0, min(end, last) - max(end - points, first))
    return +cuts
def part(whole, bought, before, now):  # of a line: what belongs to `now` pieces after `before` are gone
    return whole * (before + now) // bought - whole * before // bought

class FullOracle(Oracle):
    def ends(self, day):  # after months, at the end of the month
        rule = self.p["lots"]["expiry"]
        months = day.year * 12 + day.month + rule["after"]
        return super().ends(day) if rule["unit"] == "days" else self.midnight(dt.date(months // 12, months % 12 + 1, 1))

    # Activity makes points last longer: since when it follows activity in time, until when points last by it.
    def slid(self, m): return getattr(m, "slid", (0, 0))
    def lasts(self, m, lot):
        since, until = self.slid(m)
        return lot._replace(end=max(lot.end, until)) if lot.end > since else lot
    def lasting(self, m, lots):
        moved = Counter()
        for lot, points in lots.items(): moved[self.lasts(m, lot)] += points
        return moved
    def slide(self, m, day):
        if not self.p["lots"]["expiry"].get("slides"): return
        self.present(m)
        (since, before), until = self.slid(m), self.ends(day)
        unbroken = self.now < before
        until = max(until, before) if unbroken else until
        longer = [lot for lot in +m.lots if self.now < lot.end < until]
        if until <= self.now or not (longer or until > before): return
        m.slid = (since if unbroken else self.now, until)
        for lot in longer: m.lots[lot._replace(end=until)] += m.lots.pop(lot)

    # Members and receipts.
    def enrol(self, card, name=""):
        m = self.facts.members.get(card)
        if not m or name == m.name: super().enrol(card, name)
        elif name and not m.name: m.name, m.completed = name, True  # known by the card alone so far
        else: need(not name and getattr(m, "completed", False), "KeyConflict", False, "repeat")
    def sale(self, key): return self.facts.sales.setdefault(key, Thing(key=key, r=None, member=None, review=False, backs=[], waits=[]))
    def record(self, r, enrol=False):
        sale = self.sale(key_of(r))
        if sale.r: return super().record(r)
        if enrol and not self.card(r.card).owner: self.enrol(r.card)
        super().record(r)
        sale.review = bool(self.card(r.card).owner and not sale.member)  # blocked or late: it waits for a person
        for back in sale.waits:  # goods that came back first; never more than was sold
            left = self.left(sale, sale.backs)
            fits = +Counter({i: min(n, left.get(i, 0)) for i, n in back.lines.items()})
            if fits: self.come_back(sale, back.by, fits, refuse=False)
    def award(self, member, sale, at_once=False):
        super().award(member, sale, at_once)
        self.slide(self.facts.members[member], sale.r.captured_at.date())
        self.loose(member, sale.r.lines, self.day(sale.at), refuse=at_once)
    def attribute(self, receipt, card):
        need((sale := self.sale(receipt)).r, "ReceiptUnknown")
        _, member, _ = self.owner(card)
        need(sale.member in (None, member), "MemberConflict", not sale.member, "repeat", not sale.review, "ReceiptInReview",
             self.now - sale.at <= self.late, "CapturedTooLate")
        self.award(member, sale)

    # Returns: loose, before the sale, voided.
    def loose(self, member, lines, day, refuse=True):
        m, points = self.facts.members[member], sum(self.base(lines, "return"))
        self.review(m, self.now)
        if points: self.present(m)
        self.take_back(m, points, refuse=refuse)
        m.quals += [(day, -points)] * bool(points)
    def return_without_receipt(self, card, amount_minor, author, name, line):
        _, member, _ = self.owner(card)
        self.claim("loose", name, member, amount_minor, line.product)
        need(amount_minor > 0, "AmountInvalid", author, "InputInvalid")
        self.loose(member, [line], self.today)
    def come_back(self, sale, by, lines, refuse=True):
        if not sale.r: return sale.waits.append(Thing(by=by, lines=lines))
        left = self.left(sale, sale.backs)
        super().come_back(sale, by, lines, refuse)
        *before, back = sale.backs
        back.amounts = {i: self.refund(sale, by, i, left[i], n, before) for i, n in lines.items()}
        self.restore(sale)
    def refund(self, sale, by, i, left, n, before):  # what the till gave, or the pieces' share; never more than was paid
        sold, at_till = sale.r.lines[i], self.facts.sales.get(by)
        minor = part(sold.amount_minor, sold.quantity, sold.quantity - left, n)
        if at_till:
            lines = (x for x in at_till.r.lines if x.return_of and not x.voided and key_of(x.return_of) == sale.key)
            minor = -sum(x.amount_minor for x in lines if x.return_of.line == i + 1)
        return min(minor, max(0, sold.amount_minor - sum(b.amounts.get(i, 0) for b in before)))
    def reverse(self, sale, back, before, refuse):
        m = self.facts.members[sale.member]
        owed = m.owed
        super().reverse(sale, back, before, refuse)
        back.owed = m.owed - owed
        back.let_go = back.points - back.takes.total() - back.owed
    def void_return(self, receipt, by, name):
        self.claim("void", name, receipt, by)
        sale = self.sale(receipt)
        need(back := next((b for b in (sale.backs if sale.r else sale.waits) if b.by == by), None), "ReturnUnknown")
        if not sale.r: return sale.waits.remove(back)
        sale.backs.remove(back)
        if sale.member:  # what it took comes back, then what is owed for it; what it let go stays gone
            m, points = self.facts.members[sale.member], self.gone(sale, [*sale.backs, back]) - self.gone(sale, sale.backs)
            self.review(m, self.now)
            puts = self.lasting(m, cut(back.takes.items(), 0, points))
            rest = points - puts.total()
            off = min(rest, back.owed, m.owed)
            m.owed -= off
            puts[self.lasts(m, sale.lot)] += min(rest, back.owed) - off + max(0, rest - back.owed - back.let_go)
            m.lots.update(puts)
            m.quals += [(sale.r.captured_at.date(), points)] * bool(points)
        self.restore(sale)

    # What points paid comes back with the share of the goods that is back, or by hand.
    def claim(self, kind, name, *content, **fields):
        return super().claim(kind, name, *content, **{"undone": 0, "by_hand": False, "sale": None, "owed": 0, "used": "", "until": 0, **fields})
    def paid(self, name):
        hold = self.facts.ids.get(("hold", name))
        return self.facts.ids.get(("redeem", name)) or (hold if hold and hold.how == "settled" else None)
    def restore(self, sale):
        whole = sum(sale.r.lines[i].amount_minor for i in self.left(sale, []))
        back = sum(sum(b.amounts.values()) for b in sale.backs)
        for paid in filter(None, (self.paid(ref) for ref in dict.fromkeys(t.ref for t in sale.r.tenders if t.ref))):
            target, m = (paid.lots.total() + paid.owed) * min(back, whole) // (whole or 1), self.facts.members[paid.member]
            if paid.by_hand or paid.sale not in (None, sale.key) or target == paid.undone: continue
            if target > paid.undone: self.give_back(m, paid, target)
            else: self.pay_again(m, paid, target)
            paid.undone, paid.sale = target, sale.key
    def back_of(self, m, paid, before, after):  # what is owed is cancelled first, or comes back where it was repaid
        back = cut(reversed(paid.lots.items()), max(0, before - paid.owed), max(0, after - paid.owed))
        debt = min(after, paid.owed) - min(before, paid.owed)
        off = min(debt, m.owed)
        if debt > off: back[paid.held] += debt - off
        return self.lasting(m, back), off
    def give_back(self, m, paid, target):
        back, off = self.back_of(m, paid, paid.undone, target)
        m.owed -= off
        m.lots.update(back)
    def pay_again(self, m, paid, target):  # what expired meanwhile was paid with as it is
        self.present(m)
        back, points = self.back_of(m, paid, target, paid.undone)[0], paid.undone - target
        expired = sum(n for lot, n in back.items() if lot.end <= self.now)
        m.owed += self.take(m, points - expired, [(lot, points) for lot in sorted(back) if lot.end > self.now])[1]
    def undo_redemption(self, redemption, reason, author):
        need(paid := self.paid(redemption), "RedemptionUnknown")
        need(not paid.by_hand, "repeat", reason and author, "InputInvalid", not paid.used, "VoucherSpent")
        self.give_back(self.facts.members[paid.member], paid, paid.lots.total() + paid.owed)
        paid.undone, paid.by_hand = paid.lots.total() + paid.owed, True

    # Redemptions, gifts and vouchers, holds that slide, complaints.
    def redeem(self, card, name, points=0, gift="", voucher=""):
        (found, member, m), code = self.owner(card), gift or voucher
        paid = self.claim("redeem", name, member, points, gift, voucher)
        offer = {x["code"]: x for x in self.p["redeem"]["voucher" if voucher else "gift"]}.get(code)
        need(bool(points) + bool(gift) + bool(voucher) < 2, "InputInvalid", not found.stopped, "CardBlocked", offer or not code, "RedeemNotOffered")
        if not offer: self.cash(points)
        self.present(m)
        paid.lots, _ = self.take(m, offer["points"] if offer else points, refusal="PointsShort")
        paid.until = self.midnight(self.today, offer["valid_days"] + 1) if voucher else 0
        self.slide(m, self.today)
    def use_voucher(self, redemption, name):
        need((paid := self.facts.ids.get(("redeem", redemption))) and paid.until, "VoucherUnknown")
        need(paid.used != name, "repeat", not paid.used and not paid.by_hand, "VoucherSpent", self.now < paid.until, "VoucherExpired")
        paid.used = name
    def hold(self, card, points, name, minutes=0):
        super().hold(card, points, name, minutes)
        hold = self.facts.ids["hold", name]
        hold.at, hold.held = self.now, [*hold.lots][-1]
    def settle(self, name, points=0, captured_at=None):
        super().settle(name, points, captured_at)
        hold = self.facts.ids["hold", name]
        hold.owed = hold.paid - hold.lots.total()
        self.slide(self.facts.members[hold.member], self.day(max(min(captured_at or self.now, self.now), hold.at)))
    def open_complaint(self, card, receipt, line, reason, author, name):
        (_, member, _), sale = self.owner(card), self.sale(receipt)
        self.claim("complaint", name, member, receipt, line, reason, author, open=True)
        need(reason, "InputInvalid", sale.r, "ReceiptUnknown", sale.member == member, "MemberConflict",
             sale.r and 1 <= line <= len(sale.r.lines), "LineUnknown")
    def resolve_complaint(self, card, complaint, resolution, points, author, name):
        (_, member, m), known = self.owner(card), self.facts.ids.get(("complaint", complaint))
        self.claim("resolve", name, member, complaint, resolution, points, author)
        need(known and known.member == member and known.open, "ComplaintUnknown", points >= 0, "AmountInvalid",
             points <= self.p["complaints"]["max_points"], "CompensationTooLarge")
        known.open = False
        self.give(m, points, Lot(self.ends(self.today), 0, 2))
