"""Read models: one file each, registered here."""

from __future__ import annotations

from ledger.projections.access import ACCESS
from ledger.projections.balance import BALANCE
from ledger.projections.campaign import CAMPAIGN
from ledger.projections.catalogue import CATALOGUE
from ledger.projections.complaint import COMPLAINT
from ledger.projections.consent import CONSENT
from ledger.projections.member import MEMBER
from ledger.projections.membership import MEMBERSHIP
from ledger.projections.offer import OFFER
from ledger.projections.offline import OFFLINE
from ledger.projections.points import POINTS
from ledger.projections.purchase import PURCHASE
from ledger.projections.receipt import RECEIPT
from ledger.projections.review import REVIEW
from ledger.projections.rhythm import RHYTHM
from ledger.projections.schema import Projection
from ledger.projections.sold import SOLD
from ledger.projections.tier import TIER

PROJECTIONS: tuple[Projection, ...] = (
    POINTS,
    MEMBER,
    BALANCE,
    TIER,
    RECEIPT,
    COMPLAINT,
    REVIEW,
    MEMBERSHIP,
    PURCHASE,
    CATALOGUE,
    SOLD,
    RHYTHM,
    CONSENT,
    CAMPAIGN,
    OFFER,
    ACCESS,
    OFFLINE,
)
