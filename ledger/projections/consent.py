"""Consent to be told offers: who said so, and when."""

from __future__ import annotations

from typing import NamedTuple

from ledger import events as e
from ledger.projections.queries import Reader
from ledger.projections.schema import POSITION, RECORDED, At, Column, Out, Projection, Table
from ledger.types import Instant

FCT_CONSENT = Table(
    "fct_consent",
    "One row each time a member consented to be told offers, or took that back; the last holds",
    2,
    (
        Column("member_id", "id", "the member's stream"),
        Column("version", "int", "version of the event in the member's stream"),
        Column("given", "int", "1 = consents; 0 = does not, or not any more"),
        Column("author", "text", "who took it in"),
        Column("captured_at", "instant", "when"),
        RECORDED,
        POSITION,
    ),
)


class Consent(NamedTuple):
    """What a member said last of being told offers."""

    given: bool
    author: str
    captured_at: Instant


def _said(at: At, event: e.OffersConsented, out: Out) -> None:
    out.rows["fct_consent"].append(
        (
            at.stream, at.version, int(event.given), event.author, event.captured_at,
            at.recorded_at, at.position,
        )
    )  # fmt: skip


def consent(reader: Reader, member: bytes, at: Instant) -> Consent | None:
    """What a member had said last at an instant; None where nobody asked."""
    rows = reader.rows(
        f"SELECT given, author, captured_at FROM {reader.name(FCT_CONSENT)}"
        " WHERE member_id = ? AND captured_at <= ? ORDER BY version DESC LIMIT 1",
        (member, at),
    )
    return Consent(bool(rows[0][0]), *rows[0][1:]) if rows else None


def consents(reader: Reader, at: Instant) -> dict[bytes, bool]:
    """What everybody who was asked had said last at an instant."""
    rows = reader.rows(
        f"SELECT member_id, given FROM {reader.name(FCT_CONSENT)} WHERE captured_at <= ?"
        " ORDER BY member_id, version",
        (at,),
    )
    return {bytes(member): bool(given) for member, given in rows}


CONSENT = Projection("consent", 1, (FCT_CONSENT,), {e.OffersConsented: _said})
