"""What points can be turned into, and for how many."""

from __future__ import annotations

from ledger.errors import RedeemNotOffered, RedeemShare, RedeemStep
from ledger.programme import ONE_BP, Cash, Gift, Redeem, Voucher
from ledger.types import MOST_POINTS


def cash_value(redeem: Redeem, points: int, basket_minor: int = 0, there: int = MOST_POINTS) -> int:
    """What points are worth at the till, in minor units (exact: steps are whole).

    `basket_minor` is what the basket costs; it is looked at where the programme lets points
    pay only a share. `there` is how many points there are; a refusal names no number above it.

    Raises:
        RedeemNotOffered: the programme gives no cash for points.
        RedeemStep: below the minimum or between two steps; says the nearest that would do.
        RedeemShare: more of the basket than may be paid; says the most that would do.
    """
    cash = redeem.cash
    if cash is None:
        msg = "It gives no cash for points."
        raise RedeemNotOffered(msg)
    most_minor = basket_minor * cash.max_share_bp // ONE_BP
    shared = cash.max_share_bp < ONE_BP
    limit = min(there, most_minor // cash.value_minor * cash.points) if shared else there
    least, most = cash.least_above(points), most_below(cash, limit)
    if points != least:
        msg = f"{points} asked; {would_do(min(least, most))}."
        raise RedeemStep(msg, field="points")
    value = points // cash.points * cash.value_minor
    if shared and value > most_minor:
        msg = (
            f"{value} asked of a basket of {basket_minor}, {most_minor} may be paid;"
            f" {would_do(most)}."
        )
        raise RedeemShare(msg, field="points")
    return value


def would_do(points: int) -> str:
    """How a refusal says what would succeed."""
    return f"{points} would do" if points else "none would do"


def most_below(cash: Cash, points: int) -> int:
    """The largest number up to `points` that the programme would redeem; 0 where there is none."""
    most = points // cash.step * cash.step
    return most if most >= cash.minimum_points else 0


def gift_of(redeem: Redeem, code: str, variant: str = "") -> Gift:
    """The gift with this code; its variant must be one of those listed, if any are.

    Raises:
        RedeemNotOffered: there is none, or not in this variant.
    """
    for gift in redeem.gift:
        if gift.code == code:
            if variant not in (gift.variants or ("",)):
                offered = ", ".join(gift.variants) or "none"
                msg = f"Gift `{code}` has no variant `{variant}`; variants: {offered}."
                raise RedeemNotOffered(msg, field="variant")
            return gift
    msg = f"There is no gift `{code}`."
    raise RedeemNotOffered(msg, field="gift")


def voucher_of(redeem: Redeem, code: str) -> Voucher:
    """The voucher with this code.

    Raises:
        RedeemNotOffered: there is none.
    """
    for voucher in redeem.voucher:
        if voucher.code == code:
            return voucher
    msg = f"There is no voucher `{code}`."
    raise RedeemNotOffered(msg, field="voucher")
