"""Baskets without dates: what comes next, on members that the model was not fitted on.

Files as JSON: `history.json` and `future.json`, each `{"member": [[-1], [item, ...], ..., [-1]]}`;
the markers `[-1]` may be missing. Key lists, `{"train": [...], "val": [...], "test": [...]}`, say who
is fitted on and who is tested; without any, members are split by seeds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from adapters.offers.tables import Scores, flat, ranked
from adapters.offers.ways import tried
from ledger.errors import InputInvalid
from ledger.forecast.fit import fit, next_visit
from ledger.forecast.purchases import Ints, Purchases, purchases

PLACES = (10, 20)
LESSONS = 8
"""Earlier baskets that are learned from, the latest first; and the next one of who is not tested."""
TESTED_SHARE = 5
"""One in so many members is tested, in each split."""
_MARKER = [-1]


class Baskets(NamedTuple):
    """Members with their baskets in order; the last one is the one to tell."""

    names: list[str]
    bought: Purchases


class Split(NamedTuple):
    """Members by number: fitted on, and tested."""

    train: Ints
    test: Ints


def read(folder: Path) -> Baskets:
    """The members that have a history and a future.

    Raises:
        InputInvalid: a file is not of the form, with the member it is about.
    """
    history, future = (_baskets(folder / name) for name in ("history.json", "future.json"))
    names = sorted(history.keys() & future.keys(), key=lambda name: (len(name), name))
    if not names:
        raise InputInvalid("No member has both a history and a future.", field="history.json")
    rows: list[tuple[int, int, Any]] = []
    for number, name in enumerate(names):
        told = [*history[name], future[name][0]]
        rows += [(number, at, item) for at, basket in enumerate(told) for item in basket]
    member, at, item = (np.array(column) for column in zip(*rows, strict=True))
    _, coded = np.unique(item, return_inverse=True)
    return Baskets(names, purchases(member, at, at, coded.astype(np.int64)))


def _baskets(path: Path) -> dict[str, list[list[int]]]:
    try:
        told = msgspec.json.decode(path.read_bytes(), type=dict[str, list[list[int]]])
    except msgspec.MsgspecError as error:
        raise InputInvalid(f"{path}: {error}", field=path.name) from error
    found = {
        name: [basket for basket in baskets if basket and basket != _MARKER]
        for name, baskets in told.items()
    }
    return {name: baskets for name, baskets in found.items() if baskets}


def split_by_seed(members: int, seed: int) -> Split:
    """One in five is tested."""
    order = list(range(members))
    random.Random(seed).shuffle(order)  # noqa: S311  a split is no secret
    tested = members // TESTED_SHARE or 1
    return Split(np.sort(order[tested:]), np.sort(order[:tested]))


def split_by_keys(path: Path, baskets: Baskets) -> Split:
    """As a file says: fitted on `train` and `val`, which nothing else is asked of; others lend a history.

    Raises:
        InputInvalid: it is not of the form, or no member of it is known.
    """
    try:
        told = msgspec.json.decode(path.read_bytes(), type=dict[str, list[str | int]])
    except msgspec.MsgspecError as error:
        raise InputInvalid(f"{path}: {error}", field="keys") from error
    number = {name: index for index, name in enumerate(baskets.names)}

    def members(name: str) -> Ints:
        known = {number[str(key)] for key in told.get(name, ()) if str(key) in number}
        return np.array(sorted(known), dtype=np.int64)

    split = Split(np.union1d(members("train"), members("val")), members("test"))
    if not len(split.train) or not len(split.test):
        raise InputInvalid("It names no known member under `train` or `test`.", field="keys")
    return split


def evaluate(baskets: Baskets, splits: Sequence[Split]) -> dict[str, float]:
    """Scores of the model, of the untuned table, of personal frequency and of chance."""
    bought = baskets.bought
    known = bought.visits - 1
    asked = next_visit(bought, known, dated=False)
    earlier = [next_visit(bought, known - back, dated=False) for back in range(1, LESSONS)]
    runs: dict[str, list[Scores]] = {}
    for number, split in enumerate(splits):
        model = fit([asked._replace(whom=_only(bought, split.train)), *earlier], 0)
        for name, _, told in tried(asked, model, split.test, number):
            runs.setdefault(name, []).append(ranked(told, PLACES))
    return flat(runs)


def _only(bought: Purchases, members: Ints) -> npt.NDArray[np.bool_]:
    whom = np.zeros(bought.members, bool)
    whom[members] = True
    return whom
