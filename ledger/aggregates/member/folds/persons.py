"""What changes who a member is known to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import Member


def _known(m: Member, event: e.MemberCompleted | e.PersonalChanged) -> Member:
    return replace(m, personal=event.personal)


def _identified(m: Member, event: e.IdentityLinked) -> Member:
    return replace(m, identities=(*m.identities, event.identity))


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.MemberCompleted: _known,
    e.PersonalChanged: _known,
    e.IdentityLinked: _identified,
}
