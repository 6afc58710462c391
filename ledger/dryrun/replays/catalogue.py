"""The catalogue is a fact: what products are and cost, no programme decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger import events as e
from ledger.dryrun.replays.parts import copied
from ledger.dryrun.world import Act, World

REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.ProductDescribed: copied,
    e.PriceSet: copied,
    e.PromotionSet: copied,
}
