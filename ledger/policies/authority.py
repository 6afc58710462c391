"""Who may give or take how many points by hand."""

from __future__ import annotations

import unicodedata
from typing import Literal, NamedTuple

from ledger.errors import RoleLimit, RoleUnknown, SecondPersonNeeded
from ledger.programme import Role, Staff


class Signature(NamedTuple):
    """Who does something, in which role, and who else approved it in which role."""

    author: str
    role: str = ""
    approved_by: str = ""
    approver_role: str = ""

    def content(self) -> tuple[str, ...]:
        """What makes one command differ from another; an author alone stands alone."""
        return tuple(self) if any(self[1:]) else (self.author,)


def authorise(
    staff: Staff, act: Literal["adjust", "compensate"], points: int, by: Signature
) -> None:
    """Make sure that these people may move so many points; without roles anybody may.

    Raises:
        RoleUnknown: no role is given, or one that the programme does not know.
        RoleLimit: above the limit of a role; says the limit.
        SecondPersonNeeded: nobody approved, or only the author.
    """
    if not staff.role or points == 0:
        return
    role = _role(staff, by.role, "role")
    _within(role, act, points, "role")
    second = bool(by.approved_by or by.approver_role)
    if role.second_person_from and abs(points) > role.second_person_from and not second:
        detail = f"{abs(points)} asked, {role.second_person_from} allowed alone."
        raise SecondPersonNeeded(detail, field="approved_by")
    if second:
        if not _same(by.approved_by) or _same(by.approved_by) == _same(by.author):
            raise SecondPersonNeeded("It must be somebody else.", field="approved_by")
        _within(_role(staff, by.approver_role, "approver_role"), act, points, "approver_role")


def _role(staff: Staff, name: str, field: str) -> Role:
    for role in staff.role:
        if role.name == name:
            return role
    known = ", ".join(role.name for role in staff.role)
    raise RoleUnknown(f"`{name}`; there are {known}.", field=field)


def _within(role: Role, act: str, points: int, field: str) -> None:
    limit = role.adjust_points if act == "adjust" else role.compensate_points
    if abs(points) > limit:
        raise RoleLimit(f"{abs(points)} asked, {limit} allowed for `{role.name}`.", field=field)


def _same(name: str) -> str:
    """A name as it is compared: no case, no width, no blanks around or doubled."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
