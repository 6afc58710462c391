"""Who a job has something to record for: pages of members, from the reporting tables."""

from __future__ import annotations

from ledger.projections.balance import FCT_LOT, FCT_MEMBER_POINTS
from ledger.projections.queries import Reader
from ledger.projections.tier import FCT_TIER
from ledger.types import Instant


def with_expired_points(reader: Reader, at: Instant, after: bytes, limit: int) -> list[bytes]:
    """Members with points that had expired at an instant and are not written off."""
    return _page(
        reader,
        f"SELECT DISTINCT member_id FROM {reader.name(FCT_LOT)}"
        " WHERE member_id > ? AND expires_at <= ? AND points > 0 ORDER BY member_id LIMIT ?",
        (after, at, limit),
    )


def with_activated_points(reader: Reader, at: Instant, after: bytes, limit: int) -> list[bytes]:
    """Members with points that had become usable at an instant, and nobody recorded it."""
    return _page(
        reader,
        f"SELECT DISTINCT l.member_id FROM {reader.name(FCT_LOT)} l"
        f" JOIN {reader.name(FCT_MEMBER_POINTS)} m ON m.member_id = l.member_id"
        " WHERE l.member_id > ? AND l.activates_at > m.activated_until AND l.activates_at <= ?"
        " AND l.expires_at > ? AND l.points > 0 ORDER BY l.member_id LIMIT ?",
        (after, at, at, limit),
    )


def with_holds(reader: Reader, _: Instant, after: bytes, limit: int) -> list[bytes]:
    """Members with a hold whose end is not recorded."""
    return _page(
        reader,
        f"SELECT member_id FROM {reader.name(FCT_MEMBER_POINTS)}"
        " WHERE member_id > ? AND held > 0 ORDER BY member_id LIMIT ?",
        (after, limit),
    )


def with_reviews_due(reader: Reader, at: Instant, after: bytes, limit: int) -> list[bytes]:
    """Members whose tier had come to a review at an instant that is not recorded."""
    tiers = reader.name(FCT_TIER)
    return _page(
        reader,
        f"SELECT t.member_id FROM {tiers} t WHERE t.member_id > ? AND t.kept_until > 0"
        f" AND t.kept_until <= ? AND NOT EXISTS (SELECT 1 FROM {tiers} n"
        " WHERE n.member_id = t.member_id AND n.version > t.version)"
        " ORDER BY t.member_id LIMIT ?",
        (after, at, limit),
    )


def everybody(reader: Reader, _: Instant, after: bytes, limit: int) -> list[bytes]:
    """All members."""
    return reader.members(after, limit)


def _page(reader: Reader, query: str, parameters: tuple[object, ...]) -> list[bytes]:
    return [bytes(row[0]) for row in reader.rows(query, parameters)]
