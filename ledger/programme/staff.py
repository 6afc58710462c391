"""`[[staff.role]]`: how many points people may give and take by hand."""

from __future__ import annotations

from ledger.programme.parts import Contradictions, Name, Part, Points, repeated

__all__ = ["Role", "Staff"]


class Role(Part, frozen=True):
    """What one act of somebody in this role may move; 0 is nothing.

    Above `second_person_from` points a second person has to approve (0: never).
    """

    name: Name
    adjust_points: Points = 0
    compensate_points: Points = 0
    second_person_from: Points = 0


class Staff(Part, frozen=True):
    """The roles; with none, whoever reaches the ledger may do everything."""

    role: tuple[Role, ...] = ()


def contradictions(staff: Staff) -> Contradictions:
    """Find what the types cannot say."""
    yield from repeated("staff.role", "name", (role.name for role in staff.role))
    for index, role in enumerate(staff.role):
        most = max(role.adjust_points, role.compensate_points)
        if role.second_person_from and role.second_person_from >= most:
            yield (
                f"staff.role[{index}].second_person_from",
                f"is never passed: the role's own limits end at {most}",
            )
