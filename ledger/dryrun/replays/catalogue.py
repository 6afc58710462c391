"""The catalogue, campaigns, models and access keys are facts: no programme decides them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger import events as e
from ledger.dryrun.replays.parts import copied
from ledger.dryrun.world import Act, World

REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.ProductDescribed: copied,
    e.PriceSet: copied,
    e.PromotionSet: copied,
    e.CampaignCreated: copied,
    e.CampaignEnded: copied,
    e.CampaignBudgeted: copied,
    e.ListIssued: copied,
    e.ModelFitted: copied,
    e.AccessKeyIssued: copied,
    e.AccessKeyEnded: copied,
}
