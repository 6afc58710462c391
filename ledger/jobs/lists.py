"""Issuing the shopping lists of the next two weeks."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.calendar import local_day
from ledger.commands.lists import NoList
from ledger.events import TOPICS
from ledger.jobs.job import Job
from ledger.jobs.schedule import fortnightly
from ledger.offers.histories import Part, cut_at
from ledger.projections.due import Look, with_lists
from ledger.store.codec import Codec
from ledger.store.writer import Command

_PLAN = "plan"
NOW = 2**62
"""All that has been told."""


def _commands(look: Look, page: Sequence[bytes]) -> list[Command]:
    """What issues the lists of a page, made by what was known at the end of the day before."""
    from ledger.offers.plan import Ask, command, made, plan  # noqa: PLC0415  an extra

    programme = look.programme
    if _PLAN not in look.kept:
        as_of = local_day(look.at, programme.time_zone) - 1
        histories = look.histories(cut_at(look.log, as_of, programme.time_zone))
        ask, codec = Ask.by(programme.lists, as_of), Codec(TOPICS, {})
        whole = plan(look.log, codec, look.reader, programme, ask, histories, NOW)
        look.kept[_PLAN] = histories, whole
    part = Part(Part.of(page[0]).after, Part.of(page[-1]).until)
    histories, whole = look.kept[_PLAN]
    lists = {one.member: command(one) for one in made(histories, whole, part)}
    return [lists.get(member) or NoList(member) for member in page]


LISTS = Job(
    name="lists",
    about="issue the shopping lists of the next two weeks",
    schedule=fortnightly("04:00"),
    due=with_lists,
    commands=_commands,
    catch_up="last",
)
