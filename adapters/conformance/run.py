"""Plays the cases, one after another."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple

from adapters.conformance.cases import CASES, Case
from adapters.conformance.till import Broken, Left, Till

HELD, BROKEN, LEFT = "held", "broken", "left out"


class Settings(NamedTuple):
    """Whom to play against, and as which till."""

    url: str
    key: str
    store: str
    currency: str


class Result(NamedTuple):
    """What came of a case."""

    name: str
    about: str
    result: str
    """`held`, `broken`, or `left out` where it cannot be played there."""
    detail: str = ""


def run(
    settings: Settings, cases: Sequence[Case] = CASES,
    told: Callable[[Result], None] = lambda _: None,
) -> list[Result]:  # fmt: skip
    """Play every case; each has cards and receipts of its own, new in every run."""
    till = Till(*settings, secrets.token_hex(4))
    results = []
    try:
        for case in cases:
            result = _played(case, till)
            told(result)
            results.append(result)
    finally:
        till.close()
    return results


def _played(case: Case, till: Till) -> Result:
    try:
        case.play(till)
    except Broken as finding:
        return Result(case.name, case.about, BROKEN, str(finding))
    except Left as why:
        return Result(case.name, case.about, LEFT, str(why))
    except (KeyError, TypeError, ValueError, AttributeError) as strange:
        detail = f"an answer has not the form of the contract: {strange!r}"
        return Result(case.name, case.about, BROKEN, detail)
    return Result(case.name, case.about, HELD)
