"""The only door: every change goes through it, every face stands before it."""

from __future__ import annotations

from ledger.application.codec import codec
from ledger.application.ledger import LoyaltyLedger
from ledger.application.reads import MemberView

__all__ = ["LoyaltyLedger", "MemberView", "codec"]
