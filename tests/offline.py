"""What tests of offline tills share: a member with points, an allowance, what is told later."""

import base64
import json

from tests.conftest import PROGRAMME
from tests.shop import NOW, receipt

HOUR, MINUTE = 3_600, 60
TABLE = "[redeem.offline]\nmost_points = 100\n"
OFFLINE = PROGRAMME + TABLE


def rich(ledger, points=100, card="c1", at=NOW):
    ledger.enrol(card)
    ledger.record(receipt(card=card, amount=points * 100, at=at))


def allow(ledger, points=60, name="a1", card="c1", **options):
    """The token that a till keeps."""
    return ledger.issue_allowance(card, points, name, **options).token


def spend(ledger, token, points=50, name="x1", at=NOW + HOUR, card="c1", **options):
    """What the till tells later; the event that it came to."""
    return ledger.event(ledger.redeem_offline(card, points, name, token, at, **options))


def raw(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims_of(token):
    return json.loads(raw(token.split(".")[1]))
