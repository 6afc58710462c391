"""What the door answers and what becomes of the points, told naively and whole in one file; one rule a line, to read beside the laws."""
import datetime as dt
import pickle
import tomllib
from collections import Counter, namedtuple
from types import SimpleNamespace as Thing
from zoneinfo import ZoneInfo

DAY, EPOCH = 86_400, dt.date(1970, 1, 1)
Lot = namedtuple("Lot", "end start origin")  # in the order in which they pay; `lots` have points by lot
class No(Exception): """A refusal by its name, or `repeat`."""
def need(*pairs):
    for holds, refusal in zip(pairs[::2], pairs[1::2], strict=True):
        if not holds: raise No(refusal)
def key_of(x): return x.store, x.lane, (x.business_date - EPOCH).days, x.number
def split(points, weights):  # by largest remainder, ties to the earlier
    shares = [divmod(points * w, sum(weights) or 1) for w in weights]
    first = sorted(range(len(shares)), key=lambda i: -shares[i][1])[: points - sum(n for n, _ in shares)]
    return [n + (i in first) for i, (n, _) in enumerate(shares)]

class Oracle:  # what a shop does every day; `oracle_more` adds the unusual
    def __init__(self, programme):
        self.p = p = tomllib.loads(programme)
        self.zone, self.late, self.levels = ZoneInfo(p["time_zone"]), p["late_scan_days"] * DAY, {x["from_points"]: x for x in p["tiers"]["level"]}
        self.earn, self.cash_rule, self.longest, self.when_spent = p["earn"], p["redeem"]["cash"], p["redeem"]["hold_minutes"], p["returns"]["when_spent"]
        self.facts = Thing(members={}, cards={}, sales={}, ids={})
    def do(self, now, name, *args, **kwargs):  # only what is `done` changes anything
        before, self.now, self.today = pickle.dumps(self.facts), now, self.day(now)
        try: return getattr(self, name)(*args, **kwargs) or "done"
        except No as no:
            self.facts = pickle.loads(before)
            return str(no)
    def claim(self, kind, name, *content, **fields):  # law 4: the same id again is a repeat or a conflict
        known = self.facts.ids.get((kind, name))
        need(not known or known.content == content, "KeyConflict", not known, "repeat")
        return self.facts.ids.setdefault((kind, name), Thing(content=content, member=content[0], **fields))
    # Time, law 6: what points are follows from their lot and the instant. Law 3: each is one of these.
    def day(self, at): return dt.datetime.fromtimestamp(at, self.zone).date()
    def midnight(self, day, days=0): return int(dt.datetime.combine(day + dt.timedelta(days), dt.time(), self.zone).timestamp())
    def ends(self, day): return self.midnight(day, self.p["lots"]["expiry"]["after"] + 1)  # the midnight after the last day
    def lasts(self, m, lot): return lot  # unless activity makes it last longer
    def balance(self, member, at):  # available, pending, expired, owed, held, at an instant from now on
        m = self.facts.members[member]
        lots, held = Counter(m.lots), Counter()
        for hold in (h for h in m.holds if h.how == "open"): (lots if hold.ends <= at else held).update(hold.lots)
        pending, expired = sum(n for x, n in lots.items() if at < x.start), sum(n for x, n in lots.items() if x.start <= at and x.end <= at)
        return lots.total() - pending - expired, pending, expired, m.owed, held.total()
    # Points come and go.
    def give(self, m, points, lot):  # what is owed is repaid first
        m.owed, rest = max(0, m.owed - points), max(0, points - m.owed)
        m.lots[lot] += rest
    def take(self, m, points, first=(), refusal=None):  # what pays, what is short: of `first` so much at most, then by the soonest end
        takes, usable = Counter(), [(lot, points) for lot in sorted(m.lots) if lot.start <= self.now < lot.end]
        for lot, most in (*first, *usable): takes[lot] += min(points - takes.total(), most, m.lots[lot] - takes[lot])
        need(not refusal or takes.total() == points, refusal)
        m.lots -= takes
        return +takes, points - takes.total()
    def take_back(self, m, points, first=(), refuse=True):  # what is short is refused, owed or let go
        takes, short = self.take(m, points, first, "PointsSpent" if refuse and self.when_spent == "refuse" else None)
        m.owed += short * (self.when_spent != "take")
        return takes
    def end(self, hold, how):  # law 7: once, and what it held comes back
        hold.how = how
        self.facts.members[hold.member].lots.update(hold.lots)
    def present(self, m):  # holds that are over give back before anything is taken, or when a job says so
        for hold in (h for h in m.holds if h.how == "open" and h.ends <= self.now): self.end(hold, "expired")
    # Tiers: a level goes by its points; m.stands has the one that is held and the one before, each (level, since, until).
    def reached(self, m, day):
        points = sum(n for d, n in m.quals if 0 <= (day - d).days < self.p["tiers"]["window_days"])
        return max(level for level in self.levels if level <= max(0, points))
    def level(self, m, day, at): return max([self.reached(m, day), *(level for level, since, until in m.stands if since <= at < until)])
    def stand(self, m, level, since, until):
        before = [(was, began, since) for was, began, _ in m.stands if began < since]
        m.stands = [*before[-1:], (level, since, until if level else 0)]
    def review(self, m, at):  # every midnight after a hold, on what was known then
        day = max([self.day(m.stands[-1][2]), *(d for d, _ in m.quals)])
        while 0 < m.stands[-1][2] <= at and self.midnight(day) <= at:
            if (to := self.reached(m, day)) != m.stands[-1][0]: self.stand(m, to, self.midnight(day), self.midnight(day, 1))
            day += dt.timedelta(1)
    def raised(self, m, day, at):  # at once or, where it came late, with what followed
        last = min(max([day, *(d for d, _ in m.quals)]), day + dt.timedelta(self.p["tiers"]["window_days"] - 1))
        for on, begins in ((day, at), (last, max(at, self.midnight(last)))):
            held, began, _ = m.stands[-1]
            to, since, until = max(held, self.reached(m, on)), max(begins, began), self.midnight(on, self.p["tiers"]["keep_days"] + 1)
            if to != held and (until > since or not to): return self.stand(m, to, since, until)
    def tier(self, member, at):
        self.review(m := Thing(**vars(self.facts.members[member])), at)
        return self.levels[self.level(m, self.day(at), at)]["name"]
    # Members and cards.
    def card(self, card): return self.facts.cards.setdefault(card, Thing(owner=None, stopped=False, replaced=False, waits=[]))
    def owner(self, card):
        need((found := self.card(card)).owner, "CardUnknown")
        return found, found.owner, self.facts.members[found.owner]
    def own(self, card, member):  # earlier receipts follow the card
        self.card(card).owner = member
        for sale in (x for x in self.card(card).waits if not x.member and self.now - x.at <= self.late): self.award(member, sale)
    def enrol(self, card, name):
        owner, m = self.card(card).owner, self.facts.members.get(card)
        need(owner in (None, card), "CardTaken", not m or m.name == name, "KeyConflict", not m, "repeat")
        self.facts.members[card] = Thing(name=name, lots=Counter(), owed=0, holds=[], quals=[], stands=[(-1, 0, 0)])
        self.own(card, card)
    def link_card(self, member_card, card, replace=False):
        (old, member, _), new = self.owner(member_card), self.card(card).owner
        need(new in (None, member), "CardTaken", not new or old.replaced or not replace, "KeyConflict", not new, "repeat",
             not old.replaced and (replace or not old.stopped), "CardBlocked")
        old.stopped, old.replaced = old.stopped or replace, replace
        self.own(card, member)
    def block_card(self, card):
        need(not (found := self.owner(card)[0]).stopped, "repeat")
        found.stopped = True
    # Receipts, law 4: their key is their id.
    def sale(self, key): return self.facts.sales.setdefault(key, Thing(key=key, r=None, member=None, backs=[]))
    def fits(self, card, sale): return card.owner and not card.stopped and self.now - sale.at <= self.late
    def record(self, r):
        at, sale, card = int(r.captured_at.timestamp()), self.sale(key_of(r)), self.card(r.card)
        if sale.r: return self.again(sale, r, card)
        need(at <= self.now + 300, "CapturedInFuture", r.currency == self.p["currency"], "CurrencyUnknown")
        sale.r, sale.at, backs = r, at, {}
        if self.fits(card, sale): self.award(card.owner, sale, at_once=True)
        if not card.owner: card.waits.append(sale)
        for x in (x for x in r.lines if x.return_of and not x.voided): backs.setdefault(key_of(x.return_of), Counter())[x.return_of.line - 1] -= x.quantity
        for of, lines in backs.items(): self.come_back(self.sale(of), sale.key, lines)
    def again(self, sale, r, card):  # a repeat, or attributed once
        first, same = sale.member or self.card(sale.r.card).owner, ("captured_at", "currency", "lines", "tenders", "cashier")
        need(all(getattr(r, x) == getattr(sale.r, x) for x in same), "KeyConflict",
             not r.card or (not sale.member and sale.r.card in (None, r.card)) or (first and first == card.owner), "MemberConflict",
             r.card and not sale.r.card and not sale.member and self.fits(card, sale), "repeat")
        self.award(card.owner, sale)
    def base(self, lines, kind="sale"):
        amounts = [abs(x.amount_minor) * (x.kind == kind and not (x.voided or x.return_of or x.product in self.earn["excluded_products"])) for x in lines]
        return split(sum(amounts) // self.earn["per_minor"] * self.earn["points"], amounts)
    def award(self, member, sale, at_once=False):  # at the tier before it; what comes late takes back no later tier
        m, at, day, waits = self.facts.members[member], sale.at, sale.r.captured_at.date(), self.p["lots"]["pending_days"]
        self.review(m, max(self.now, at) if at_once else self.now)
        base, bp = self.base(sale.r.lines), self.levels[self.level(m, day, at)]["multiplier_bp"]
        sale.points = [a + b for a, b in zip(base, split(sum(base) * (bp - 10_000) // 10_000, base), strict=True)]
        m.quals += [(day, sum(sale.points))] * any(sale.points)
        self.raised(m, day, at)
        sale.member, sale.lot = member, self.lasts(m, Lot(self.ends(day), self.midnight(day, waits) if waits else 0, 0))
        self.give(m, sum(sale.points), sale.lot)
        for i, back in enumerate(sale.backs): self.reverse(sale, back, sale.backs[:i], refuse=False)
    # Returns: any split of them sums to the award.
    def left(self, sale, backs):  # by the index of a line that was sold: how much of it is not back
        return {i: x.quantity - sum(b.lines[i] for b in backs) for i, x in enumerate(sale.r.lines) if x.quantity > 0 and not x.voided}
    def return_goods(self, receipt, name, lines=None):
        self.claim("return", name, receipt, sorted((lines or {}).items()))
        need((sale := self.sale(receipt)).r, "ReceiptUnknown")
        self.come_back(sale, name, Counter({i - 1: n for i, n in lines.items()} if lines else {i: n for i, n in self.left(sale, sale.backs).items() if n}))
    def come_back(self, sale, by, lines, refuse=True):
        left, back = self.left(sale, sale.backs), Thing(by=by, lines=lines)
        for i, n in lines.items(): need(i in left, "LineUnknown", 0 < n <= left.get(i, n), "ReturnTooLarge")
        need(lines, "ReturnTooLarge")
        if sale.member: self.reverse(sale, back, sale.backs, refuse)
        sale.backs.append(back)
    def gone(self, sale, backs):  # the points of what came back, each line rounded down
        return sum(sale.points[i] * (sale.r.lines[i].quantity - n) // sale.r.lines[i].quantity for i, n in self.left(sale, backs).items())
    def reverse(self, sale, back, before, refuse):  # its own lot first; what has expired is gone already
        m, back.points = self.facts.members[sale.member], self.gone(sale, [*before, back]) - self.gone(sale, before)
        self.present(m)
        self.review(m, self.now)
        m.quals += [(sale.r.captured_at.date(), -back.points)] * bool(back.points)
        own = [(lot, back.points) for lot in (sale.lot, self.lasts(m, sale.lot)) if lot.end > self.now]
        back.takes = self.take_back(m, back.points, own, refuse) if own else Counter()
    # Redemptions, holds, the desk.
    def cash(self, points):
        need(points > 0, "AmountInvalid", points % self.cash_rule["step_points"] == 0 and points >= self.cash_rule["minimum_points"], "RedeemStep")
    def spend(self, kind, card, name, points, *content, allowed=True, **fields):
        found, member, m = self.owner(card)
        spent = self.claim(kind, name, member, points, *content, points=points, **fields)
        need(not found.stopped, "CardBlocked", allowed, "AmountInvalid")
        self.cash(points)
        self.present(m)
        spent.lots, _ = self.take(m, points, refusal="PointsShort")
        return m, spent
    def redeem(self, card, name, points): self.spend("redeem", card, name, points)
    def hold(self, card, points, name, minutes=0):  # law 7: its lots are its own until it ends
        ends = self.now + (minutes or self.longest) * 60
        m, hold = self.spend("hold", card, name, points, minutes, allowed=0 <= minutes <= self.longest, how="open", ends=ends)
        m.holds.append(hold)
    def settle(self, name, points=0, captured_at=None):  # judged at the till's instant
        need(hold := self.facts.ids.get(("hold", name)), "HoldUnknown")
        points, at, m = points or hold.points, min(captured_at or self.now, self.now), self.facts.members[hold.member]
        need(hold.how != "settled" or hold.paid == points, "HoldOver", hold.how != "settled", "repeat", hold.how != "released" and at < hold.ends, "HoldOver",
             self.now - at <= self.late, "CapturedTooLate", 0 < points <= hold.points, "AmountInvalid")
        self.cash(points)
        if hold.how == "open": self.end(hold, "settled")
        else: self.present(m)  # its end is recorded, but the till has paid
        first, _ = self.take(hold, points, [*hold.lots.items()])
        hold.how, hold.paid, (hold.lots, short) = "settled", points, self.take(m, points, first.items())  # expired or not
        m.owed += short
    def release(self, name):
        need(hold := self.facts.ids.get(("hold", name)), "HoldUnknown")
        need(hold.how != "settled", "HoldOver", hold.how == "open", "repeat")
        self.end(hold, "released" if self.now < hold.ends else "expired")
    def adjust(self, card, points, reason, author, name):
        _, member, m = self.owner(card)
        self.claim("adjust", name, member, points, reason, author)
        need(points, "AmountInvalid", reason and author, "InputInvalid")
        self.present(m)
        self.give(m, points, Lot(self.ends(self.today), 0, 1)) if points > 0 else self.take(m, -points, refusal="PointsShort")
