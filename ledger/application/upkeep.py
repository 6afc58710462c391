"""Keeping and proving the reports."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.application.door import Door
from ledger.audit.verify import Phase, Verdict, verify
from ledger.errors import InputInvalid
from ledger.projections.engine import Progress, Status
from ledger.projections.parking import Parked


class Upkeep(Door):
    """The reporting tables, and the audit."""

    def catch_up(self, progress: Progress | None = None) -> int:
        """Bring the reporting tables to the head of the log."""
        return self.engine.catch_up(progress)

    def rebuild(
        self, names: Sequence[str] = (), progress: Progress | None = None, *, workers: int = 1,
        anew: bool = False,
    ) -> int:  # fmt: skip
        """Build reporting tables anew from the log (all of them where none are named).

        One that was killed goes on where it stopped, unless it is to begin `anew`.

        Raises:
            InputInvalid: there is no such projection, or there are no workers.
            RebuildOvertaken: another rebuild began after this one.
        """
        if workers < 1:
            raise InputInvalid("There is at least one worker.", field="workers")
        return self.engine.rebuild(self._named(names), progress, workers=workers, anew=anew)

    def parked(self) -> list[Parked]:
        """Streams that a report could not take, from which event on and why."""
        return self.engine.parked()

    def unpark(self, names: Sequence[str] = (), progress: Progress | None = None) -> list[Parked]:
        """Try again what reports (all of them where none are named) left out; what is left now.

        Raises:
            InputInvalid: there is no such projection.
            RebuildOvertaken: a rebuild that it takes was overtaken by another.
        """
        return self.engine.unpark(self._named(names), progress)

    def _named(self, names: Sequence[str]) -> Sequence[str]:
        known = [p.name for p in self.engine.projections]
        for name in names:
            if name not in known:
                raise InputInvalid(
                    f"There is no projection `{name}`; there are {', '.join(known)}."
                )
        return names or known

    def verify(self, phase: Phase = lambda _name, _events: None) -> Verdict:
        """Verify the log and everything derived from it; writes nothing to the ledger.

        Raises:
            RebuildNeeded.
        """
        return verify(self.log, self.codec, self.keys, self.engine, phase)

    def status(self) -> list[Status]:
        """How far the reporting tables have come."""
        return self.engine.status()

    def digests(self) -> dict[str, str]:
        """A digest of each projection."""
        self.engine.catch_up()
        return self.engine.digests()
