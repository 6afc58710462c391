"""Who would notice a promotion of a product or a category."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.asking import Facts, Figure, Found, Terms

FIGURES = ("consent", "on", "quantity", "goods_minor", "receipts", "spend_minor")


def notice(facts: Sequence[Facts], terms: Terms) -> list[Found]:
    """Members who bought it on so many receipts, and whether they want to be told in advance.

    Who bought it most often first; of equals the lower id.
    """
    buyers = [one for one in facts if one.now.goods.receipts >= terms.rules.least_purchases]
    buyers.sort(key=lambda one: (-one.now.goods.receipts, one.member))
    return [Found(one.member, _figures(one)) for one in buyers]


def _figures(facts: Facts) -> tuple[Figure, ...]:
    now = facts.now
    goods = now.goods
    return (
        facts.consent, goods.receipts, goods.quantity, goods.spend_minor, now.receipts,
        now.spend_minor,
    )  # fmt: skip
