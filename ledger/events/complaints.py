"""Complaints, from the first word to the last."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant

__all__ = ["ComplaintAnswered", "ComplaintOpened", "ComplaintResolved"]


class ComplaintOpened(Event, frozen=True):
    """The member complained about a line of a receipt (`line` counts from 1)."""

    TOPIC: ClassVar[str] = "complaint-opened"
    captured_at: Instant
    complaint: bytes
    receipt: bytes
    line: int
    reason: str
    author: str


class ComplaintAnswered(Event, frozen=True):
    """The service desk answered."""

    TOPIC: ClassVar[str] = "complaint-answered"
    captured_at: Instant
    complaint: bytes
    answer: str
    author: str


class ComplaintResolved(Event, frozen=True):
    """The complaint is closed, with points as compensation or none."""

    TOPIC: ClassVar[str] = "complaint-resolved"
    captured_at: Instant
    complaint: bytes
    resolution: str
    author: str
    points: int
    activates_at: Instant
    expires_at: Instant
    programme: int
    repaid: int = 0
    role: str = ""
    approved_by: str = ""
    approver_role: str = ""


EVENTS: tuple[type[Event], ...] = (ComplaintOpened, ComplaintAnswered, ComplaintResolved)
