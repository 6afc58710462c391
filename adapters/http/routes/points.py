"""Points: reserved, paid out, given up, redeemed, given back, given and taken by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from litestar.params import JSONBody, Parameter

from adapters.http import forms
from adapters.http.answers import about, redeemed
from adapters.http.guard import Call, Ledger, in_own_store, in_store
from adapters.http.paths import acts
from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.calendar import instant_of, moment_of
from ledger.commands.common import Outcome
from ledger.errors import InputInvalid

Id = Annotated[str, Parameter(min_length=1, max_length=200, description="A command id.")]


@acts("/v1/holds", "hold", tags=["points"])
def hold(request: Call, data: JSONBody[forms.Hold], ledger: Ledger) -> forms.Held:
    """Reserve points as money off; the hold is known by its command id."""
    store = in_store(request, data.store)
    outcome = ledger.hold(
        data.card, data.points, data.command_id, minutes=data.minutes, store=store,
        basket_minor=data.basket_minor,
    )  # fmt: skip
    request.state.subject = outcome.stream
    held: e.PointsHeld = ledger.event(outcome)
    points = sum(take.points for take in held.takes)
    return forms.Held(data.command_id, points, moment_of(held.ends_at), outcome.repeat)


@acts("/v1/holds/{hold_id:str}/settle", "hold", tags=["points"])
def settle(
    request: Call, hold_id: Id, data: JSONBody[forms.Settle], ledger: Ledger
) -> forms.Redeemed:
    """Pay a hold out, all of it or fewer points; the rest is free again."""
    store = in_store(request, data.store)
    in_own_store(request, ledger, hold_id)
    captured_at = instant_of(data.captured_at) if data.captured_at else None
    outcome = ledger.settle(
        hold_id, data.points, captured_at=captured_at, store=store, basket_minor=data.basket_minor
    )
    return redeemed(request, ledger, outcome)


@acts("/v1/holds/{hold_id:str}/release", "hold", tags=["points"])
def release(request: Call, hold_id: Id, ledger: Ledger) -> forms.Done:
    """Give a hold up."""
    in_own_store(request, ledger, hold_id)
    return about(request, ledger.release(hold_id))


@acts("/v1/redemptions", "redeem", tags=["points"])
def redeem(request: Call, data: JSONBody[forms.Redeem], ledger: Ledger) -> forms.Redeemed:
    """Turn points into money off, a gift or a voucher; or tell of points that paid while offline."""
    store = in_store(request, data.store)
    if data.allowance or data.captured_at:
        if data.gift or data.voucher:
            raise InputInvalid("Offline, points pay as money off only.", field="allowance")
        return redeemed(request, ledger, let_pay_late(ledger, data, data.command_id, store))
    outcome = ledger.redeem(
        data.card, data.command_id, points=data.points, gift=data.gift, variant=data.variant,
        voucher=data.voucher, store=store, basket_minor=data.basket_minor,
    )  # fmt: skip
    code = ledger.voucher_code(data.command_id) if data.voucher else ""
    return redeemed(request, ledger, outcome, code)


def let_pay_late(
    ledger: LoyaltyLedger, data: forms.Redeem | forms.Burn, command_id: str, store: str
) -> Outcome:
    """Tell of points that paid under an allowance while a till was offline."""
    if not data.allowance or data.captured_at is None:
        missing = "captured_at" if data.allowance else "allowance"
        raise InputInvalid("`allowance` and `captured_at` go together.", field=missing)
    return ledger.redeem_offline(
        data.card, data.points, command_id, data.allowance, instant_of(data.captured_at),
        store=store, basket_minor=data.basket_minor,
    )  # fmt: skip


@acts("/v1/redemptions/{redemption_id:str}/undo", "undo-redemption", tags=["points"])
def undo(
    request: Call, redemption_id: Id, data: JSONBody[forms.Undo], ledger: Ledger
) -> forms.Done:
    """Give the points of a redemption, or of a settled hold, back to their own lots."""
    in_store(request, data.store)
    in_own_store(request, ledger, redemption_id)
    author = request.user.holder
    return about(request, ledger.undo_redemption(redemption_id, data.reason, author))


@acts("/v1/vouchers/{code:str}/use", "use-voucher", tags=["points"])
def use_voucher(
    request: Call, code: Id, data: JSONBody[forms.UseVoucher], ledger: Ledger
) -> forms.Done:
    """Let a voucher pay, once."""
    store = in_store(request, data.store)
    return about(request, ledger.use_voucher(code, data.command_id, store))


@acts("/v1/adjustments", "adjust", tags=["points"])
def adjust(request: Call, data: JSONBody[forms.Adjust], ledger: Ledger) -> forms.Done:
    """Give points by hand, or take them; the key's holder is the author."""
    outcome = ledger.adjust(
        data.card, data.points, data.reason, request.user.holder, data.command_id, role=data.role,
        approved_by=data.approved_by, approver_role=data.approver_role,
    )  # fmt: skip
    return about(request, outcome)


ROUTES: Sequence[Any] = (hold, settle, release, redeem, undo, use_voucher, adjust)
