"""Who stands for an act of staff, in its event."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from ledger import events as e
from ledger.policies.authority import Signature

Signed = TypeVar("Signed", e.PointsAdjusted, e.ComplaintResolved)


def signed(event: Signed, by: Signature) -> Signed:
    """The event with the roles, and with who approved it."""
    return replace(event, role=by.role, approved_by=by.approved_by, approver_role=by.approver_role)
