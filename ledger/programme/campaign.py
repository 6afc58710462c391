"""The file of a campaign, in TOML or JSON; what is wrong is named with its key."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

import msgspec
from msgspec import Meta, field

from ledger.errors import CampaignInvalid
from ledger.programme.audience import Audience, Goal, Limit, WithGoods, aimed
from ledger.programme.audience import Depth as Depths
from ledger.programme.parts import Contradictions, Goods, Name, Part, RateBp
from ledger.types import MOST_MINOR

MOST_TIMES = 1_000_000
Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Money = Annotated[int, Meta(ge=1, le=MOST_MINOR)]
Budget = Annotated[int, Meta(ge=0, le=MOST_MINOR)]
Pieces = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Times = Annotated[int, Meta(ge=1, le=MOST_TIMES)]
KINDS = ("off_minor", "off_bp", "price_minor", "points", "reward")


class Offer(Part, frozen=True):
    """What a piece of the goods gets: exactly one of these."""

    off_minor: Money | None = None
    off_bp: RateBp | None = None
    price_minor: Annotated[int, Meta(ge=0, le=MOST_MINOR)] | None = None
    points: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    reward: Text | None = None

    @property
    def kinds(self) -> list[str]:
        """Those that are said."""
        return [kind for kind in KINDS if getattr(self, kind) is not None]


class Campaign(Part, frozen=True):
    """The whole file; the last day counts too."""

    code: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00:,]*$")]
    name: Text
    from_: dt.date = field(name="from")
    until: dt.date
    funder: Name
    offer: Offer
    products: Goods = ()
    categories: Goods = ()
    budget_minor: Budget | None = None
    budget_pieces: Pieces | None = None
    per_member: Times | None = None
    per_day: Times | None = None
    may_combine: bool = False
    holdout_bp: Annotated[int, Meta(ge=0, le=10_000)] = 0
    seed: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*$")] = ""
    audience: Audience | None = None
    depth: Depths | None = None
    goal: Goal | None = None
    limit: Limit | None = None
    with_: Annotated[tuple[WithGoods, ...], Meta(max_length=8)] = field(default=(), name="with")


def read_campaign(text: str) -> Campaign:
    """Read a campaign's file: JSON where it begins with a brace, else TOML.

    Raises:
        CampaignInvalid: with the key at fault, e.g. `offer.off_bp`.
    """
    decode = msgspec.json.decode if text.lstrip().startswith("{") else msgspec.toml.decode
    try:
        campaign = decode(text, type=Campaign)
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CampaignInvalid(str(error)) from None
    for key, complaint in contradictions(campaign):
        raise CampaignInvalid(f"It {complaint}.", field=key)
    return campaign


def contradictions(campaign: Campaign) -> Contradictions:
    """Find what the types cannot say."""
    if campaign.until < campaign.from_:
        yield "until", "is before `from`"
    if not campaign.products and not campaign.categories:
        yield "products", "lists neither `products` nor `categories`"
    if len(campaign.offer.kinds) != 1:
        yield "offer", f"needs exactly one of {', '.join(f'`{kind}`' for kind in KINDS)}"
    if campaign.holdout_bp and not campaign.seed:
        yield "seed", "is needed beside `holdout_bp`"
    for index, part in enumerate(campaign.with_):
        if not part.products and not part.categories:
            yield f"with[{index}]", "lists neither `products` nor `categories`"
        for product in part.products:
            if product in campaign.products:
                yield f"with[{index}].products", f"has `{product}`, which the offer is for"
    kinds = campaign.offer.kinds
    own = (kinds[0], getattr(campaign.offer, kinds[0])) if len(kinds) == 1 else ("", 0)
    yield from aimed(campaign.audience, campaign.depth, campaign.goal, own)
    if campaign.audience and campaign.audience.together and not campaign.with_:
        yield "audience.together", "is said without `with`"


def _explain(message: str) -> CampaignInvalid:
    """Turn msgspec's path into the key a person finds in the file."""
    said, _, path = message.partition(" - at `$")
    leaf = re.search(r"field `([^`]*)`", said)
    parts = (path.rstrip("`").lstrip("."), leaf.group(1) if leaf else "")
    return CampaignInvalid(f"{said}.", field=".".join(filter(None, parts)) or None)
