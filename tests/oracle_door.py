"""What the door should answer, told naively: each command by its name, done, a repeat or refused.

What becomes of the points is in `oracle`. No code of `ledger/` here either.
"""

# One rule a line, so that all of it can be read beside the laws.
# fmt: off
# ruff: noqa: E701, E704, RET503, S301
import datetime as dt
import pickle
from collections import Counter
from types import SimpleNamespace as Thing

from tests.oracle import No, Points, cut, need, part, total

EPOCH = dt.date(1970, 1, 1)
def key_of(x): return (x.store, x.lane, (x.business_date - EPOCH).days, x.number)

class Oracle(Points):
    def do(self, now, name, *args, **kwargs):  # only what is `done` changes anything
        before, self.now, self.today = pickle.dumps(self.facts), now, self.day(now)
        try: return getattr(self, name)(*args, **kwargs) or "done"
        except No as no:
            self.facts = pickle.loads(before)
            return str(no)
    def claim(self, kind, name, *content, **fields):  # the same id again is a repeat or a conflict
        known = self.facts.ids.get((kind, name))
        need(not known or known.content == content, "KeyConflict", not known, "repeat")
        self.facts.ids[kind, name] = Thing(content=content, member=content[0], undone=0, by_hand=False, sale=None, owed=0, held=[], used="", **fields)
        return self.facts.ids[kind, name]

    # Members and cards.
    def owner(self, card):
        found = self.facts.cards.get(card)
        need(found and found.owner, "CardUnknown")
        return found, found.owner, self.facts.members[found.owner]
    def card(self, card): return self.facts.cards.setdefault(card, Thing(owner=None, stopped=False, replaced=False, waits=[]))
    def own(self, card, member):  # earlier receipts follow the card
        self.card(card).owner = member
        for sale in (x for x in self.card(card).waits if not x.member and self.now - x.at <= self.late): self.follow(member, sale)
    def follow(self, member, sale):
        self.award(member, sale)
        self.loose(member, sale.r.lines, self.day(sale.at), refuse=False)
    def enrol(self, card, name=""):
        owner, m = self.card(card).owner, self.facts.members.get(card)
        need(owner in (None, card), "CardTaken", not m or m.first != name, "repeat", not m or m.name in ("", name), "KeyConflict", not m or m.name != name, "repeat")
        if m: m.name = name  # known by the card alone so far: completed
        if m: return
        self.facts.members[card] = Thing(name=name, first=name, lots=[], owed=0, quals=[], tier=("", 0, 0), was=("", 0, 0), holds=[], slid=None)
        self.own(card, card)
    def link_card(self, member_card, card, replace=False):
        (old, member, _), new = self.owner(member_card), self.card(card).owner
        need(new in (None, member), "CardTaken", not new or old.replaced or not replace, "KeyConflict", not new, "repeat",
             not old.replaced and (replace or not old.stopped), "CardBlocked")
        old.stopped, old.replaced = old.stopped or replace, replace
        self.own(card, member)
    def block_card(self, card):
        need(not self.owner(card)[0].stopped, "repeat")
        self.card(card).stopped = True

    # Receipts and returns.
    def sale(self, key): return self.facts.sales.setdefault(key, Thing(key=key, r=None, member=None, review=False, points=[], lot=None, backs=[], waits=[]))
    def record(self, r, enrol=False):
        at, sale, card = int(r.captured_at.timestamp()), self.sale(key_of(r)), self.card(r.card)
        if sale.r: return self.again(sale, r, card)
        need(at <= self.now + 300, "CapturedInFuture", r.currency == self.p["currency"], "CurrencyUnknown")
        sale.r, sale.at = r, at
        if enrol and r.card and not card.owner: self.enrol(r.card)
        if r.card and not card.owner: card.waits.append(sale)
        elif r.card and not card.stopped and self.now - at <= self.late:
            self.award(card.owner, sale, at)
            self.loose(card.owner, r.lines, self.day(at))
        else: sale.review = bool(r.card)  # blocked or late: it waits for a person
        for back in sale.waits:  # goods that came back first; never more than was sold
            fits = {i: min(n, self.left(sale).get(i, 0)) for i, n in back.lines.items()}
            if any(fits.values()): self.come_back(sale, back.by, {i: n for i, n in fits.items() if n}, back.amounts, refuse=False)
        backs = {}
        for x in (x for x in r.lines if x.return_of and not x.voided):
            lines, amounts = backs.setdefault(key_of(x.return_of), (Counter(), Counter()))
            lines[x.return_of.line - 1] -= x.quantity
            amounts[x.return_of.line - 1] -= x.amount_minor
        for of, (lines, amounts) in backs.items(): self.come_back(self.sale(of), sale.key, lines, amounts)
    def again(self, sale, r, card):
        first, same = self.facts.cards[sale.r.card].owner, ("captured_at", "currency", "lines", "tenders", "cashier")
        need(all(getattr(r, x) == getattr(sale.r, x) for x in same), "KeyConflict",
             not (sale.member and r.card) or card.owner == sale.member, "MemberConflict",
             sale.member or not sale.r.card or r.card in (None, sale.r.card) or (first and first == card.owner), "MemberConflict",
             r.card and not sale.r.card and not sale.member and card.owner and not card.stopped and self.now - sale.at <= self.late, "repeat")
        self.follow(card.owner, sale)
    def attribute(self, receipt, card):
        need((sale := self.sale(receipt)).r, "ReceiptUnknown")
        _, member, _ = self.owner(card)
        need(sale.member in (None, member), "MemberConflict", not sale.member, "repeat", not sale.review, "ReceiptInReview", self.now - sale.at <= self.late, "CapturedTooLate")
        self.follow(member, sale)
    def return_goods(self, receipt, name, lines=None):
        self.claim("return", name, receipt, sorted((lines or {}).items()))
        need((sale := self.sale(receipt)).r, "ReceiptUnknown")
        left = self.left(sale)
        asked = {i - 1: n for i, n in (lines or {}).items()} or {i: n for i, n in left.items() if n > 0}
        sold = {i: (sale.r.lines[i].amount_minor, sale.r.lines[i].quantity) for i in asked if i in left}
        self.come_back(sale, name, asked, {i: part(minor, n, n - left[i], asked[i]) for i, (minor, n) in sold.items()})
    def return_without_receipt(self, card, amount_minor, author, name, line):
        _, member, _ = self.owner(card)
        self.claim("loose", name, member, amount_minor, line.product)
        need(amount_minor > 0, "AmountInvalid", author, "InputInvalid")
        self.loose(member, [line], self.today)

    # Redemptions, vouchers, holds, the desk.
    def paid(self, name):
        hold = self.facts.ids.get(("hold", name))
        return self.facts.ids.get(("redeem", name)) or (hold if hold and hold.how == "settled" else None)
    def cash(self, points):
        rule = self.p["redeem"]["cash"]
        need(points > 0, "AmountInvalid", points % rule["step_points"] == 0 and points >= rule["minimum_points"], "RedeemStep")
    def redeem(self, card, name, points=0, gift="", voucher=""):
        (found, member, m), code = self.owner(card), gift or voucher
        paid = self.claim("redeem", name, member, points, gift, voucher, until=0)
        offer = {x["code"]: x for x in self.p["redeem"]["voucher" if voucher else "gift"]}.get(code)
        need(bool(points) + bool(gift) + bool(voucher) < 2, "InputInvalid", not found.stopped, "CardBlocked", offer or not code, "RedeemNotOffered")
        if not offer: self.cash(points)
        paid.takes = self.burn(m, offer["points"] if offer else points)
        paid.until = self.midnight(self.today, offer["valid_days"] + 1) if voucher else 0
        self.slide(m, self.today)
    def use_voucher(self, redemption, name):
        need((paid := self.facts.ids.get(("redeem", redemption))) and paid.until, "VoucherUnknown")
        need(paid.used != name, "repeat", not paid.used and not paid.by_hand, "VoucherSpent", self.now < paid.until, "VoucherExpired")
        paid.used = name
    def undo_redemption(self, redemption, reason, author):
        need(paid := self.paid(redemption), "RedemptionUnknown")
        need(not paid.by_hand, "repeat", reason and author, "InputInvalid", not paid.used, "VoucherSpent")
        self.give_back(self.facts.members[paid.member], paid, total(paid.takes) + paid.owed)
        paid.undone, paid.by_hand = total(paid.takes) + paid.owed, True
    def hold(self, card, points, name, minutes=0):
        (found, member, m), most = self.owner(card), self.p["redeem"]["hold_minutes"]
        hold = self.claim("hold", name, member, points, minutes, how="open", at=self.now, points=points)
        need(not found.stopped, "CardBlocked", 0 <= minutes <= most, "AmountInvalid")
        self.cash(points)
        hold.takes, hold.ends = self.burn(m, points), self.now + (minutes or most) * 60
        m.holds.append(hold)
    def settle(self, name, points=0, captured_at=None):
        need(hold := self.facts.ids.get(("hold", name)), "HoldUnknown")
        points, at, m = points or hold.points, min(captured_at or self.now, self.now), self.facts.members[hold.member]
        need(hold.how != "settled" or hold.paid == points, "HoldOver", hold.how != "settled", "repeat", hold.how != "released" and at < hold.ends, "HoldOver",
             self.now - at <= self.late, "CapturedTooLate", 0 < points <= hold.points, "AmountInvalid")
        self.cash(points)
        if hold.how == "open":
            self.put(m, cut(hold.takes, points, hold.points))
            hold.takes = cut(hold.takes, 0, points)
        else:  # its expiry is recorded: what is there pays, the rest is owed
            self.present(m)
            hold.held, hold.takes, hold.owed = hold.takes, *self.take_late(m, points, hold.takes)
            m.owed += hold.owed
        hold.how, hold.paid = "settled", points
        self.slide(m, self.day(max(at, hold.at)))
    def take_late(self, m, points, held):  # its own lots pay, expired or not; then what else is there
        own = []
        for t in cut(held, 0, points):
            for lot in (x for x in m.lots if x[:3] == t[:3]):
                own.append([*t[:3], part := min(t[3], lot[3])])
                lot[3], t[3] = lot[3] - part, t[3] - part
        others, short = self.take(m, points - total(own))
        return [t for t in (*own, *others) if t[3]], short
    def release(self, name):
        need(hold := self.facts.ids.get(("hold", name)), "HoldUnknown")
        need(hold.how != "settled", "HoldOver", hold.how == "open", "repeat")
        hold.how = "released" if self.now < hold.ends else "expired"
        self.put(self.facts.members[hold.member], hold.takes)
    def hold_expired(self, name): self.present(self.facts.members[self.facts.ids["hold", name].member])  # a job recorded it
    def adjust(self, card, points, reason, author, name):
        _, member, m = self.owner(card)
        self.claim("adjust", name, member, points, reason, author)
        need(points, "AmountInvalid", reason and author, "InputInvalid")
        self.present(m)
        self.give(m, points, (0, self.ends(self.today), 1)) if points > 0 else self.burn(m, -points)
    def open_complaint(self, card, receipt, line, reason, author, name):
        (_, member, _), sale = self.owner(card), self.sale(receipt)
        self.claim("complaint", name, member, receipt, line, reason, author, open=True)
        need(reason, "InputInvalid", sale.r, "ReceiptUnknown", sale.member == member, "MemberConflict", sale.r and 1 <= line <= len(sale.r.lines), "LineUnknown")
    def resolve_complaint(self, card, complaint, resolution, points, author, name):
        (_, member, m), known = self.owner(card), self.facts.ids.get(("complaint", complaint))
        self.claim("resolve", name, member, complaint, resolution, points, author)
        need(known and known.member == member and known.open, "ComplaintUnknown", points >= 0, "AmountInvalid",
             points <= self.p["complaints"]["max_points"], "CompensationTooLarge")
        known.open = False
        self.give(m, points, (0, self.ends(self.today), 2))
