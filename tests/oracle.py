"""What the ledger should answer, told naively: no code of `ledger/`, every award and fact kept apart.

Commands have the door's names; a receipt is only read. Lots and takes are [start, end, origin, points].
"""
# One rule a line, so that all of it can be read beside the laws:  # fmt: off
# ruff: noqa: E701, E704
import datetime as dt
import pickle
import tomllib
from collections import Counter
from types import SimpleNamespace as Thing
from zoneinfo import ZoneInfo

DAY, ONE, EPOCH = 86_400, 10_000, dt.date(1970, 1, 1)
class No(Exception): """The name of a refusal, or `repeat`."""
def need(*pairs):
    for holds, refusal in zip(pairs[::2], pairs[1::2], strict=True):
        if not holds: raise No(refusal)
def key_of(x): return (x.store, x.lane, (x.business_date - EPOCH).days, x.number)
def total(takes): return sum(take[3] for take in takes)
def split(points, weights):  # by largest remainder, ties to the earlier
    whole = sum(weights) or 1
    first = sorted(range(len(weights)), key=lambda i: -(points * weights[i] % whole))
    first = first[: points - sum(points * w // whole for w in weights)]
    return [points * w // whole + (i in first) for i, w in enumerate(weights)]
def cut(takes, first, last):  # the points number `first` to `last` of takes, in their order
    ends = [total(takes[: i + 1]) for i in range(len(takes))]
    cuts = [[*t[:3], min(end, last) - max(end - t[3], first)] for t, end in zip(takes, ends, strict=True)]
    return [take for take in cuts if take[3] > 0]
def part(whole, bought, before, now):  # of a line: what belongs to `now` pieces after `before` are gone
    return whole * (before + now) // bought - whole * before // bought

class Oracle:
    def __init__(self, programme):
        self.p = tomllib.loads(programme)
        self.zone, self.late = ZoneInfo(self.p["time_zone"]), self.p["late_scan_days"] * DAY
        self.facts = Thing(members={}, cards={}, sales={}, ids={})
    def do(self, now, name, *args, **kwargs):  # only what is `done` changes anything
        before, self.now, self.today = pickle.dumps(self.facts), now, self.day(now)
        try: return getattr(self, name)(*args, **kwargs) or "done"
        except No as no: self.facts = pickle.loads(before); return str(no)
    def claim(self, kind, name, *content, **fields):  # the same id again is a repeat or a conflict
        known = self.facts.ids.get((kind, name))
        need(not known or known.content == content, "KeyConflict", not known, "repeat")
        self.facts.ids[kind, name] = Thing(content=content, member=content[0], undone=0, by_hand=False, sale=None, used="", **fields)
        return self.facts.ids[kind, name]

    # Time.
    def day(self, at): return dt.datetime.fromtimestamp(at, self.zone).date()
    def midnight(self, day, days=0): return int(dt.datetime.combine(day + dt.timedelta(days), dt.time(), self.zone).timestamp())
    def ends(self, day):  # the midnight after the last day; after months, at the end of the month
        rule = self.p["lots"]["expiry"]
        months = day.year * 12 + day.month + rule["after"]
        return self.midnight(day, rule["after"] + 1) if rule["unit"] == "days" else self.midnight(dt.date(months // 12, months % 12 + 1, 1))

    # Lots.
    def balance(self, member, at):  # available, pending, expired, owed, held, at an instant from now on
        m = self.facts.members[member]
        holds = [h for h in m.holds if h.how == "open"]
        lots = m.lots + [take for h in holds if h.ends <= at for take in h.takes]
        pending, expired = total([x for x in lots if at < x[0]]), total([x for x in lots if x[0] <= at and x[1] <= at])
        return total(lots) - pending - expired, pending, expired, m.owed, total([t for h in holds if at < h.ends for t in h.takes])
    def put(self, m, takes): m.lots += [list(take) for take in takes]
    def give(self, m, points, start, day, origin):  # what is owed is repaid first
        repaid = min(m.owed, points)
        m.owed -= repaid
        self.put(m, [(start, self.ends(day), origin, points - repaid)])
        return m.lots[-1]
    def take(self, m, points, own=()):  # what is taken, what is short: own lots, then soonest end, start, origin
        own, takes = [x[:3] for x in own], []
        for lot in sorted(m.lots, key=lambda x: (x[:3] not in own, x[1], x[0], x[2])):
            if lot[1] > self.now and (lot[0] <= self.now or lot[:3] in own) and (n := min(points, lot[3])):
                takes.append([*lot[:3], n])
                lot[3], points = lot[3] - n, points - n
        return takes, points
    def present(self, m):  # holds that are over give back before anything is taken
        for hold in (h for h in m.holds if h.how == "open" and h.ends <= self.now):
            hold.how = "expired"
            self.put(m, hold.takes)
    def burn(self, m, points):
        self.present(m)
        takes, short = self.take(m, points)
        need(not short, "PointsShort")
        return takes
    def slide(self, m, day):
        for lot in m.lots if self.p["lots"]["expiry"].get("slides") else ():
            lot[1] = max(lot[1], self.ends(day)) if self.now < lot[1] else lot[1]

    # Earning.
    def level(self, m, day, at, plus=0):
        levels, window = self.p["tiers"]["level"], self.p["tiers"]["window_days"]
        points = plus + sum(n for d, n in m.quals if 0 <= (day - d).days < window)
        kept = [x for x in levels if x["name"] == m.tier[0] and m.tier[2] <= at < m.tier[1]]
        return max([levels[0], *kept, *(x for x in levels if x["from_points"] <= points)], key=lambda x: x["from_points"])
    def tier(self, member, at): return self.level(self.facts.members[member], self.day(at), at)["name"]
    def base(self, lines, kind="sale"):
        rule = self.p["earn"]
        earns = [x.kind == kind and not x.voided and not x.return_of and x.product not in rule["excluded_products"] for x in lines]
        amounts = [abs(x.amount_minor) * good for x, good in zip(lines, earns, strict=True)]
        return split(sum(amounts) // rule["per_minor"] * rule["points"], amounts)
    def award(self, member, sale):  # at the tier before it; what comes late takes back no later tier
        m, at, day = self.facts.members[member], sale.at, sale.r.captured_at.date()
        base, before = self.base(sale.r.lines), self.level(m, day, at)
        extra = split(sum(base) * (before["multiplier_bp"] - ONE) // ONE, base)
        sale.points = [a + b for a, b in zip(base, extra, strict=True)]
        after, waits = self.level(m, day, at, sum(sale.points)), self.p["lots"]["pending_days"]
        if at >= m.tier[2] and not after["name"] == before["name"] == m.tier[0]:
            m.tier = (after["name"], self.midnight(day, self.p["tiers"]["keep_days"] + 1) if after["from_points"] else 0, at)
        m.quals.append((day, sum(sale.points)))
        sale.member, sale.lot = member, self.give(m, sum(sale.points), self.midnight(day, waits) if waits else 0, day, 0)
        for i, back in enumerate(sale.backs): self.reverse(sale, back, sale.backs[:i], refuse=False)

    # Members and cards.
    def owner(self, card):
        found = self.facts.cards.get(card)
        need(found and found.owner, "CardUnknown")
        return found, found.owner, self.facts.members[found.owner]
    def card(self, card): return self.facts.cards.setdefault(card, Thing(owner=None, stopped=False, waits=[]))
    def own(self, card, member):  # earlier receipts follow the card
        self.card(card).owner = member
        for sale in (x for x in self.card(card).waits if not x.member and self.now - x.at <= self.late): self.award(member, sale)
    def enrol(self, card, name=""):
        owner, m = self.card(card).owner, self.facts.members.get(card)
        need(owner in (None, card), "CardTaken", not m or m.name == name, "KeyConflict", not m, "repeat")
        self.facts.members[card] = Thing(name=name, lots=[], owed=0, quals=[], tier=("", 0, 0), holds=[])
        self.own(card, card)
    def link_card(self, member_card, card, replace=False):
        (old, member, _), new = self.owner(member_card), self.card(card).owner
        need(new in (None, member), "CardTaken", not new or old.stopped or not replace, "KeyConflict", not new, "repeat",
             not (replace and old.stopped), "CardBlocked")
        old.stopped |= replace
        self.own(card, member)
    def block_card(self, card):
        need(not self.owner(card)[0].stopped, "repeat")
        self.card(card).stopped = True

    # Receipts and returns.
    def sale(self, key): return self.facts.sales.setdefault(key, Thing(key=key, r=None, member=None, points=[], lot=None, backs=[], waits=[]))
    def record(self, r, enrol=False):
        at, sale, card = int(r.captured_at.timestamp()), self.sale(key_of(r)), self.card(r.card)
        if sale.r: return self.again(sale, r, card)
        need(at <= self.now + 300, "CapturedInFuture", r.currency == self.p["currency"], "CurrencyUnknown")
        sale.r, sale.at = r, at
        if enrol and r.card and not card.owner: self.enrol(r.card)
        if r.card and not card.owner: card.waits.append(sale)
        elif r.card and not card.stopped and self.now - at <= self.late:
            self.award(card.owner, sale)
            self.slide(self.facts.members[card.owner], r.captured_at.date())
            self.loose(card.owner, r.lines)
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
        self.award(card.owner, sale)
    def attribute(self, receipt, card):
        need((sale := self.sale(receipt)).r, "ReceiptUnknown")
        _, member, _ = self.owner(card)
        need(sale.member in (None, member), "MemberConflict", not sale.member, "repeat", self.now - sale.at <= self.late, "CapturedTooLate")
        self.award(member, sale)
    def left(self, sale, backs=None):
        came = [back.lines for back in (sale.backs if backs is None else backs)]
        return {i: x.quantity - sum(c.get(i, 0) for c in came) for i, x in enumerate(sale.r.lines) if x.quantity > 0 and not x.voided}
    def come_back(self, sale, by, lines, amounts, refuse=True):
        if not sale.r: return sale.waits.append(Thing(by=by, lines=lines, amounts=amounts))
        left = self.left(sale)
        for i, n in lines.items(): need(i in left, "LineUnknown", 0 < n <= left.get(i, n), "ReturnTooLarge")
        need(lines, "ReturnTooLarge")
        most = {i: max(0, sale.r.lines[i].amount_minor - sum(b.amounts.get(i, 0) for b in sale.backs)) for i in lines}
        back = Thing(by=by, lines=lines, amounts={i: min(amounts.get(i, 0), most[i]) for i in lines})
        if sale.member: self.reverse(sale, back, sale.backs, refuse)
        sale.backs.append(back)
        self.restore(sale)
    def points_of(self, sale, back, before):
        left, lines = self.left(sale, before), sale.r.lines
        return sum(part(sale.points[i], lines[i].quantity, lines[i].quantity - left[i], n) for i, n in back.lines.items())
    def reverse(self, sale, back, before, refuse):  # own lot first; what expired is gone already
        m, points, back.takes, back.owed, back.gone = self.facts.members[sale.member], self.points_of(sale, back, before), [], 0, 0
        self.present(m)
        m.quals.append((sale.r.captured_at.date(), -points))
        if sale.lot[1] <= self.now: back.gone = points
        else: back.takes, back.owed, back.gone = self.take_back(m, points, [sale.lot], refuse)
    def take_back(self, m, points, own=(), refuse=True):
        (takes, short), how = self.take(m, points, own), self.p["returns"]["when_spent"]
        need(not short or not refuse or how != "refuse", "PointsSpent")
        m.owed += short * (how != "take")
        return takes, short * (how != "take"), short * (how == "take")
    def loose(self, member, lines):
        m, points = self.facts.members[member], sum(self.base(lines, "return"))
        if points: self.present(m)
        self.take_back(m, points)
        m.quals.append((self.today, -points))
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
        self.loose(member, [line])
    def void_return(self, receipt, by, name):
        self.claim("void", name, receipt, by)
        sale = self.sale(receipt)
        need(back := next((b for b in sale.backs if b.by == by), None), "ReturnUnknown")
        sale.backs.remove(back)
        if sale.member:  # what it took comes back, then what is owed for it; what it let go stays gone
            m, points = self.facts.members[sale.member], self.points_of(sale, back, sale.backs)
            puts = cut(back.takes, 0, points)
            rest = points - total(puts)
            off = min(rest, back.owed, m.owed)
            m.owed -= off
            self.put(m, [*puts, [*sale.lot[:3], min(rest, back.owed) - off + max(0, rest - back.owed - back.gone)]])
            m.quals.append((sale.r.captured_at.date(), points))
        self.restore(sale)
    def restore(self, sale):  # what points paid comes back with the share of the goods that is back
        whole = sum(x.amount_minor for x in sale.r.lines if x.quantity > 0 and not x.voided)
        back = sum(sum(b.amounts.values()) for b in sale.backs)
        for paid in filter(None, (self.paid(ref) for ref in dict.fromkeys(t.ref for t in sale.r.tenders if t.ref))):
            target, m = total(paid.takes) * min(back, whole) // (whole or 1), self.facts.members[paid.member]
            if paid.by_hand or paid.sale not in (None, sale.key) or target == paid.undone: continue
            if target > paid.undone: self.put(m, cut(paid.takes[::-1], paid.undone, target))
            else:  # paid again; what expired meanwhile was paid with as it is
                self.present(m)
                lasts = [t for t in cut(paid.takes[::-1], target, paid.undone) if t[1] > self.now]
                m.owed += self.take(m, total(lasts), lasts)[1]
            paid.undone, paid.sale = target, sale.key

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
        self.put(self.facts.members[paid.member], cut(paid.takes[::-1], paid.undone, total(paid.takes)))
        paid.undone, paid.by_hand = total(paid.takes), True
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
            hold.takes, short = self.take(m, points, hold.takes)
            m.owed += short
        hold.how, hold.paid = "settled", points
        self.slide(m, self.day(max(at, hold.at)))
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
        self.give(m, points, 0, self.today, 1) if points > 0 else self.burn(m, -points)
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
        self.give(m, points, 0, self.today, 2)
