"""Allowances for tills that are offline: issued with a signature, told of later."""

from __future__ import annotations

from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.allowance_keys import AllowanceKeys
from ledger.application.door import Door
from ledger.commands.allowances import (
    ALLOWANCE_KEY,
    IssueAllowance,
    MakeAllowanceKey,
    RedeemOffline,
)
from ledger.commands.common import Outcome
from ledger.errors import AllowanceInvalid
from ledger.policies.offline import (
    HOUR_SECONDS,
    Claims,
    card_mark,
    read_token,
    signed,
    unsigned,
)
from ledger.programme import MAX_ALLOWANCE_HOURS, Cash
from ledger.projections.offline import OfflineBurn, offline_burns
from ledger.store.keys import ALLOWANCE_STREAM
from ledger.types import Instant

FIRST_KEY = "first"


class AllowanceKey(NamedTuple):
    """A key that allowances are, or were, signed with."""

    id: str
    public: bytes
    made_at: Instant
    until: Instant = 0
    """From when on nothing that it signed holds any more; 0 for the one that signs."""


class Allowed(NamedTuple):
    """An allowance that was issued."""

    outcome: Outcome
    issued: e.AllowanceIssued
    token: str
    """What the till keeps, checks and sends with what was spent: see docs/offline.md."""


class Allowances(Door):
    """What may be spent without asking."""

    def issue_allowance(
        self, card: str, points: int, command_id: str, *, hours: int = 0, store: str = ""
    ) -> Allowed:
        """Let a card spend points at tills that cannot ask, for so many hours (0: the programme's).

        A repeat is answered with the same token.

        Raises:
            KeyConflict, CardUnknown, CardBlocked, CardMayNotRedeem, CardLimitReached,
            AllowanceNotOffered, AllowanceLimit, AmountInvalid, SigningUnavailable, InputInvalid.
        """
        now = self.clock()
        if not self._allowance_keys() and self.programme_at(now).programme.redeem.offline:
            self.rotate_allowance_key("the ledger", FIRST_KEY)
        outcome = self._do(IssueAllowance(card, points, command_id, hours, store))
        issued = cast("e.AllowanceIssued", self.event(outcome))
        programme = self.programme_at(issued.captured_at).programme
        name = issued.allowance.hex()
        claims = Claims(
            name, card_mark(name, card), issued.captured_at, issued.until, issued.points,
            issued.store, programme.currency, cast("Cash", programme.redeem.cash),
        )  # fmt: skip
        text = unsigned(issued.key, claims)
        return Allowed(outcome, issued, signed(text, self.signer.sign(issued.key, text)))

    def redeem_offline(
        self, card: str, points: int, command_id: str, allowance: str, captured_at: Instant, *,
        store: str = "", basket_minor: int = 0,
    ) -> Outcome:  # fmt: skip
        """Tell of points that a till let pay as cash under an allowance, named by its token.

        They pay as of `captured_at`. What is not there any more is owed, and told as a shortfall.

        Raises:
            KeyConflict, CardUnknown, CardBlocked, AllowanceInvalid, AllowanceOver, AllowanceSpent,
            CapturedInFuture, CapturedTooLate, AmountInvalid, RedeemStep, RedeemShare,
            SigningUnavailable, InputInvalid.
        """
        token = read_token(allowance)
        known = {key.id: key.public for key in self._allowance_keys()}
        public = known.get(token.key)
        if public is None or not self.signer.right(public, token.signed, token.signature):
            raise AllowanceInvalid("It was not signed by this ledger.", field="allowance")
        return self._do(
            RedeemOffline(
                card, points, command_id, token.allowance, captured_at, store, basket_minor
            )
        )

    def allowance_keys(self) -> list[AllowanceKey]:
        """The keys that allowances were ever signed with, the one that signs last."""
        keys = self._allowance_keys()
        ends = [key.captured_at + MAX_ALLOWANCE_HOURS * HOUR_SECONDS for key in keys[1:]]
        return [
            AllowanceKey(key.id, key.public, key.captured_at, until)
            for key, until in zip(keys, (*ends, 0), strict=False)
        ]

    def rotate_allowance_key(self, author: str, command_id: str) -> AllowanceKey:
        """Make a key that signs from now on; what the others signed holds as long as it did.

        Raises:
            KeyConflict, InputInvalid, SigningUnavailable.
        """
        known = self._state(self.keys.command(ALLOWANCE_KEY, command_id))
        # Of a repeat and of what is refused no private key is left behind.
        key, public = ("", b"") if known or not author else self.signer.new_key()
        outcome = self._do(MakeAllowanceKey(key, public, author, command_id))
        made = self.event(outcome)
        return next(one for one in self.allowance_keys() if one.id == made.id)

    def offline_burns(self, since: Instant, until: Instant, *, short: bool) -> list[OfflineBurn]:
        """What was spent without asking in a period (until excluded); `short`: where some was owed."""
        with self.reading() as reader:
            return offline_burns(reader, since, until, short=short)

    def _allowance_keys(self) -> AllowanceKeys:
        return cast("AllowanceKeys | None", self._state(ALLOWANCE_STREAM)) or ()
