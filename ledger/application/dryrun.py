"""Trying a programme before it is published."""

from __future__ import annotations

from ledger.application.door import Door
from ledger.dryrun.report import Report
from ledger.dryrun.run import Phase, Question, Source, dry_run


class DryRuns(Door):
    """Questions about programmes that are not in force."""

    def simulate_programme(
        self, draft: str, over: str, *, sample: int = 0, top: int = 10,
        phase: Phase = lambda _name, _events: None,
    ) -> Report:  # fmt: skip
        """What a draft programme would have come to over a period; writes nothing.

        Raises:
            ProgrammeInvalid, InputInvalid, PersonalDataUnavailable.
        """
        source = Source(self.log, self.codec, self.keys, self.vault)
        return dry_run(source, Question(draft, over, sample, top), phase)
