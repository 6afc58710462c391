"""What a job is: a name, a schedule, who is due, and the command for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from ledger.jobs.schedule import Schedule
from ledger.projections.due import Look
from ledger.store.writer import Command
from ledger.types import Instant

CHUNK = 200
"""Members whose commands are decided and appended at once; a till waits so long at most."""


class Job(NamedTuple):
    """Time-driven work. Its name is part of command ids: a renamed job is another job.

    `due` gives a page of the streams due at an instant: those after one, ascending, as many as
    asked for while there are more. `command` makes the command for one of them under the given
    id. It is decided on the member as it is then, and must do nothing where nothing is left to do.
    `commands` makes those of a page at once, where they rest on more than the member; a job has one
    of the two.

    `catch_up` says what becomes of instants that nobody ran at: "each" runs them one by one,
    "last" runs the latest, which says all that the earlier ones would have said.
    """

    name: str
    about: str
    schedule: Schedule
    due: Callable[[Look, bytes, int], Sequence[bytes]]
    command: Callable[[bytes, Instant, str], Command] | None = None
    catch_up: Literal["each", "last"] = "each"
    chunk: int = CHUNK
    commands: Callable[[Look, Sequence[bytes]], Sequence[Command]] | None = None


def command_id(job: str, due_at: Instant, stream: bytes) -> str:
    """The id of a job's command: the same whoever runs it, however often."""
    return f"job:{job}:{due_at}:{stream.hex()}"
