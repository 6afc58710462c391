"""`loyalty verify`: the log, the reports, and the points they tell of."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack

from adapters.cli.render import Speaker, table
from ledger.application import LoyaltyLedger
from ledger.audit.findings import Finding
from ledger.audit.verify import Verdict
from ledger.errors import InputInvalid

UNVERIFIED = 3


def arguments(_: argparse.ArgumentParser) -> None:
    """Declare nothing more."""


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Verify; exit code 3 where something is not as it must be."""
    try:
        with LoyaltyLedger.open(options.db) as ledger:
            verdict = checked(ledger, speaker)
    except InputInvalid as damaged:  # a log too damaged to be opened is not verified either
        verdict = Verdict(0, [Finding("log", "its file", str(damaged))], {})
    data = {
        "clean": verdict.clean, "events": verdict.events, "digests": verdict.digests,
        "findings": [finding._asdict() for finding in verdict.findings],
    }  # fmt: skip
    speaker.say(data, verdict_lines(verdict))
    return 0 if verdict.clean else UNVERIFIED


def checked(ledger: LoyaltyLedger, speaker: Speaker) -> Verdict:
    """Verify with a progress bar for each phase."""
    with ExitStack() as bars:

        def phase(name: str, events: int) -> Callable[[int], None] | None:
            bars.pop_all().close()
            return bars.enter_context(speaker.progress(name, events, "ev"))

        return ledger.verify(phase)


def verdict_lines(verdict: Verdict) -> list[str]:
    """The verdict for a person."""
    if not verdict.clean:
        return ["NOT VERIFIED", *(f"  {finding}" for finding in verdict.findings)]
    lines = [
        f"Verified: {verdict.events} events match their leaf hashes, the reports equal a replay,"
        " every point is accounted for."
    ]
    return lines + table(("projection", "digest"), sorted(verdict.digests.items()))
