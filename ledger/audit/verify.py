"""Verifying: the log is intact, the reports are what it says, and no point is made or lost."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from eventsourcing.persistence import PersistenceError

from ledger.audit.findings import ENOUGH, Finding
from ledger.audit.kept import check_kept
from ledger.audit.log_check import check_log
from ledger.audit.members import Live, check_conservation, check_members
from ledger.audit.replica import Replica, differences
from ledger.errors import LedgerError, RebuildNeeded
from ledger.projections.engine import Engine
from ledger.projections.folder import Folder
from ledger.projections.parking import Parking
from ledger.projections.schema import Table
from ledger.store.codec import Codec
from ledger.store.keys import MEMBER, Keys
from ledger.store.log import Log

Phase = Callable[[str, int], Callable[[int], None] | None]
"""Told the name of a phase and its events (0: unknown); gives what to tell of progress."""


class Verdict(NamedTuple):
    """What a verification came to."""

    events: int
    findings: list[Finding]
    digests: dict[str, str]
    """By projection; empty where the log itself is not intact."""

    @property
    def clean(self) -> bool:
        """Whether everything holds."""
        return not self.findings


def verify(log: Log, codec: Codec, keys: Keys, engine: Engine, phase: Phase) -> Verdict:
    """Verify a ledger, reading it only; the reports are compared at the position they have reached.

    The log comes first: where it is not intact, what it says is not worth replaying.

    Raises:
        RebuildNeeded: a report was built in another shape.
    """
    try:
        head = log.head()
    except PersistenceError as error:
        return Verdict(0, [Finding("log", "its end", f"the store cannot be read: {error}")], {})
    findings = list(islice(check_log(log, codec, keys, phase("log", head)), ENOUGH))
    if findings:
        return Verdict(head, findings, {})
    with (
        tempfile.TemporaryDirectory(prefix="loyalty-verify-") as folder,
        log.transaction(commit=False) as cursor,
    ):
        if not engine.reports.exist(cursor):
            msg = "There are no reporting tables."
            raise RebuildNeeded(msg)
        status = engine.reports.status(cursor)
        head = log.head()  # read after the status: others may write meanwhile
        ahead = [name for name, (_, _, position) in status.items() if position > head]
        if ahead:
            detail = f"{', '.join(ahead)} saw events after position {head}"
            return Verdict(head, [Finding("log", "its end", f"it was cut off: {detail}")], {})
        replica = Replica(Path(folder) / "replica.db", engine.projections)
        try:
            return _against(replica, log, codec, keys, engine, cursor, phase, findings)
        except LedgerError:
            raise
        except Exception as error:  # noqa: BLE001  whatever the tables hold, it is told, not raised
            detail = f"it cannot be finished: {type(error).__name__}: {error}"
            return Verdict(head, [*findings, Finding("projection", "the comparison", detail)], {})
        finally:
            replica.close()


def _against(
    replica: Replica, log: Log, codec: Codec, keys: Keys, engine: Engine, cursor: Any, phase: Phase,
    findings: list[Finding],
) -> Verdict:  # fmt: skip
    head = log.head()
    status = engine.reports.status(cursor)
    for projection in engine.projections:
        if status.get(projection.name, ("", None, 0))[1] != projection.shape:
            raise RebuildNeeded(f"`{projection.name}`")
    upto = {name: position for name, (_, _, position) in status.items()}
    for projection in engine.projections:
        tracked = engine.tracked(cursor, projection)
        if tracked != upto[projection.name]:
            detail = f"it is at {upto[projection.name]}, its tracking at {tracked}"
            findings.append(Finding("projection", f"{projection.name}'s position", detail))
    parking = Parking(engine.reports)
    live_places = engine.places(cursor)
    for one in parking.parked(cursor, live_places)[:ENOUGH]:
        place = f"{one.projection} from position {one.position} on"
        member = one.stream.hex() if one.stream[0] == MEMBER else ""
        detail = f"it leaves out stream {one.stream.hex()}: {one.reason}"
        findings.append(Finding("projection", place, detail, member))
    parked = parking.versions(cursor, live_places)
    replica.fold(log, Folder(codec, keys), upto, parked, phase("replay", head))
    places = {t.name: status[p.name][0] for p in engine.projections for t in p.tables}
    live = Live(engine.reports, cursor, places, upto["balance"])
    digests = {}
    for projection in engine.projections:
        digest = hashlib.sha256()
        for table in projection.tables:
            digest.update(table.name.encode())
            found = differences(table, _rows(live, table, digest), replica.rows(table))
            findings.extend(found)
        digests[projection.name] = digest.hexdigest()
    findings.extend(islice(check_conservation(live), ENOUGH))
    findings.extend(islice(check_members(log, codec, live, phase("members", 0)), ENOUGH))
    findings.extend(islice(check_kept(log, codec), ENOUGH))
    return Verdict(head, findings[:ENOUGH], digests)


def _rows(live: Live, table: Table, digest: Any) -> Iterator[list[tuple[Any, ...]]]:
    """The live rows in the order of the key, told to the digest on the way."""
    encode = msgspec.msgpack.Encoder().encode
    counted = [index for index, column in enumerate(table.columns) if column.digest]
    whole = len(counted) == len(table.columns)
    for chunk in live.reports.scan(live.cursor, table, live.places[table.name], digest=False):
        rows = chunk if whole else [tuple([row[i] for i in counted]) for row in chunk]
        digest.update(b"".join([encode(row) for row in rows]))
        yield chunk
