"""Everything that lists of a day are made of, told once; then any part of the members by anybody.

It holds what all lists share and nothing open, so it travels to other processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ledger import events as e
from ledger.commands.lists import IssueMade
from ledger.commands.offers import MOST_OFFERS
from ledger.forecast.model import Model
from ledger.forecast.population import Population, unpacked
from ledger.offers.audience import addressed
from ledger.offers.histories import PAGE, Cut, Histories, Part
from ledger.offers.schedule import MemberList, Wanted, population, schedule
from ledger.policies.listing import chosen
from ledger.policies.offers import amount_for, held_out
from ledger.programme import Lists, Programme
from ledger.projections.catalogue import Shelf, shelf, within_groups
from ledger.projections.queries import Reader
from ledger.store.codec import Codec
from ledger.store.keys import CAMPAIGN, ID_BYTES, MEMBER, MODEL_STREAM, beside
from ledger.store.log import Log
from ledger.types import Day, Instant

PART_MEMBERS = 2_000
"""In a part, about."""
_ID_BITS = 8 * (ID_BYTES - 1)


class Ask(NamedTuple):
    """Which lists."""

    as_of: Day
    """The day at whose end they are made."""
    lines: int
    from_minor: int
    """What a member must have spent in the last 56 days."""
    days: int
    """That a list holds, from the next day on."""

    @classmethod
    def by(cls, rules: Lists | None, as_of: Day) -> Ask:
        """As the programme says."""
        said = rules or Lists()
        return cls(as_of, said.lines, said.from_minor, said.days)

    @property
    def from_day(self) -> Day:
        """The first day of a list."""
        return self.as_of + 1

    @property
    def until_day(self) -> Day:
        """The last day of a list."""
        return self.as_of + self.days


class Plan(NamedTuple):
    """What all lists of a day share."""

    ask: Ask
    cut: Cut
    model: Model | None
    digest: str
    """Of the model; empty where the untuned table is asked."""
    known: Population
    goods: Shelf
    deals: dict[str, tuple[e.CampaignCreated, ...]]
    """By product, the campaigns that run on all days of the lists."""
    cells: dict[str, dict[bytes, str]]
    """Of campaigns that address some members only: these, with the cell that each is in."""


class MadeList(NamedTuple):
    """A list with its offers."""

    member: bytes
    from_day: Day
    until_day: Day
    """The last day."""
    shopping: e.ShoppingList
    offers: tuple[e.ListedOffer, ...]
    """What the member is offered, each for a product of the list; until it is issued, as deep as
    on a first list."""
    held_out: tuple[e.ListedOffer, ...] = ()
    """What it would be, if the campaigns did not hold it out."""
    barcode: str = ""
    """Empty until it is issued."""


def plan(
    log: Log, codec: Codec, reader: Reader, programme: Programme, ask: Ask, histories: Histories,
    told_by: Instant | None = None,
) -> Plan:  # fmt: skip
    """The plan for a day; memory is linear in products, and in whom campaigns address.

    Campaigns are as they had been told by the end of the day, or by another instant.

    Raises:
        InputInvalid: the model was fitted for other columns.
    """
    cut = histories.cut
    fitted = fitted_by(log, codec, cut)
    model = msgspec.msgpack.decode(fitted.model, type=Model) if fitted else None
    if fitted and fitted.population:
        known = unpacked(fitted.population)
    else:
        known = population(histories, ask.as_of)
    running = _running(log, codec, ask, cut if told_by is None else Cut(log.head(), told_by))
    deals: dict[str, list[e.CampaignCreated]] = {}
    for terms in running:
        for product in dict.fromkeys((*terms.products, *within_groups(reader, terms.categories))):
            deals.setdefault(product, []).append(terms)
    return Plan(
        ask, cut, model, fitted.digest if fitted else "", known,
        shelf(reader, ask.from_day, cut.until),
        {product: tuple(found) for product, found in deals.items()},
        {
            terms.code: addressed(reader, terms, ask.as_of, programme)
            for terms in running
            if terms.window
        },
    )  # fmt: skip


def made(histories: Histories, plan: Plan, part: Part) -> Iterator[MadeList]:
    """The lists of some members, in the order of their streams."""
    ask = plan.ask
    wanted = Wanted(ask.as_of, ask.lines, ask.from_minor, part)
    for told in schedule(histories, wanted, plan.model, plan.known, plan.goods):
        yield _with_offers(plan, told)


def command(one: MadeList) -> IssueMade:
    """What issues a list; how deep each offer goes is decided by the lists that came before."""
    offers = tuple(replace(offer, amount=0) for offer in (*one.offers, *one.held_out))
    return IssueMade(one.member, offers, one.from_day, one.until_day, one.shopping)


def parts(members: int) -> list[Part]:
    """So many members in parts, as far as streams, which are hashes, lie evenly."""
    count = max(1, -(-members // PART_MEMBERS))
    edges = [(MEMBER << _ID_BITS) + (n << _ID_BITS) // count for n in range(count + 1)]
    return [
        Part((low - (low > edges[0])).to_bytes(ID_BYTES), high.to_bytes(ID_BYTES))
        for low, high in pairwise(edges)
    ]


def fitted_by(log: Log, codec: Codec, cut: Cut) -> e.ModelFitted | None:
    """The model that had been recorded last."""
    found = None
    for rows in log.in_streams(
        (MODEL_STREAM, 0), beside(MODEL_STREAM, 1), cut.upto, (e.ModelFitted.TOPIC,), 100
    ):
        for row in rows:
            if row[5] <= cut.until:
                found = row
    return codec.decode[found[3]](found[4]) if found else None


def _with_offers(plan: Plan, told: MemberList) -> MadeList:
    found = [
        (line.product, terms)
        for line in told.lines
        for terms in chosen(
            _addressing(plan, told.member_id, plan.deals.get(line.product, ())), line.price_minor
        )
    ]
    offers = []
    for product, terms in found[:MOST_OFFERS]:
        cell = plan.cells.get(terms.code, {}).get(told.member_id, "")
        offer = e.ListedOffer(terms.code, product, amount_for(terms, cell, 0), cell)
        out = held_out(terms.seed, terms.code, told.member_id, terms.holdout_bp)
        offers.append((out, offer))
    ask = plan.ask
    shopping = e.ShoppingList(
        ask.as_of, plan.digest, told.visits, told.rhythm, told.spend_minor, told.lines
    )
    return MadeList(
        told.member_id, ask.from_day, ask.until_day, shopping,
        tuple(offer for held, offer in offers if not held),
        tuple(offer for held, offer in offers if held),
    )  # fmt: skip


def _addressing(
    plan: Plan, member: bytes, campaigns: Sequence[e.CampaignCreated]
) -> list[e.CampaignCreated]:
    """Those of the campaigns that address a member."""
    return [
        one for one in campaigns if one.code not in plan.cells or member in plan.cells[one.code]
    ]


def _running(log: Log, codec: Codec, ask: Ask, cut: Cut) -> list[e.CampaignCreated]:
    """Campaigns that run on all days of the lists, as had been told by then."""
    terms: dict[bytes, e.CampaignCreated] = {}
    until_day: dict[bytes, Day] = {}
    after, until = (bytes([kind]).ljust(ID_BYTES, b"\0") for kind in (CAMPAIGN, CAMPAIGN + 1))
    topics = (e.CampaignCreated.TOPIC, e.CampaignEnded.TOPIC)
    for rows in log.in_streams((after, 0), until, cut.upto, topics, PAGE):
        for _, stream, _, topic, data, recorded_at in rows:
            if recorded_at > cut.until or topic not in topics:
                continue
            event = codec.decode[topic](data)
            until_day[stream] = event.until_day
            if topic == e.CampaignCreated.TOPIC:
                terms[stream] = event
    running = [
        one for stream, one in terms.items()
        if one.from_day <= ask.from_day and until_day[stream] >= ask.until_day
    ]  # fmt: skip
    return sorted(running, key=lambda one: one.code)
