"""Complaints: opened at the till or the desk, answered, resolved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from litestar.params import JSONBody, Parameter

from adapters.http import forms
from adapters.http.answers import about
from adapters.http.guard import Call, Ledger, in_store
from adapters.http.paths import acts

Id = Annotated[str, Parameter(min_length=1, max_length=200, description="The complaint's id.")]


@acts("/v1/complaints", "open-complaint", tags=["complaints"])
def open_complaint(
    request: Call, data: JSONBody[forms.Complaint], ledger: Ledger
) -> forms.Complained:
    """Take a complaint in; the key's holder is the author."""
    in_store(request, data.receipt.store)
    outcome = ledger.open_complaint(
        data.card, data.receipt.key, data.line, data.reason, request.user.holder, data.command_id
    )
    request.state.subject = outcome.stream
    return forms.Complained(ledger.complaint_id(data.command_id), outcome.repeat)


@acts("/v1/complaints/{complaint:str}/answer", "answer-complaint", tags=["complaints"])
def answer(
    request: Call, complaint: Id, data: JSONBody[forms.Answer], ledger: Ledger
) -> forms.Done:
    """Answer a complaint."""
    outcome = ledger.answer_complaint(
        data.card, complaint, data.answer, request.user.holder, data.command_id
    )
    return about(request, outcome)


@acts("/v1/complaints/{complaint:str}/resolve", "resolve-complaint", tags=["complaints"])
def resolve(
    request: Call, complaint: Id, data: JSONBody[forms.Resolve], ledger: Ledger
) -> forms.Done:
    """End a complaint, with points as compensation or without."""
    outcome = ledger.resolve_complaint(
        data.card, complaint, data.resolution, data.points, request.user.holder, data.command_id,
        role=data.role, approved_by=data.approved_by, approver_role=data.approver_role,
    )  # fmt: skip
    return about(request, outcome)


ROUTES: Sequence[Any] = (open_complaint, answer, resolve)
