"""`loyalty follow`: reporting tables that are kept up to date."""

from __future__ import annotations

import argparse
import time

from adapters.cli.render import Speaker
from adapters.cli.stopping import stopped
from adapters.cli.values import positive
from ledger.application import LoyaltyLedger
from ledger.application.following import Lag
from ledger.projections.parking import Parked


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--every", type=positive, default=1, help="seconds at most between two looks"
    )
    parser.add_argument(
        "--tell", type=positive, default=10, help="seconds at least between two lines"
    )


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Follow until stopped; a line at the start, while events come in, and at the end."""
    with LoyaltyLedger.open(options.db) as ledger, stopped() as stop:
        teller = _Teller(ledger, speaker, options.tell)
        speaker.note("Following the log; SIGTERM or Ctrl-C ends it.")
        teller.say()
        ledger.follow(
            stop.is_set, poll_ms=options.every * 1_000, tell=teller.took,
            complain=teller.complained, left_out=teller.left_out,
        )  # fmt: skip
        teller.say()
    return 0


class _Teller:
    """Says how far it has come, now and then."""

    def __init__(self, ledger: LoyaltyLedger, speaker: Speaker, every_s: int) -> None:
        self._ledger = ledger
        self._speaker = speaker
        self._every_s = every_s
        self._next = 0.0
        self._events = 0
        self._complaint = ""

    def took(self, events: int) -> None:
        """Count what was taken, and say so if it is time again."""
        self._events += events
        self._complaint = ""
        if time.monotonic() >= self._next:
            self.say()

    def complained(self, why: str) -> None:
        """Say what is wrong, once and not at every look."""
        if why != self._complaint:
            self._speaker.note(f"loyalty: {why} It is tried again.")
            self._complaint = why

    def left_out(self, one: Parked) -> None:
        """Say what a report set aside."""
        self._speaker.note(
            f"loyalty: `{one.projection}` leaves out stream {one.stream.hex()} from position"
            f" {one.position} on: {one.reason}. `loyalty unpark` tries it again."
        )

    def say(self) -> None:
        """Say it."""
        self._next = time.monotonic() + self._every_s
        lag = self._ledger.lag()
        self._speaker.say({**_named(lag), "taken": self._events}, [_line(lag, self._events)])


def _named(lag: Lag) -> dict[str, int]:
    return {"position": lag.position, "lag": lag.events, "lag_seconds": lag.seconds}


def _line(lag: Lag, taken: int) -> str:
    behind = f"{lag.events} events, {lag.seconds} s behind" if lag.events else "up to date"
    return f"At position {lag.position}, {behind}; {taken} events taken."
