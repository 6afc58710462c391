"""Segmentations: one a file, registered here; none knows another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger.policies.profile import Profile, Segmented, Segmenting, Terms
from ledger.policies.segments.abc import abc
from ledger.policies.segments.category_loyalty import category_loyalty
from ledger.policies.segments.core import core
from ledger.policies.segments.hours import hours
from ledger.policies.segments.own_rhythm import own_rhythm
from ledger.policies.segments.pyramid import pyramid
from ledger.policies.segments.rank import rank
from ledger.policies.segments.rfm import rfm
from ledger.policies.segments.top import top

ONE_OFF = "one-off"
"""Who bought in the window, but nothing that is no one-off; ranked nowhere."""


class Segmentation(NamedTuple):
    """A way to group members, and which facts it looks at beside receipts and spend."""

    name: str
    segment: Segmenting
    goods: bool = False
    """It is about the buyers of a product or a category, which must be named."""
    products: bool = False
    """It looks at products one by one."""
    hours: bool = False


SEGMENTATIONS: tuple[Segmentation, ...] = (
    Segmentation("pyramid", pyramid),
    Segmentation("rfm", rfm),
    Segmentation("abc", abc),
    Segmentation("top", top, goods=True),
    Segmentation("category-loyalty", category_loyalty, goods=True, products=True),
    Segmentation("core", core),
    Segmentation("rank", rank),
    Segmentation("hours", hours, hours=True),
    Segmentation("rhythm", own_rhythm),
)


def segmented(way: Segmentation, profiles: Sequence[Profile], terms: Terms) -> Segmented:
    """Group those who bought what is asked about; whoever did so by one-offs only stands apart."""
    of_goods = bool(terms.product or terms.category)
    regular = [p for p in profiles if (p.goods.receipts if of_goods else p.receipts)]
    found = way.segment(regular, terms)
    if of_goods:
        return found
    apart = sorted(p.member for p in profiles if not p.receipts and p.one_off_minor)
    of = found.of | dict.fromkeys(apart, ONE_OFF)
    return found._replace(names=(*found.names, ONE_OFF), of=of)
