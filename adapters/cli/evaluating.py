"""`loyalty offers evaluate`: how well it is told, and what offers came to."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from adapters.cli.render import Speaker, table
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid


def evaluate(options: argparse.Namespace, speaker: Speaker) -> int:
    """Tell how well it is told: on the log, on baskets or on lines."""
    if options.data is None:
        told = _of_log(options)
    else:
        told = _of_baskets(options) if options.data.is_dir() else _of_lines(options)
    speaker.say(told, [*_lines(told), *_offers(told)])
    return 0


def _of_log(options: argparse.Namespace) -> dict[str, float]:
    from adapters.offers import history

    with LoyaltyLedger.open(options.db) as ledger:
        return history.evaluate(ledger, options.as_of)


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


def _lines(told: Mapping[str, float]) -> list[str]:
    """One row a measure: the model, what it is held against, the gain over personal frequency."""
    names = [name for name in told if "." not in name]
    ways = ("", "baseline.", "baseline.untuned.", "baseline.random.", "gain.", "gain_se.")
    rows = [(name, *(_shown(told, way + name) for way in ways)) for name in names]
    head = ("measure", "model", "frequency", "untuned", "random", "gain", "+-")
    return table(head, rows)


def _offers(told: Mapping[str, float]) -> list[str]:
    """One row a campaign: what its offers came to."""
    names = ("lists", "accepted_lists", "members", "used_members", "pieces", "off_minor",
             "spent_minor", "lift_minor", "lift_low_minor", "lift_high_minor")  # fmt: skip
    parts = [name.removeprefix("offers.").rpartition(".") for name in told if _offered(name)]
    codes = dict.fromkeys(code for code, _, _ in parts)
    rows = [
        (code or "all", *(told.get(f"offers.{code}.{name}" if code else f"offers.{name}", "")
                          for name in names))
        for code in codes
    ]  # fmt: skip
    return ["", *table(("campaign", *names), rows)] if rows else []


def _offered(name: str) -> bool:
    return name.startswith("offers.")


def _shown(told: Mapping[str, float], name: str) -> str:
    value = told.get(name)
    return "" if value is None else f"{value:g}" if value > 1 else f"{value:.4f}"
