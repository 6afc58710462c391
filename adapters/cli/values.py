"""Values as they are typed: instants, receipt keys, command ids."""

from __future__ import annotations

import argparse
import datetime as dt
import uuid

from adapters.cli.render import Speaker
from ledger.calendar import instant_of
from ledger.types import Day, Instant, ReceiptKey, day_of

FIRST_YEAR, LAST_YEAR = 1970, 9000
LARGEST = 1_000_000_000_000
"""More than this is not typed on purpose, and sums of it could outgrow a database's integer."""


def instant(text: str) -> Instant:
    """An instant from ISO 8601; without an offset it is UTC, without a time midnight."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = dt.datetime.min.replace(tzinfo=dt.UTC)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise argparse.ArgumentTypeError(
            f"`{text}` is not ISO 8601 of {FIRST_YEAR} to {LAST_YEAR}, e.g. 2026-01-31T18:30Z"
        )
    return instant_of(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))


def calendar_day(text: str) -> Day:
    """A day from YYYY-MM-DD."""
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        date = dt.date.min
    if not FIRST_YEAR <= date.year <= LAST_YEAR:
        raise argparse.ArgumentTypeError(f"`{text}` is not a date, e.g. 2026-01-31")
    return day_of(date)


def receipt_key(text: str) -> ReceiptKey:
    """A receipt's key from STORE/LANE/DATE/NUMBER (LANE may be empty)."""
    parts = text.split("/")
    try:
        store, lane, date, number = parts
        return ReceiptKey(store, lane, day_of(dt.date.fromisoformat(date)), number)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"`{text}` is not STORE/LANE/DATE/NUMBER, e.g. S1/2/2026-01-31/1234"
        ) from None


def line_quantity(text: str) -> tuple[int, int]:
    """A line and a quantity from LINE:QUANTITY."""
    line, _, quantity = text.partition(":")
    try:
        return whole(line), whole(quantity or "1")
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"`{text}` is not LINE:QUANTITY, e.g. 2:1") from None


def whole(text: str) -> int:
    """A whole number that any store can hold."""
    try:
        number = int(text)
    except ValueError:
        number = LARGEST + 1
    if abs(number) > LARGEST:
        raise argparse.ArgumentTypeError(f"`{text}` is not a whole number up to {LARGEST}")
    return number


def positive(text: str) -> int:
    """A whole number above zero."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is not a whole number above zero")
    return number


def command_id(options: argparse.Namespace, speaker: Speaker) -> str:
    """The caller's command id, or a new one; it is printed, so that a retry can use it."""
    made = options.command_id or uuid.uuid4().hex
    speaker.note(f"command id {made}")
    return made


def add_role(parser: argparse.ArgumentParser) -> None:
    """The options of acts that the programme limits by role."""
    parser.add_argument("--role", default="", help="the author's role in the programme")
    parser.add_argument("--approved-by", default="", help="a second person")
    parser.add_argument("--approver-role", default="", help="the second person's role")


def add_command_id(parser: argparse.ArgumentParser) -> None:
    """The option of commands that have no natural key."""
    parser.add_argument(
        "--command-id", help="makes a retry safe: the same id is done once (default: a new one)"
    )
