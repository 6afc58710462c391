"""A made-up shop's buyers of pain relief: national, own brand, or switching; heavy, medium, light.

The same numbers every time. `tests/test_example.py` runs `docs/example-pain-relief.md` on them.
"""

import random

from ledger import events as e
from tests.shop import DAY, line, receipt

NATIONAL, OWN, MILK = "4000000000006", "2000000000015", "2000000000022"
CATALOGUE = f"""\
code,name,level1,level1_name,brand,brand_kind
{NATIONAL},Dolofin tablets,pain-relief,Pain relief,Dolofin,national
{OWN},Our tablets,pain-relief,Pain relief,Ours,own
{MILK},Milk,dairy,Dairy,Ours,own
"""
PRICES = {NATIONAL: 598, OWN: 299}
MEMBERS = 600
PACES = {"heavy": (15, 2), "medium": (30, 1), "light": (60, 1)}
"""Days between purchases, and packs."""
TRIES = {150: 60, 100: 45, 50: 25}
"""Of a hundred: who tries the own brand for so much off; others do so without."""
UNASKED, AGAIN = 4, 60
"""Of a hundred: who tries it without an offer, and who buys it again having tried it."""


class Buyer:
    """A member: what it buys by habit, and when."""

    def __init__(self, number):
        self.card = f"29{number:08}"
        self.kind = ("national", "switcher", "national", "own", "national")[number % 5]
        self.usage = ("light", "medium", "light", "heavy", "light", "medium")[number // 5 % 6]
        self.rng = random.Random(number)
        self.every, self.packs = PACES[self.usage]
        self.times = 0
        self.tried = False

    def days(self, first, last):
        """The days of the year's purchases; the pace hardly varies."""
        day = first + self.rng.randrange(self.every)
        while day <= last:
            yield day
            day += self.every + self.rng.randint(-1, 1)

    def habit(self):
        """What it takes without thinking; a switcher spends the same on both."""
        self.times += 1
        if self.kind == "switcher":
            return NATIONAL if self.times % 3 == 0 else OWN
        return NATIONAL if self.kind == "national" else OWN

    def takes(self, off_minor):
        """What it takes at a shelf where its list says so much off the own brand; 0 without one."""
        asked = AGAIN if self.tried else TRIES.get(off_minor, UNASKED)
        usual = self.habit()
        if usual == NATIONAL and self.rng.randrange(100) < asked:
            self.tried = True
            return OWN
        return usual


def goods(product, packs, off_minor=0):
    off = off_minor if product == OWN else 0
    gross = PRICES[product] * packs
    return line(gross - off * packs, product, packs, discount_minor=off * packs)


def visit(buyer, day, product, off_minor=0, barcode=""):
    at = day * DAY + 36_000 + 60 * int(buyer.card[-4:])
    lines = goods(product, buyer.packs, off_minor), line(119, MILK)
    shown = (barcode,) if barcode else ()
    return receipt(*lines, card=buyer.card, at=at, number=f"{buyer.card}-{day}", offers=shown)


class Town:
    """All buyers, and the days on which they will come."""

    def __init__(self, first, begins, last):
        self.buyers = [Buyer(number) for number in range(MEMBERS)]
        self.begins = begins
        self.coming = {
            buyer.card: [*buyer.days(first, last)] for buyer in self.buyers
        }  # fmt: skip

    def history(self):
        """Their receipts before the campaign begins, in the order of days."""
        found = [
            visit(buyer, day, buyer.habit())
            for buyer in self.buyers
            for day in self.coming[buyer.card]
            if day < self.begins
        ]
        return sorted(found, key=lambda one: (one.captured_at, one.card))

    def fortnight(self, first, last, lists):
        """Their receipts on some days; `lists` says each card's off and barcode."""
        found = []
        for buyer in self.buyers:
            for day in self.coming[buyer.card]:
                if first <= day <= last:
                    off, barcode = lists.get(buyer.card, (0, ""))
                    found.append(visit(buyer, day, buyer.takes(off), off, barcode))
        return sorted(found, key=lambda one: (one.captured_at, one.card))


def lists_of(ledger, cards, day):
    """The off and the barcode of each card's list that holds on a day."""
    found = {}
    for card in cards:
        for one in ledger._state(ledger.member_of(card)).lists:
            if one.from_day <= day <= one.until_day:
                found[card] = (one.offers[0].amount, one.barcode)
    return found


def issues(ledger):
    """Every list that was issued, in the order of the log."""
    return [event for event in events(ledger) if isinstance(event, e.ListIssued)]


def events(ledger):
    for row in ledger.log.page(0, 10**6):
        yield ledger.codec.decode[row[3]](row[4])
