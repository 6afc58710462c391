"""`loyalty offers evaluate`: how well lists and dates are told, on the past of a plain file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from adapters.cli.render import Speaker, table
from adapters.cli.values import positive
from ledger.errors import InputInvalid

DATABASE = False
_COLUMNS = ("member", "date", "basket", "item")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("evaluate",))
    parser.add_argument(
        "data",
        type=Path,
        help="a folder with history.json and future.json, or a Parquet file of lines",
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
    """Evaluate and tell."""
    told = _of_baskets(options) if options.data.is_dir() else _of_lines(options)
    speaker.say(told, _lines(told))
    return 0


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
    if not all(named.values()) or not named.keys() <= set(_COLUMNS):
        msg = f"say NAME=COLUMN for any of {', '.join(_COLUMNS)}"
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
