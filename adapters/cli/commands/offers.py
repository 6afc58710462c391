"""`loyalty offers fit|schedule|evaluate`: what members are about to need."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.cli.render import Speaker, table
from adapters.cli.values import add_command_id, calendar_day, command_id, positive, whole
from adapters.offers import COLUMNS
from adapters.offers.lists import one_list, write
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid
from ledger.types import date_of

if TYPE_CHECKING:
    from ledger.application.offers import Lists
    from ledger.offers.schedule import MemberList

_LIST = (
    "product",
    "chance_ppm",
    "quantity",
    "paid_minor",
    "times",
    "every_days",
    "last_day",
    "price_minor",
    "reason",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("fit", "schedule", "evaluate"))
    parser.add_argument(
        "data", type=Path, nargs="?",
        help="to evaluate: a folder with history.json and future.json, or a Parquet file of lines",
    )  # fmt: skip
    parser.add_argument(
        "--as-of",
        type=calendar_day,
        metavar="DATE",
        help="the day at whose end it is asked (today)",
    )
    parser.add_argument("--author", default="", help="who fits the model")
    add_command_id(parser)
    parser.add_argument("--out", type=Path, help="a new file for the lists: .ndjson or .csv")
    parser.add_argument("--card", default="", help="the list of this card's member only")
    parser.add_argument("--lines", type=positive, default=20, help="of a list (20)")
    parser.add_argument(
        "--from-minor", type=whole, default=0, help="only who spent so much in the last 56 days"
    )
    parser.add_argument(
        "--keys", type=Path, help="who is fitted on and who is tested (JSON; baskets)"
    )
    parser.add_argument(
        "--splits", type=positive, default=10, help="by seeds from 1 on (10; baskets)"
    )
    parser.add_argument(
        "--columns", type=_named, default={}, metavar="member=NAME,...",
        help="names of the columns member, date, basket, item (lines)",
    )  # fmt: skip


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Fit, list or evaluate."""
    act = {"fit": _fit, "schedule": _schedule, "evaluate": _evaluate}[options.action]
    act(options, speaker)
    return 0


def _fit(options: argparse.Namespace, speaker: Speaker) -> None:
    made = command_id(options, speaker)
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.fit_offers(options.author, made, as_of=options.as_of)
        fitted = ledger.event(outcome)
    again = " (done before)" if outcome.repeat else ""
    day = date_of(fitted.as_of).isoformat()
    data = {"command_id": made, "model": fitted.digest, "as_of": day, "members": fitted.members,
            "upto": fitted.upto, "repeat": outcome.repeat}  # fmt: skip
    told = f"Model {fitted.digest[:16]} learned from {fitted.members} members up to {day}{again}."
    speaker.say(data, [told])


def _schedule(options: argparse.Namespace, speaker: Speaker) -> None:
    if not options.out and not options.card:
        raise InputInvalid("Say --out FILE for all lists, or --card for one.", field="out")
    with LoyaltyLedger.open(options.db) as ledger:
        lists = ledger.offer_lists(
            as_of=options.as_of, lines=options.lines, from_minor=options.from_minor,
            card=options.card,
        )  # fmt: skip
        if options.out:
            with speaker.progress("lists", 0, "member") as update:
                members, lines = write(options.out, lists, update)
            data = {**_about(lists), "members": members, "lines": lines, "file": str(options.out)}
            speaker.say(data, [f"{members} lists of {lines} lines in {options.out}, {_by(lists)}."])
            return
        for one in lists.lists:
            speaker.say({**_about(lists), **one_list(one)}, _shown_list(one, lists))
            return
    speaker.say({**_about(lists), "lines": []}, ["Nothing was bought with this card by then."])


def _about(lists: Lists) -> dict[str, Any]:
    return {"as_of": date_of(lists.as_of).isoformat(), "model": lists.model}


def _by(lists: Lists) -> str:
    return f"by model {lists.model[:16]}" if lists.model else "by the untuned table"


def _shown_list(one: MemberList, lists: Lists) -> list[str]:
    day = date_of(lists.as_of).isoformat()
    about = (
        f"Member {one.member_id.hex()} on {day}: {one.visits} visits, {one.rhythm}, {_by(lists)}."
    )
    rows = [tuple(line[name] for name in _LIST) for line in one_list(one)["lines"]]
    return [about, "", *table(_LIST, rows)]


def _evaluate(options: argparse.Namespace, speaker: Speaker) -> None:
    if options.data is None:
        raise InputInvalid("Say what to evaluate on: a folder or a file.", field="data")
    told = _of_baskets(options) if options.data.is_dir() else _of_lines(options)
    speaker.say(told, _lines(told))


def _of_baskets(options: argparse.Namespace) -> dict[str, float]:
    from adapters.offers import baskets

    found = baskets.read(options.data)
    seeds = range(1, options.splits + 1)
    splits = (
        [baskets.split_by_keys(options.keys, found)] if options.keys
        else [baskets.split_by_seed(found.bought.members, seed) for seed in seeds]
    )  # fmt: skip
    return baskets.evaluate(found, splits)


def _of_lines(options: argparse.Namespace) -> dict[str, float]:
    from adapters.offers import lines

    if options.keys:
        raise InputInvalid("Lines are tested on their last weeks, not by keys.", field="keys")
    return lines.evaluate(lines.read(options.data, options.columns))


def _named(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    named = {name: column for name, _, column in pairs}
    if not all(named.values()) or not named.keys() <= set(COLUMNS):
        msg = f"say NAME=COLUMN for any of {', '.join(COLUMNS)}"
        raise argparse.ArgumentTypeError(msg)
    return named


def _lines(told: Mapping[str, float]) -> list[str]:
    """One row a measure: the model, what it is held against, the gain over personal frequency."""
    names = [name for name in told if "." not in name]
    ways = ("", "baseline.", "baseline.untuned.", "baseline.random.", "gain.", "gain_se.")
    rows = [(name, *(_shown(told, way + name) for way in ways)) for name in names]
    head = ("measure", "model", "frequency", "untuned", "random", "gain", "+-")
    return table(head, rows)


def _shown(told: Mapping[str, float], name: str) -> str:
    value = told.get(name)
    return "" if value is None else f"{value:g}" if value > 1 else f"{value:.4f}"
