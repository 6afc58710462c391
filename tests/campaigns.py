"""What tests of campaigns share: a campaign's file in one line, and products that it may list."""

import json

from ledger import events as e
from ledger.types import Level, Product
from tests.shop import line

SOUP, PASTA, RICE = "4006381333931", "4311501450192", "2000000000015"
TERMS = {
    "code": "soup-24", "name": "Soup weeks", "from": "2026-01-01", "until": "2026-01-31",
    "funder": "Sopa Ltd", "products": [SOUP], "offer": {"off_minor": 50},
    "budget_minor": 50_000, "budget_pieces": 1_000,
}  # fmt: skip


def described(ledger):
    """The catalogue knows three products; soup and pasta are of one department."""
    dry = (Level("dry", "Dry goods"),)
    for code, levels in ((SOUP, dry), (PASTA, dry), (RICE, ())):
        ledger.describe_product(Product(code, f"product {code}", levels))
    return ledger


def terms(**changes):
    """The text of a campaign's file; what is None is left out."""
    said = {**TERMS, **changes}
    return json.dumps({key: value for key, value in said.items() if value is not None})


def begun(ledger, **changes):
    """A campaign, by its code."""
    ledger.create_campaign(terms(**changes), "Ada")
    return {**TERMS, **changes}["code"]


def issued(ledger, card, *offers, number="l1", days=(20_454, 20_460)):
    """A list for a card's holder; its event."""
    offers = [e.ListedOffer(o) if isinstance(o, str) else o for o in offers]
    return ledger.event(
        ledger.issue_list(card, offers, f"{card}/{number}", from_day=days[0], until_day=days[1])
    )


def soup(quantity=1, off=50, product=SOUP, **fields):
    """A line from which the till took so much off each piece."""
    return line((300 - off) * quantity, product, quantity, discount_minor=off * quantity, **fields)


def uses_on(ledger, outcome):
    """What a receipt's lines used: line, campaign, pieces, money, points."""
    event = ledger.event(outcome)
    found = event.award.offers if isinstance(event, e.ReceiptScanned) else ()
    return [(u.line, u.campaign, u.pieces, u.off_minor, u.points) for u in found]


def drawn(ledger, code="soup-24"):
    """The money and the pieces that a campaign has drawn."""
    view = ledger.campaign(code)
    return view.drawn_minor, view.drawn_pieces
