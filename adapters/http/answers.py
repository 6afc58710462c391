"""What several paths answer alike."""

from __future__ import annotations

from typing import Any

from adapters.http import forms
from adapters.http.guard import Call
from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.commands.common import Outcome


def done(outcome: Outcome) -> forms.Done:
    """What is said of a command that answers with no more than that it is done."""
    return forms.Done(outcome.repeat, outcome.stream.hex(), outcome.version)


def about(request: Call, outcome: Outcome) -> forms.Done:
    """The same of one on a member, who stands in the record of the call."""
    request.state.subject = outcome.stream
    return done(outcome)


def recorded(event: Any, outcome: Outcome) -> forms.Recorded:
    """What a till is told of a receipt."""
    stream, version = outcome.stream.hex(), outcome.version
    if isinstance(event, e.ReceiptUnclaimed):
        state = e.UNATTRIBUTED[event.why]
        return forms.Recorded("", 0, (), state, outcome.repeat, stream, version)
    points = event.award.points
    return forms.Recorded(stream, sum(points), points, "earned", outcome.repeat, stream, version)


def redeemed(
    request: Call, ledger: LoyaltyLedger, outcome: Outcome, code: str = ""
) -> forms.Redeemed:
    """What is told of points that paid; `code` is that of a voucher."""
    request.state.subject = outcome.stream
    event = ledger.event(outcome)
    points = sum(take.points for take in event.takes + event.unexpired) + event.arrears
    return forms.Redeemed(points, event.value_minor, outcome.repeat, code, event.arrears)
