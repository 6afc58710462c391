"""Two members become one, and are parted again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.card import CardState
from ledger.aggregates.member.merging import merge, merged_tier, undoable, unmerge
from ledger.aggregates.member.state import Member
from ledger.commands.common import (
    Outcome,
    accepting,
    act,
    claim,
    member_of,
    owner_of,
    present,
    rules_at,
    storable,
)
from ledger.commands.settling import settle_tier
from ledger.errors import MergeRefused, MergeUnknown
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working

MERGE = "merge"


def pair_streams(
    working: Working, kind: str, command_id: str, cards: tuple[str, str]
) -> Iterable[bytes]:
    """The streams of a command that acts on the holders of two cards."""
    keys = working.keys
    found = [PROGRAMME_STREAM, keys.command(kind, command_id)]
    for card in cards:
        owner = cast("CardState | None", working.known(keys.card(card)))
        found += [keys.card(card), *((owner.member,) if owner and owner.member else ())]
    return found


class Merge(NamedTuple):
    """Merge the holder of one card into the holder of another."""

    card_from: str
    card_into: str
    reason: str
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, both cards and their members."""
        return pair_streams(working, MERGE, self.command_id, (self.card_from, self.card_into))

    def decide(self, working: Working) -> Outcome:
        """Record the merge in both members, and whose the cards are now.

        Raises:
            KeyConflict: the command id was used for another merge.
            CardUnknown: nobody holds one of the cards.
            MemberClosed: one of the accounts is closed.
            MergeRefused, PointsHeld, InputInvalid: see the members' decision.
        """
        storable(reason=self.reason, author=self.author)
        keys = working.keys
        content = (keys.card(self.card_from), keys.card(self.card_into), self.reason, self.author)
        claimed = claim(working, MERGE, self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        stream, source = owner_of(working, self.card_from)
        into_stream, into = owner_of(working, self.card_into)
        if stream == into_stream:
            raise MergeRefused("Both cards are of one member.", field="card_into")
        accepting(source)
        accepting(into)
        rules = rules_at(working, working.now)
        done = act(working, rules.programme.time_zone, self.command_id, self.author)
        source, into = as_time_left(working, stream), as_time_left(working, into_stream)
        gone, come = merge(
            source, into, (stream, into_stream), claimed.stream, self.reason, rules, done
        )
        working.emit(stream, gone)
        version = working.emit(into_stream, come)
        for card in source.cards:
            working.emit(card.id, e.CardOwned(into_stream))
        after = member_of(working, into_stream)
        if change := merged_tier(into, after, source, rules, done):
            working.emit(into_stream, change)
        return claimed.record(working, into_stream, version)


def as_time_left(working: Working, stream: bytes) -> Member:
    """A member with what time has done recorded: holds that are over, tier reviews that passed."""
    present(working, stream)
    settle_tier(working, stream)
    return member_of(working, stream)


class Unmerge(NamedTuple):
    """Undo a merge, named by the command id that made it."""

    merge_command_id: str
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, both claims, and the members of the merge as far as they are known."""
        keys = working.keys
        made = keys.command(MERGE, self.merge_command_id)
        known = cast("e.CommandClaimed | None", working.known(made))
        into = (known.stream,) if known else ()
        return (PROGRAMME_STREAM, keys.command("unmerge", self.command_id), made, *into)

    def decide(self, working: Working) -> Outcome:
        """Record in both members what goes back, and whose the cards are again.

        Raises:
            KeyConflict: the command id was used for another.
            MergeUnknown: no merge has that command id.
            UnmergeRefused: it was undone, or is not the last one; says which.
            MemberClosed: the account is closed.
            InputInvalid: no author is given.
        """
        storable(author=self.author)
        made = working.keys.command(MERGE, self.merge_command_id)
        claimed = claim(working, "unmerge", self.command_id, (made, self.author))
        if earlier := claimed.earlier(working):
            return earlier
        known = cast("e.CommandClaimed | None", working.state(made))
        if known is None:
            raise MergeUnknown(f"`{self.merge_command_id}`", field="merge_command_id")
        into = member_of(working, known.stream)
        merged = undoable(into, made)
        accepting(into)
        into = as_time_left(working, known.stream)
        rules = rules_at(working, working.now)
        done = act(working, rules.programme.time_zone, self.command_id, self.author)
        come = cast("e.MergedIn", working.event(known.stream, known.version))
        undone, parted = unmerge(
            into, merged, come, known.stream, _tier_after(working, known), rules, done
        )
        version = working.emit(known.stream, undone)
        working.emit(merged.member, parted)
        for card in parted.cards:
            working.emit(card.id, e.CardOwned(merged.member))
        return claimed.record(working, known.stream, version)


def _tier_after(working: Working, merged: e.CommandClaimed) -> e.TierChanged | None:
    """The tier that the merge brought: it stands right behind it."""
    if working.version(merged.stream) == merged.version:
        return None
    after = working.event(merged.stream, merged.version + 1)
    return after if isinstance(after, e.TierChanged) else None
