"""What points are, told naively: no code of `ledger/`, every award a lot of its own, nothing forgotten.

What each command may do, and under which ids, is in `oracle_door`. Lots and takes are
[start, end, origin, points]; a receipt is only read.
"""

# One rule a line, so that all of it can be read beside the laws.
# fmt: off
# ruff: noqa: E701, E704, RET503
import datetime as dt
import tomllib
from types import SimpleNamespace as Thing
from zoneinfo import ZoneInfo

DAY, ONE = 86_400, 10_000
class No(Exception): """The name of a refusal, or `repeat`."""
def need(*pairs):
    for holds, refusal in zip(pairs[::2], pairs[1::2], strict=True):
        if not holds: raise No(refusal)
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

class Points:
    def __init__(self, programme):
        self.p = tomllib.loads(programme)
        self.zone, self.late = ZoneInfo(self.p["time_zone"]), self.p["late_scan_days"] * DAY
        self.facts = Thing(members={}, cards={}, sales={}, ids={})

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
    def give(self, m, points, lot):  # what is owed is repaid first
        m.owed, rest = max(0, m.owed - points), max(0, points - m.owed)
        self.put(m, [(*lot, rest)])
    def take(self, m, points, own=()):  # what is taken, what is short: own lots, then soonest end, start, origin
        own, takes = [list(x[:3]) for x in own], []
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
    def carried(self, m, end): return max(end, m.slid[1]) if m.slid and end > m.slid[0] else end
    def moved(self, m, takes): return [[t[0], self.carried(m, t[1]), *t[2:]] for t in takes]
    def slide(self, m, day):  # m.slid: since when activity follows activity in time, until when points last by it
        if not self.p["lots"]["expiry"].get("slides"): return
        self.present(m)
        unbroken, until = m.slid and self.now < m.slid[1], self.ends(day)
        until = max(until, m.slid[1]) if unbroken else until
        longer = [x for x in m.lots if x[3] and self.now < x[1] < until]
        if until <= self.now or not (longer or until > (m.slid or (0, 0))[1]): return
        m.slid = (m.slid[0] if unbroken else self.now, until)
        for lot in longer: lot[1] = until

    # Earning.
    def reached(self, m, day, plus=0):
        points = plus + sum(n for d, n in m.quals if 0 <= (day - d).days < self.p["tiers"]["window_days"])
        return [x for x in self.p["tiers"]["level"] if x["from_points"] <= max(0, points)][-1]
    def named(self, name): return next((x for x in self.p["tiers"]["level"] if x["name"] == name), self.p["tiers"]["level"][0])
    def stand(self, m, level, until, since): m.was, m.tier = ((m.tier[0], since, m.tier[2]) if since > m.tier[2] else (m.was[0], since, m.was[2])), (level["name"], until * (level["from_points"] > 0), since)
    def review(self, m, at):  # every midnight after a hold, on what was known then
        day = self.day(max([m.tier[1], *(self.midnight(d) for d, _ in m.quals)]))
        while 0 < m.tier[1] <= at and self.midnight(day) <= at:
            if (to := self.reached(m, day))["name"] != m.tier[0]: self.stand(m, to, self.midnight(day, 1), self.midnight(day))
            day += dt.timedelta(1)
    def level(self, m, day, at):  # what the window gives, or what is held
        held = [self.named(name) for name, until, since in (m.tier, m.was) if since <= at < until]
        return max([*held, self.reached(m, day)], key=lambda x: x["from_points"])
    def raised(self, m, day, at, plus):  # at once or, where it came late, with what followed
        last, held = min(max([day, *(d for d, _ in m.quals)]), day + dt.timedelta(self.p["tiers"]["window_days"] - 1)), self.named(m.tier[0])
        for on, begins in ((day, at), (last, max(at, self.midnight(last)))):
            to, since, until = self.reached(m, on, plus), max(begins, m.tier[2]), self.midnight(on, self.p["tiers"]["keep_days"] + 1)
            to = max(held, to, key=lambda x: x["from_points"])
            if to["name"] != m.tier[0] and (until > since or not to["from_points"]): return self.stand(m, to, until, since)
    def tier(self, member, at):
        self.review(m := Thing(**vars(self.facts.members[member])), at)
        return self.level(m, self.day(at), at)["name"]
    def base(self, lines, kind="sale"):
        rule = self.p["earn"]
        earns = [x.kind == kind and not x.voided and not x.return_of and x.product not in rule["excluded_products"] for x in lines]
        amounts = [abs(x.amount_minor) * good for x, good in zip(lines, earns, strict=True)]
        return split(sum(amounts) // rule["per_minor"] * rule["points"], amounts)
    def award(self, member, sale, ahead=0):  # at the tier before it; what comes late takes back no later tier
        m, at, day = self.facts.members[member], sale.at, sale.r.captured_at.date()
        self.review(m, max(self.now, ahead))
        base = self.base(sale.r.lines)
        extra = split(sum(base) * (self.level(m, day, at)["multiplier_bp"] - ONE) // ONE, base)
        sale.points, waits = [a + b for a, b in zip(base, extra, strict=True)], self.p["lots"]["pending_days"]
        self.raised(m, day, at, sum(sale.points))
        m.quals += [(day, sum(sale.points))] * (sum(sale.points) != 0)
        sale.member, sale.lot = member, (self.midnight(day, waits) if waits else 0, self.carried(m, self.ends(day)), 0)
        self.give(m, sum(sale.points), sale.lot)
        for i, back in enumerate(sale.backs): self.reverse(sale, back, sale.backs[:i], refuse=False)
        self.slide(m, day)

    # Returns.
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
        self.review(m, self.now)
        m.quals += [(sale.r.captured_at.date(), -points)] * (points != 0)
        end = self.carried(m, sale.lot[1])
        if end <= self.now: back.gone = points
        else: back.takes, back.owed, back.gone = self.take_back(m, points, [sale.lot, (sale.lot[0], end, 0)], refuse)
    def take_back(self, m, points, own=(), refuse=True):
        (takes, short), how = self.take(m, points, own), self.p["returns"]["when_spent"]
        need(not short or not refuse or how != "refuse", "PointsSpent")
        m.owed += short * (how != "take")
        return takes, short * (how != "take"), short * (how == "take")
    def loose(self, member, lines, day, refuse=True):
        m, points = self.facts.members[member], sum(self.base(lines, "return"))
        self.review(m, self.now)
        if points: self.present(m)
        self.take_back(m, points, refuse=refuse)
        m.quals += [(day, -points)] * (points != 0)
    def void_return(self, receipt, by, name):
        self.claim("void", name, receipt, by)
        sale = self.sale(receipt)
        need(back := next((b for b in (*sale.backs, *(() if sale.r else sale.waits)) if b.by == by), None), "ReturnUnknown")
        if not sale.r: return sale.waits.remove(back)
        sale.backs.remove(back)
        if sale.member:  # what it took comes back, then what is owed for it; what it let go stays gone
            m, points = self.facts.members[sale.member], self.points_of(sale, back, sale.backs)
            self.review(m, self.now)
            puts = self.moved(m, cut(back.takes, 0, points))
            rest = points - total(puts)
            off = min(rest, back.owed, m.owed)
            m.owed -= off
            self.put(m, [*puts, [sale.lot[0], self.carried(m, sale.lot[1]), 0, min(rest, back.owed) - off + max(0, rest - back.owed - back.gone)]])
            m.quals += [(sale.r.captured_at.date(), points)] * (points != 0)
        self.restore(sale)
    def restore(self, sale):  # what points paid comes back with the share of the goods that is back
        whole = sum(x.amount_minor for x in sale.r.lines if x.quantity > 0 and not x.voided)
        back = sum(sum(b.amounts.values()) for b in sale.backs)
        for paid in filter(None, (self.paid(ref) for ref in dict.fromkeys(t.ref for t in sale.r.tenders if t.ref))):
            whole_paid, m = total(paid.takes) + paid.owed, self.facts.members[paid.member]
            target = whole_paid * min(back, whole) // (whole or 1)
            if paid.by_hand or paid.sale not in (None, sale.key) or target == paid.undone: continue
            if target > paid.undone: self.give_back(m, paid, target)
            else:  # paid again; what expired meanwhile was paid with as it is
                self.present(m)
                back = self.back_of(m, paid, target, paid.undone)[0]
                gone, lasts = total(t for t in back if t[1] <= self.now), [t for t in back if t[1] > self.now]
                m.owed += self.take(m, paid.undone - target - gone, lasts)[1]
            paid.undone, paid.sale = target, sale.key
    def back_of(self, m, paid, before, after):  # what is owed is cancelled first, or comes back where it was repaid
        puts, debt = cut(paid.takes[::-1], max(0, before - paid.owed), max(0, after - paid.owed)), min(after, paid.owed) - min(before, paid.owed)
        off = min(debt, m.owed)
        return self.moved(m, puts + ([[*paid.held[-1][:3], debt - off]] if debt > off else [])), off
    def give_back(self, m, paid, after):
        puts, off = self.back_of(m, paid, paid.undone, after)
        m.owed -= off
        self.put(m, puts)
