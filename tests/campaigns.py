"""What tests of campaigns share: a campaign's file in one line, and products that it may list."""

import json

from ledger.types import Level, Product

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
